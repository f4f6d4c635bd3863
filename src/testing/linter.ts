/**
 * The wire linter: whether every byte that two ends write is legal by PROTOCOL.md. It shares no code with the implementation,
 * only the readers of the conformance suite, and follows both directions of each connection and sessions over many of them.
 */
import { sign as hmac } from '../conformance/bodies.ts';
import { Failed } from '../conformance/bytes.ts';
import { ConnectionRecord, type Sign } from './linter/connection.ts';
import type { By, SessionRecord } from './linter/record.ts';

/** One run in so many is looked at. */
const EVERY = 4;

/** Whether the run of this seed is one of those whose bytes are looked at. */
export function isLinted(seed: number): boolean {
  return seed % EVERY === 0;
}

/** One connection that is looked at. */
export interface LineLinter {
  /** An end has written these bytes, in pieces of any size. They are copied. */
  wrote(by: By, chunk: Uint8Array): void;
}

/** Looks at the connections between clients and servers, and remembers their sessions. */
export class WireLinter {
  readonly #told: (sentence: string) => void;
  readonly #sign: Sign;
  readonly #sessions = new Map<string, SessionRecord>();

  /**
   * `told` is given the first thing that is wrong with a connection, as a sentence; what follows on it is not looked at. `sign`
   * is HMAC-SHA-256 but for ends that sign otherwise.
   */
  constructor(told: (sentence: string) => void, sign: Sign = hmac) {
    this.#told = told;
    this.#sign = sign;
  }

  /**
   * A new connection. Bytes must be shown in an order in which they could have been written: an answer after what it
   * answers, also over several connections of a session.
   */
  connection(name: string): LineLinter {
    const record = new ConnectionRecord(this.#sessions, this.#sign);
    let isLegal = true;
    return {
      wrote: (by, chunk) => {
        if (!isLegal) return;
        try {
          record.take(by, chunk);
        } catch (error) {
          if (!(error instanceof Failed)) throw error;
          isLegal = false;
          this.#told(`${name}, ${by}: ${error.message}`);
        }
      },
    };
  }
}
