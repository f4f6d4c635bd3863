/**
 * Group sends of one thread: to its own sessions at once, to those of the other shards by notes, in order; what each shard
 * answers is summed. Holds what nobody matched until somebody does or the time is over.
 */
import { HomingError } from '../errors.ts';
import { type Slot, HeldSlots, HELD_MESSAGES_MAX, claim, isOpen } from './held-slots.ts';
import type { GroupMessage, Note } from './notes.ts';
import type { Clock } from './ports.ts';

/** What became of a group send. */
export interface Sent {
  /** Sessions whose outbox has it now; their own guarantees hold from here. */
  readonly accepted: number;
  /** Sessions that match and have no room for it. */
  readonly refused: number;
  /** 1 when nobody matched and it is held, else 0. */
  readonly held: number;
}

/** Told when a message that was held is not delivered. */
export type HeldFailed = (error: HomingError) => void;

/** What a group sender needs. */
export interface GroupSenderOwner {
  /** The other places that can be reached now. */
  places(): readonly number[];
  post(place: number, note: Note): void;
  /** Sends to the sessions of this thread; with a slot, keeps a copy if nobody matches. */
  deliver(message: GroupMessage, slot: Slot | undefined): { readonly accepted: number; readonly refused: number };
  /** The copy of this thread is of no use any more. */
  drop(slot: Slot): void;
}

/** Sends without all answers at most, and their bytes. */
const PENDING_MAX = 10_000;
const PENDING_BYTES_MAX = 16_777_216;

/** Bytes of the messages that one sender holds. */
const HELD_BYTES_MAX = 1_048_576;

/** A send that other shards have not answered yet. */
interface Pending {
  readonly message: GroupMessage;
  readonly waitingFor: Set<number>;
  readonly resolve: (sent: Sent) => void;
  readonly hold: Hold | undefined;
  accepted: number;
  refused: number;
}

interface Hold {
  readonly message: GroupMessage;
  readonly slot: Slot;
  readonly endsAtMs: number;
  readonly failed: HeldFailed;
  /** Undefined until it is known that nobody matched. */
  timer: unknown;
}

/** The group sends of one thread. */
export class GroupSender {
  readonly #clock: Clock;
  readonly #owner: GroupSenderOwner;
  readonly #pending = new Map<number, Pending>();
  readonly #holds = new Map<number, Hold>();
  /** Made when something is held. */
  #slots: HeldSlots | undefined;
  #lastNumber = 0;
  #pendingBytes = 0;
  #heldBytes = 0;

  constructor(clock: Clock, owner: GroupSenderOwner) {
    this.#clock = clock;
    this.#owner = owner;
  }

  /** Messages that are held now. */
  get heldCount(): number {
    return this.#holds.size;
  }

