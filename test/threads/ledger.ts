/**
 * What handlers in shards have started, kept where the end of a thread cannot take it away: lines of a file, each written
 * whole before its handler does anything else.
 */
import { mkdtempSync, openSync, readFileSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** The ledger of one test; the file is removed at its end. */
export class Ledger implements Disposable {
  readonly file: string;
  readonly #folder: string;

  constructor() {
    this.#folder = mkdtempSync(join(tmpdir(), 'homing-ledger-'));
    this.file = join(this.#folder, 'lines');
    writeFileSync(this.file, '');
  }

  /** The numbers that were started, by session id, in the order of their starts. */
  read(): Map<string, number[]> {
    const started = new Map<string, number[]>();
    for (const line of readFileSync(this.file, 'utf8').split('\n')) {
      if (line === '') continue;
      const [id = '', number] = line.split(' ');
      const numbers = started.get(id);
      if (numbers === undefined) started.set(id, [Number(number)]);
      else numbers.push(Number(number));
    }
    return started;
  }

  [Symbol.dispose](): void {
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

/** Under this name a session that ended well has left how many items it had sent. */
export function saidBy(id: string): string {
  return `said-${id}`;
}

const descriptors = new Map<string, number>();

/** Writes down that the handler of this message has started. */
export function enter(file: string, id: string, number: number): void {
  let descriptor = descriptors.get(file);
  if (descriptor === undefined) {
    descriptor = openSync(file, 'a');
    descriptors.set(file, descriptor);
  }
  writeSync(descriptor, `${id} ${number}\n`);
}
