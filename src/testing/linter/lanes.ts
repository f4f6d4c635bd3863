/** One lane of one direction of one connection: seqs that continue, and fragments that are complete and in their order. */
import { crc32 } from 'node:zlib';
import { Failed, Fields } from '../../conformance/bytes.ts';
import { FRAGMENT, type Got, PIECE_BYTES, directKinds, orderedKinds } from '../../conformance/frames.ts';
import type { Beginning } from './written.ts';
import type { By, Lane } from './record.ts';

const { WRITE, SERVICE, CHANGE, FORWARD } = orderedKinds;
const { VERDICT, NOTICE } = directKinds;

/** Kinds that only the other end may send. */
const foreign: Readonly<Record<By, Readonly<Record<Lane, readonly number[]>>>> = {
  client: { ordered: [CHANGE, FORWARD], direct: [VERDICT, NOTICE] },
  server: { ordered: [WRITE, SERVICE], direct: [] },
};

const kindsMax: Readonly<Record<Lane, number>> = { ordered: 7, direct: 9 };

/** What is done with a message. */
export interface LaneEvents {
  /** It begins; `isLarge` is of one in fragments. */
  readonly begins: (message: Beginning) => void;
  /** It is whole; `first` is its payload, or the first piece of it. */
  readonly whole: (message: Beginning, checksum: number, first: Buffer) => void;
}

interface Open extends Beginning {
  filled: number;
  checksum: number;
  readonly first: Buffer;
}

/** A lane, from the seq that the handshake says is next. */
export class LaneLinter {
  readonly #lane: Lane;
  readonly #by: By;
  readonly #events: LaneEvents;
  #next: number;
  #open: Open | undefined;

  constructor(lane: Lane, by: By, next: number, events: LaneEvents) {
    this.#lane = lane;
    this.#by = by;
    this.#next = next;
    this.#events = events;
  }

  /** Takes a frame of this lane. Throws `Failed` for one that must not be sent here. */
  take({ flags, seq, body }: Got): void {
    const lane = this.#lane;
    const kind = flags & 0x0f;
    if ((flags & 0x70) !== 0 || kind === 0 || kind > kindsMax[lane])
      throw new Failed(`it sent ${lane} flags ${flags}, which mean nothing`);
    if (foreign[this.#by][lane].includes(kind)) throw new Failed(`it sent ${lane} kind ${kind}, as a ${this.#by}`);
    if (seq !== this.#next) throw new Failed(`it sent ${lane} seq ${seq}, expected was ${this.#next}`);
    if ((flags & FRAGMENT) === 0) this.#takeWhole({ seq, kind, bytes: body.length }, body);
    else this.#takePiece(seq, kind, body);
  }

  #takeWhole(message: Beginning, body: Buffer): void {
    if (this.#open !== undefined) throw new Failed(`it sent a whole ${this.#lane} message amid fragments`);
    if (body.length > PIECE_BYTES) throw new Failed(`it sent ${body.length} payload bytes in one frame`);
    this.#events.begins(message);
    this.#finish(message, crc32(body), body);
  }

  #takePiece(seq: number, kind: number, body: Buffer): void {
    const fields = new Fields(body, `its fragment of ${this.#lane} seq ${seq}`);
    const [total, offset] = [fields.u32(), fields.u32()];
    const piece = fields.rest();
    if (total <= PIECE_BYTES) fields.fail(`has a total of ${total}, which travels whole`);
    const open = this.#open ?? { seq, kind, bytes: total, filled: 0, checksum: 0, first: Buffer.from(piece) };
    if (open.kind !== kind || open.bytes !== total) fields.fail('has another kind or total than the one before');
    if (piece.length === 0 || offset !== open.filled || offset + piece.length > total)
      fields.fail(`has ${piece.length} bytes at ${offset}, expected was ${open.filled} of ${total}`);
    if (offset === 0) this.#events.begins(open);
    open.filled += piece.length;
    open.checksum = crc32(piece, open.checksum);
    this.#open = open;
    if (open.filled < total) return;
    this.#open = undefined;
    this.#finish(open, open.checksum, open.first);
  }

  #finish(message: Beginning, checksum: number, first: Buffer): void {
    this.#next += 1;
    this.#events.whole(message, checksum, first);
  }
}
