/**
 * A session as its bytes show it: what each end has written, how far it says to have come, what it granted, and which answers
 * it owes. Bytes are looked at as they are written, so what an end could not have heard yet is never held against it.
 */
import type { Ack } from '../../conformance/bodies.ts';
import { Failed, Fields } from '../../conformance/bytes.ts';
import { readDirect } from '../../conformance/conduct.ts';
import { directKinds, orderedKinds } from '../../conformance/frames.ts';
import { type Beginning, Written } from './written.ts';

/** Who has written. */
export type By = 'client' | 'server';

/** A lane. */
export type Lane = 'ordered' | 'direct';

/** Positions and credit, as an ACK tells them. */
export type Positions = Ack;

/** One end of a session. */
export class EndRecord {
  readonly ordered = new Written('ordered');
  readonly direct = new Written('direct');
  /** The largest payload that this end takes. */
  readonly messageBytes: number;
  /** Highest ordered seq, and how many payload bytes, the other end may write by what this end has granted. */
  edgeMessages = 0;
  edgeBytes = 0;
  #told = { orderedReceived: 0, cursor: 0, directReceived: 0 };
  /** Seqs of messages of this end that the other end has yet to answer. */
  readonly #delivers = new Set<number>();
  readonly #calls = new Set<number>();
  readonly #applies = new Set<number>();
  readonly #writes: number[] = [];

  constructor(messageBytes: number) {
    this.messageBytes = messageBytes;
  }

  get cursor(): number {
    return this.#told.cursor;
  }

  /** This end says how far it has come in what `other` writes: nothing that was not written, nothing that goes back. */
  tell(positions: Positions, other: EndRecord, where: string): void {
    const { orderedReceived, cursor, directReceived } = positions;
    const told = this.#told;
    if (orderedReceived > other.ordered.whole || directReceived > other.direct.whole) {
      const written = `${other.ordered.whole} and ${other.direct.whole}`;
      throw new Failed(`its ${where} has received ${orderedReceived} and ${directReceived}, of ${written} written`);
    }
    if (orderedReceived < told.orderedReceived || cursor < told.cursor || directReceived < told.directReceived)
      throw new Failed(`its ${where} goes back: cursor ${cursor} after ${told.cursor}`);
    this.#told = { orderedReceived, cursor, directReceived };
    other.ordered.forgetBelow(cursor);
    other.direct.forgetBelow(directReceived);
  }

  /** This end grants room beyond its cursor; what was granted stays so. */
  grant({ cursor, windowMessages, windowBytes }: Positions, other: EndRecord, where: string): void {
    const edgeMessages = cursor + windowMessages;
    if (edgeMessages < this.edgeMessages)
      throw new Failed(`its ${where} takes credit back: up to ${edgeMessages} after ${this.edgeMessages}`);
    this.edgeMessages = edgeMessages;
    this.edgeBytes = Math.max(this.edgeBytes, other.ordered.bytesUpTo(cursor) + windowBytes);
  }

  /** This end begins an ordered message for the first time: it must have credit from `other`. */
  spend({ seq, bytes }: Beginning, other: EndRecord): void {
    if (seq > other.edgeMessages)
      throw new Failed(`it sent ordered seq ${seq}, credit was up to ${other.edgeMessages}`);
    const isAlone = other.cursor >= seq - 1;
    const upTo = this.ordered.bytesUpTo(seq);
    if (isAlone || upTo <= other.edgeBytes) return;
    throw new Failed(
      `it sent ordered seq ${seq} with ${bytes} bytes, up to byte ${upTo} of ${other.edgeBytes} granted`,
    );
  }

  /** An ordered message of this end is whole for the first time: what the other end owes for it. */
  owe(seq: number, kind: number): void {
    if (kind === orderedKinds.DELIVER) this.#delivers.add(seq);
    if (kind === orderedKinds.CALL || kind === orderedKinds.SERVICE) this.#calls.add(seq);
    if (kind === orderedKinds.WRITE) this.#writes.push(seq);
  }

  /** A direct message of this end is whole for the first time, and this is its first piece: it must answer something that `other` wrote. */
  answer({ seq, kind, bytes }: Beginning, first: Buffer, other: EndRecord): void {
    if (kind === directKinds.NOTICE) return;
    const number =
      first.length < bytes ? new Fields(first, 'its direct message').u64() : readDirect(kind, first).number;
    switch (kind) {
      case directKinds.RECEIPT:
        return take(other.#delivers, number, 'RECEIPT');
      case directKinds.RESULT:
        return take(other.#calls, number, 'RESULT');
      case directKinds.ANSWER:
        return take(other.#applies, number, 'ANSWER');
      case directKinds.VERDICT:
        if (other.#writes.shift() !== number)
          throw new Failed(`it sent a VERDICT on ${number}, which is not the oldest WRITE without one`);
        return;
      case directKinds.APPLY:
        this.#applies.add(seq);
        return;
      case directKinds.CANCEL:
        if (number === 0 || number > this.ordered.begun)
          throw new Failed(`it sent a CANCEL of ${number}, which it has not written`);
        return;
      case directKinds.STOP:
        if (number === 0 || number >= seq) throw new Failed(`it sent a STOP of ${number} as direct seq ${seq}`);
        return;
      default:
    }
  }
}

function take(owed: Set<number>, number: number, name: string): void {
  if (!owed.delete(number)) throw new Failed(`it sent ${name} for ${number}, which nobody waits for`);
}

/** A session, from its first WELCOME on. */
export interface SessionRecord {
  readonly id: string;
  readonly secret: Buffer;
  readonly epoch: number;
  dialNumber: number;
  readonly client: EndRecord;
  readonly server: EndRecord;
}
