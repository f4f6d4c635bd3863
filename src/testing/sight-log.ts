/**
 * Sights of a real process as a file of JSON lines. Each is written before the call returns, so a process that is killed loses
 * the line that it is writing at most. What a line tells is done after it is written (a message is handed over, a result goes
 * back), or was done before by somebody else; so for a torn last line, which is dropped, nothing has followed from it yet.
 */
import { closeSync, openSync, readFileSync, writeSync } from 'node:fs';
import type { Sight } from './sights.ts';

/** Milliseconds on the clock that all processes of this machine share, and that nobody sets. */
export function sharedNowMs(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}

/** The log of one process. */
export class SightLog implements Disposable {
  readonly #file: number;

  /** Opens a log, or goes on with it. */
  constructor(path: string) {
    this.#file = openSync(path, 'a');
  }

  /** Writes a sight. */
  tell(sight: Sight): void {
    writeSync(this.#file, `${JSON.stringify(sight)}\n`);
  }

  [Symbol.dispose](): void {
    closeSync(this.#file);
  }
}

/** Reads logs, and merges them by their clock. Throws for a line that is torn in the middle of a log. */
export function readSights(paths: readonly string[]): Sight[] {
  const all = paths.flatMap((path) => linesOf(path));
  return all.toSorted((left, right) => left.atMs - right.atMs);
}

function linesOf(path: string): Sight[] {
  const lines = readFileSync(path, 'utf8').split('\n');
  // What follows the last line break is empty, or torn.
  return lines.slice(0, -1).map((line) => JSON.parse(line) as Sight);
}