  /**
   * Sends to all who are meant; the payload is not changed afterwards. Throws `OutboxFull` when too many sends are on their
   * way between threads, or too much is held.
   */
  send(message: GroupMessage, holdMs: number | undefined, failed: HeldFailed): Sent | Promise<Sent> {
    const places = this.#owner.places();
    const bytes = message.payload.length;
    if (places.length > 0 && (this.#pending.size >= PENDING_MAX || this.#pendingBytes + bytes > PENDING_BYTES_MAX)) {
      throw new HomingError('OutboxFull', `expected less than ${PENDING_MAX} group sends on their way to other shards`);
    }
    const hold = holdMs === undefined ? undefined : this.#begin(message, holdMs, failed);
    const { accepted, refused } = this.#owner.deliver(message, hold?.slot);
    if (places.length === 0) return this.#settled({ hold, accepted, refused });
    const number = (this.#lastNumber += 1);
    for (const place of places) this.#owner.post(place, { type: 'send', number, message, slot: hold?.slot });
    this.#pendingBytes += bytes;
    return new Promise((resolve) => {
      this.#pending.set(number, { message, waitingFor: new Set(places), resolve, hold, accepted, refused });
    });
  }

  /** A shard has answered. */
  sent(place: number, { number, accepted, refused }: Extract<Note, { type: 'sent' }>): void {
    const pending = this.#pending.get(number);
    if (pending === undefined) return;
    pending.accepted += accepted;
    pending.refused += refused;
    this.#answered(place, number, pending);
  }

  /** A held message has found somebody. */
  claimed({ index, ticket, isRefused }: Extract<Note, { type: 'claimed' }>): void {
    const hold = this.#holds.get(index);
    if (hold === undefined || hold.slot.ticket !== ticket) return;
    this.#end(hold);
    if (isRefused) hold.failed(new HomingError('OutboxFull', 'a held message found a session whose outbox is full'));
  }

  /** Another shard can be reached now. */
  met(place: number): void {
    for (const { message, slot } of this.#holds.values()) this.#owner.post(place, { type: 'hold', message, slot });
  }

  /** A shard is gone: what it had is lost with its sessions. */
  lost(place: number): void {
    for (const [number, pending] of this.#pending) this.#answered(place, number, pending);
  }

  /** The thread ends: nobody is told any more. */
  close(): void {
    for (const hold of this.#holds.values()) {
      this.#clock.clearTimeout(hold.timer);
      claim(hold.slot);
    }
    this.#holds.clear();
    for (const { resolve, accepted, refused } of this.#pending.values()) resolve({ accepted, refused, held: 0 });
    this.#pending.clear();
  }

  // ---- below

  #begin(message: GroupMessage, holdMs: number, failed: HeldFailed): Hold {
    const bytes = message.payload.length;
    const slot = this.#heldBytes + bytes > HELD_BYTES_MAX ? undefined : (this.#slots ??= new HeldSlots()).take();
    if (slot === undefined) {
      const most = `${HELD_MESSAGES_MAX} messages and ${HELD_BYTES_MAX} bytes`;
      throw new HomingError('OutboxFull', `expected at most ${most} to be held`);
    }
    this.#heldBytes += bytes;
    const hold = { message, slot, endsAtMs: this.#clock.now() + holdMs, failed, timer: undefined };
    this.#holds.set(slot.index, hold);
    return hold;
  }

  #answered(place: number, number: number, pending: Pending): void {
    if (!pending.waitingFor.delete(place) || pending.waitingFor.size > 0) return;
    this.#pending.delete(number);
    this.#pendingBytes -= pending.message.payload.length;
    pending.resolve(this.#settled(pending));
  }

  /** All shards have answered. */
  #settled({ hold, accepted, refused }: Pick<Pending, 'hold' | 'accepted' | 'refused'>): Sent {
    if (hold === undefined) return { accepted, refused, held: 0 };
    const isKnown = this.#holds.get(hold.slot.index) === hold;
    if (accepted + refused > 0) {
      // A copy that found somebody meanwhile found one more.
      if (isKnown && claim(hold.slot)) this.#end(hold);
      return { accepted, refused, held: 0 };
    }
    // Somebody began to match while the shards were asked.
    if (!isKnown || !isOpen(hold.slot)) return { accepted: 1, refused: 0, held: 0 };
    hold.timer = this.#clock.setTimeout(() => this.#expire(hold), Math.max(0, hold.endsAtMs - this.#clock.now()));
    return { accepted: 0, refused: 0, held: 1 };
  }

  #expire(hold: Hold): void {
    if (!claim(hold.slot)) return;
    this.#end(hold);
    hold.failed(new HomingError('HeldExpired', 'nobody matched a message within the time that it was held'));
  }

  /** The message has been claimed, here or there: its copies are of no use. */
  #end(hold: Hold): void {
    const { slot, message, timer } = hold;
    if (timer !== undefined) this.#clock.clearTimeout(timer);
    this.#holds.delete(slot.index);
    this.#heldBytes -= message.payload.length;
    this.#owner.drop(slot);
    for (const place of this.#owner.places()) {
      this.#owner.post(place, { type: 'drop', index: slot.index, ticket: slot.ticket });
    }
    this.#slots?.release(slot);
  }
}
