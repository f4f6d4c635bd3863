/**
 * How an accepting end judges a HELLO: which session it may resume, which it must not, and what it is told of one that
 * is gone. Values in, a verdict out; nothing changes here. The order of the checks is the security of a resume: proof
 * first, then the dial number, then the positions (DESIGN: Proof, contract 6, 8 and 9).
 */
import type { EndCode } from '../errors.ts';
import { isTerminal } from '../errors.ts';
import { EPOCH_MAX, type SessionId } from '../ids.ts';
import type { HelloReceived } from '../wire/control.ts';
import { isProven, type Secrets } from './proof.ts';

/** What an end remembers of a session that lives. */
export interface Living {
  readonly secret: Uint8Array;
  readonly epoch: number;
  /** The dial number of the connection attached last. */
  readonly attachedDial: number;
  /** Whether the positions that a peer claims can be true of this memory. */
  fits(orderedReceived: number, cursor: number, directReceived: number): boolean;
}

/** What is kept of a session that has ended, for one linger. */
export interface Tombstone {
  readonly id: SessionId;
  readonly secret: Uint8Array;
  readonly epoch: number;
  readonly code: EndCode;
  readonly reason: string;
  /** Rises once more if the handler that ran at the end settles. */
  finalCursor: number;
  readonly diesAtMs: number;
}

/** What to do with a HELLO once its credentials are found good. */
export type Verdict =
  | { readonly type: 'resume' }
  | {
      readonly type: 'create';
      readonly epoch: number;
      readonly loss: EndCode | undefined;
      readonly grave: Tombstone | undefined;
    }
  | { readonly type: 'refuse'; readonly code: EndCode; readonly reason: string; readonly grave: Tombstone | undefined };

/**
 * Judges a HELLO against what is remembered of the session it claims. `provenBy`: the secret that this HELLO was found to
 * know when it was judged before, so that the same proof is not computed twice.
 */
export function judge(
  hello: HelloReceived,
  living: Living | undefined,
  grave: Tombstone | undefined,
  secrets: Secrets,
  provenBy?: Uint8Array,
): Verdict {
  const claim = hello.claim;
  if (claim === undefined) return { type: 'create', epoch: 1, loss: undefined, grave: undefined };
  if (claim.epoch >= EPOCH_MAX) return refuse('epoch-refused', `expected an epoch below 2^32, got ${claim.epoch}`);
  const known = living ?? grave;
  const next = claim.epoch + 1;
  if (known === undefined) return { type: 'create', epoch: next, loss: 'history-lost', grave: undefined };
  const isKnown = known.secret === provenBy || isProven(secrets, known.secret, hello.mac, hello.unsigned);
  if (known.epoch !== claim.epoch || !isKnown) {
    return refuse('proof-failed', 'the proof of the session secret is wrong');
  }
  if (living === undefined) return judgeReturn(next, grave);
  if (hello.dialNumber <= living.attachedDial)
    return refuse('replaced', 'a newer connection of this session took over');
  const fits = living.fits(claim.orderedReceived, claim.cursor, claim.directReceived);
  if (claim.mode === 'resume' && fits) return { type: 'resume' };
  return { type: 'create', epoch: next, loss: 'history-lost', grave: undefined };
}

function judgeReturn(epoch: number, grave: Tombstone | undefined): Verdict {
  if (grave === undefined || isForgiving(grave.code)) {
    return { type: 'create', epoch, loss: grave?.code ?? 'history-lost', grave };
  }
  return { type: 'refuse', code: grave.code === 'closed' ? 'ended' : grave.code, reason: grave.reason, grave };
}

/** After these ends the client may go on with a new session; after the others it is told that there is none. */
function isForgiving(code: EndCode): boolean {
  return code === 'expired' || code === 'memory-freed' || !isTerminal(code);
}

function refuse(code: EndCode, reason: string): Verdict {
  return { type: 'refuse', code, reason, grave: undefined };
}

/** The tombstones of one shard: bounded in number and time. */
export class Graveyard {
  readonly #gravesMax: number;
  readonly #graves = new Map<SessionId, Tombstone>();

  constructor(gravesMax: number) {
    this.#gravesMax = gravesMax;
  }

  get size(): number {
    return this.#graves.size;
  }

  /** Remembers an ended session; the oldest grave makes room when there are too many. */
  bury(grave: Tombstone): void {
    if (this.#graves.size >= this.#gravesMax) this.#dropOldest();
    this.#graves.set(grave.id, grave);
  }

  /** The grave of this id, unless its time is over. */
  find(id: SessionId, nowMs: number): Tombstone | undefined {
    const grave = this.#graves.get(id);
    if (grave === undefined || grave.diesAtMs > nowMs) return grave;
    this.#graves.delete(id);
    return undefined;
  }

  /** Forgets the graves whose time is over; graves are in the order of burial, which with one linger is that of time. */
  sweep(nowMs: number): void {
    for (const grave of this.#graves.values()) {
      if (grave.diesAtMs > nowMs) return;
      this.#graves.delete(grave.id);
    }
  }

  #dropOldest(): void {
    for (const id of this.#graves.keys()) {
      this.#graves.delete(id);
      return;
    }
  }
}
