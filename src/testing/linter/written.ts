/**
 * What one end of a session has written so far in one lane, over all connections: which messages, and what was in them, so
 * that whatever is written again can be held against the first time.
 */
import { Failed } from '../../conformance/bytes.ts';

/** A message as it was begun, and finished. */
interface Entry {
  readonly kind: number;
  readonly bytes: number;
  /** Payload bytes of the lane up to its end. */
  readonly endBytes: number;
  /** Of its payload; undefined while it has never been whole. */
  checksum: number | undefined;
}

/** A message whose first byte is being written. */
export interface Beginning {
  readonly seq: number;
  readonly kind: number;
  readonly bytes: number;
}

/** The numbered messages of one lane of one end. */
export class Written {
  /** Highest seq that was written whole, and highest that was begun. */
  whole = 0;
  begun = 0;
  readonly #name: string;
  readonly #entries = new Map<number, Entry>();
  #endBytes = 0;
  #forgotten = 0;

  constructor(name: string) {
    this.#name = name;
  }

  /** Payload bytes of all messages up to this one, which must not be forgotten. */
  bytesUpTo(seq: number): number {
    return this.#entries.get(seq)?.endBytes ?? (seq >= this.begun ? this.#endBytes : 0);
  }

  /** A message begins, for the first time or again. Tells whether it is the first time. */
  begin({ seq, kind, bytes }: Beginning): boolean {
    const known = this.#entries.get(seq);
    if (known !== undefined) {
      if (known.kind === kind && known.bytes === bytes) return false;
      throw new Failed(`it sent ${this.#name} seq ${seq} again with another kind or length`);
    }
    if (seq <= this.begun) return false;
    if (seq !== this.begun + 1) throw new Failed(`it sent ${this.#name} seq ${seq} after ${this.begun}`);
    this.begun = seq;
    this.#endBytes += bytes;
    this.#entries.set(seq, { kind, bytes, endBytes: this.#endBytes, checksum: undefined });
    return true;
  }

  /** A message is whole. Tells whether it is so for the first time. */
  finish(seq: number, checksum: number): boolean {
    const isFirst = seq > this.whole;
    this.whole = Math.max(this.whole, seq);
    const known = this.#entries.get(seq);
    if (known === undefined) return isFirst;
    if (known.checksum !== undefined && known.checksum !== checksum)
      throw new Failed(`it sent ${this.#name} seq ${seq} again with another payload`);
    known.checksum = checksum;
    return isFirst;
  }

  /** Messages below this one are never written again. */
  forgetBelow(seq: number): void {
    for (; this.#forgotten < seq - 1; this.#forgotten += 1) this.#entries.delete(this.#forgotten + 1);
  }
}
