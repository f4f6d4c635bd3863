/**
 * Those who wait in line because the outbox is full: not accepted yet, first come first served, before any later send
 * (DESIGN: contract 2). Who gives up leaves at once, wherever it stands, and its bytes are not kept for long.
 */
import { Deque } from './deque.ts';

const LEFT_KEPT_MAX = 16;

/** A message that is not accepted yet, with bytes of its own. */
export interface InLine {
  readonly kind: number;
  readonly bytes: Uint8Array;
  readonly token: number;
  readonly ordinal: number;
  hasLeft: boolean;
}

/** The line before one outbox. */
export class Line {
  /** Made for the first one. */
  #entries: Deque<InLine> | undefined;
  #leftCount = 0;
  #bytes = 0;

  /** How many stand in line. */
  get length(): number {
    return this.places - this.#leftCount;
  }

  /** Places that are kept, those of some who have left included. */
  get places(): number {
    return this.#entries?.length ?? 0;
  }

  /** Payload bytes of those who stand in line. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Lets a message stand behind the last; its bytes are its own from now on. */
  push(kind: number, bytes: Uint8Array, token: number, ordinal: number): void {
    this.#bytes += bytes.length;
    (this.#entries ??= new Deque()).push({ kind, bytes, token, ordinal, hasLeft: false });
  }

  /** The first in line, which may stay there. */
  get first(): InLine | undefined {
    return this.#entries?.at(0);
  }

  /** Takes the first in line. */
  shift(): InLine | undefined {
    const entry = this.#entries?.shift();
    if (entry !== undefined && !entry.hasLeft) this.#bytes -= entry.bytes.length;
    this.#dropLeft();
    return entry;
  }

  /** Who waits under this token leaves. Returns the ordinal of its message, 0 when it does not stand here. */
  leave(token: number): number {
    for (let index = 0; index < this.places; index += 1) {
      const entry = this.#entries?.at(index);
      if (entry?.token !== token || entry.hasLeft) continue;
      entry.hasLeft = true;
      this.#bytes -= entry.bytes.length;
      this.#leftCount += 1;
      this.#dropLeft();
      if (this.#leftCount > LEFT_KEPT_MAX && this.#leftCount * 2 > this.places) this.#pack();
      return entry.ordinal;
    }
    return 0;
  }

  #dropLeft(): void {
    while (this.#entries?.at(0)?.hasLeft === true) {
      this.#entries.shift();
      this.#leftCount -= 1;
    }
  }

  #pack(): void {
    for (let left = this.places; left > 0; left -= 1) {
      const entry = this.#entries?.shift();
      if (entry !== undefined && !entry.hasLeft) this.#entries?.push(entry);
    }
    this.#leftCount = 0;
  }
}
