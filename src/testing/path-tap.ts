/** What a path tells somebody who draws it. */
import type { SimLine, Toward } from './sim-line.ts';

/** Who is told what happens on the lines of a path. */
export interface PathTap {
  dialled(line: SimLine): void;
  /** The chunk is the reader's: what is kept must be copied. */
  read(line: SimLine, toward: Toward, chunk: Uint8Array): void;
  cut(line: SimLine, toward: Toward): void;
}
