/** What is known of the file before anything is shipped: the truth that the verdict is held against. */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { basename } from 'node:path';
import { piecesOf } from './pieces.ts';

/** A file as it is on disk. */
export interface FileFacts {
  readonly path: string;
  readonly name: string;
  readonly lines: number;
  readonly bytes: number;
  /** SHA-256 of its bytes, in hex, as `sha256sum` prints it. */
  readonly digest: string;
}

/** Reads a file once. Throws an `Error` with a sentence for the user if it cannot be read. */
export async function factsOf(path: string): Promise<FileFacts> {
  const found = await stat(path).catch((error: NodeJS.ErrnoException) => {
    throw new Error(error.code === 'ENOENT' ? `no such file: ${path}` : `cannot read ${path}: ${error.message}`);
  });
  if (!found.isFile()) throw new Error(`expected a regular file, but ${path} is none`);
  try {
    const hash = createHash('sha256');
    let bytes = 0;
    for await (const chunk of createReadStream(path) as AsyncIterable<Buffer>) {
      hash.update(chunk);
      bytes += chunk.length;
    }
    let lines = 0;
    for await (const { endsLine } of piecesOf(path)) if (endsLine) lines += 1;
    return { path, name: basename(path), lines, bytes, digest: hash.digest('hex') };
  } catch (error) {
    throw new Error(`cannot read ${path}: ${error instanceof Error ? error.message : String(error)}`);
  }
}
