/**
 * Group sends of one thread: to its own sessions at once, to those of the other shards by notes, in order; what each shard
 * answers is summed. Holds what nobody matched until somebody does or the time is over.
 */
import { type ErrorCode, HomingError } from '../errors.ts';
import { nameOf } from '../wire/forward.ts';
import { type Slot, HeldSlots, HELD_MESSAGES_MAX, claim, isClaimedBy, isOpen } from './held-slots.ts';
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

/** What a send came to in one thread; `isClaimed`: it has the message's slot, so that nobody waits for it any more. */
export interface Delivered {
  readonly accepted: number;
  readonly refused: number;
  readonly isClaimed: boolean;
}

/** Told when a message that was held is not delivered. */
export type HeldFailed = (error: HomingError) => void;

/** What a group sender needs. */
export interface GroupSenderOwner {
  /** Where it is. */
  readonly place: number;
  /** The other places that can be reached now. */
  places(): readonly number[];
  post(place: number, note: Note): void;
  /** Sends to the sessions of this thread; with a slot, claims it for them, or keeps a copy if nobody matches. */
  deliver(message: GroupMessage, slot: Slot | undefined): Delivered;
  /** The copy of this thread is of no use any more. */
  drop(slot: Slot): void;
}

/** Sends without all answers at most, and their bytes. */
const PENDING_MAX = 10_000;
const PENDING_BYTES_MAX = 16_777_216;

/** Bytes of the messages that one sender holds. */
const HELD_BYTES_MAX = 1_048_576;

/** A send of which not all is known yet. */
interface Pending {
  readonly message: GroupMessage;
  readonly waitingFor: Set<number>;
  readonly resolve: (sent: Sent) => void;
  readonly hold: Hold | undefined;
  accepted: number;
  refused: number;
}

/** What a send came to so far. */
type Tally = Pick<Pending, 'hold' | 'accepted' | 'refused'>;

interface Hold {
  readonly message: GroupMessage;
  readonly slot: Slot;
  readonly endsAtMs: number;
  readonly failed: HeldFailed;
  /** The send, until it is answered. */
  send: { readonly number: number; readonly pending: Pending } | undefined;
  /** Undefined until it is known that nobody matched. */
  timer: unknown;
  /** It is known who has it. */
  isOver: boolean;
  /** Who has it was in a shard that has ended. */
  isLost: boolean;
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
  #isClosed = false;

  constructor(clock: Clock, owner: GroupSenderOwner) {
    this.#clock = clock;
    this.#owner = owner;
  }

  /** Messages that are held now. */
  get heldCount(): number {
    return this.#holds.size;
  }

  /** Sends of which not all is known yet. */
  get pendingCount(): number {
    return this.#pending.size;
  }

  /**
   * Sends to all who are meant; the payload is not changed afterwards. Throws `OutboxFull` when too many sends are on their
   * way between threads, or too much is held; `Closed` when the thread ends.
   */
  send(message: GroupMessage, holdMs: number | undefined, failed: HeldFailed): Sent | Promise<Sent> {
    if (this.#isClosed) throw new HomingError('Closed', 'the server is closed');
    const places = this.#owner.places();
    const bytes = bytesOf(message);
    if (places.length > 0 && (this.#pending.size >= PENDING_MAX || this.#pendingBytes + bytes > PENDING_BYTES_MAX)) {
      throw new HomingError('OutboxFull', `expected less than ${PENDING_MAX} group sends on their way to other shards`);
    }
    const hold = holdMs === undefined ? undefined : this.#begin(message, holdMs, failed);
    const { accepted, refused, isClaimed } = this.#owner.deliver(message, hold?.slot);
    if (hold !== undefined && isClaimed) this.#forget(hold);
    const slot = hold?.isOver === false ? hold.slot : undefined;
    const number = (this.#lastNumber += 1);
    for (const place of places) this.#owner.post(place, { type: 'send', number, message, slot });
    // With other shards there is always one to wait for, and without any nobody claims what is held meanwhile.
    const sent = places.length === 0 ? this.#settled({ hold, accepted, refused }) : undefined;
    if (sent !== undefined) return sent;
    this.#pendingBytes += bytes;
    return new Promise((resolve) => {
      const pending = { message, waitingFor: new Set(places), resolve, hold, accepted, refused };
      this.#pending.set(number, pending);
      if (hold !== undefined) hold.send = { number, pending };
    });
  }

  /** A shard has answered. */
  sent(place: number, { number, accepted, refused, isClaimed }: Extract<Note, { type: 'sent' }>): void {
    const pending = this.#pending.get(number);
    if (pending === undefined) return;
    const { hold } = pending;
    if (isClaimed && hold !== undefined) this.#end(hold);
    pending.accepted += accepted;
    pending.refused += refused;
    this.#answered(place, number, pending);
  }

  /** A held message has found somebody. */
  claimed({ index, ticket, isRefused }: Extract<Note, { type: 'claimed' }>): void {
    const hold = this.#holds.get(index);
    if (hold === undefined || hold.slot.ticket !== ticket) return;
    this.#end(hold);
    const { send } = hold;
    if (send === undefined) {
      if (isRefused)
        hold.failed(failureOf(hold, 'OutboxFull', 'it was held, and the first who matched has a full outbox'));
      return;
    }
    // While the shards were asked: it counts as one more of them.
    if (isRefused) send.pending.refused += 1;
    else send.pending.accepted += 1;
    this.#settle(send.number, send.pending);
  }

  /** Another shard can be reached now. */
  met(place: number): void {
    for (const { message, slot } of this.#holds.values()) this.#owner.post(place, { type: 'hold', message, slot });
  }

  /** A shard is gone: what it had is lost with its sessions. */
  lost(place: number): void {
    for (const [number, pending] of this.#pending) this.#answered(place, number, pending);
    for (const hold of this.#holds.values()) if (isClaimedBy(hold.slot, place)) this.#lose(hold);
  }

  /** The thread ends: what is held is told to its senders. */
  close(): void {
    this.#isClosed = true;
    const held = [...this.#holds.values()];
    this.#holds.clear();
    this.#heldBytes = 0;
    for (const hold of held) {
      if (hold.timer !== undefined) this.#clock.clearTimeout(hold.timer);
      const isOurs = claim(hold.slot, this.#owner.place);
      // Who still waits for the answer learns it from that.
      if (isOurs && hold.send === undefined)
        hold.failed(failureOf(hold, 'HeldExpired', 'it was held when the server ended'));
    }
    for (const { resolve, accepted, refused } of this.#pending.values()) resolve({ accepted, refused, held: 0 });
    this.#pending.clear();
    this.#pendingBytes = 0;
  }

  // ---- below

  #begin(message: GroupMessage, holdMs: number, failed: HeldFailed): Hold {
    const bytes = bytesOf(message);
    const slot = this.#heldBytes + bytes > HELD_BYTES_MAX ? undefined : (this.#slots ??= new HeldSlots()).take();
    if (slot === undefined) {
      const most = `${HELD_MESSAGES_MAX} messages and ${HELD_BYTES_MAX} bytes`;
      throw new HomingError('OutboxFull', `expected at most ${most} to be held`);
    }
    this.#heldBytes += bytes;
    const endsAtMs = this.#clock.now() + holdMs;
    const hold: Hold = {
      message,
      slot,
      endsAtMs,
      failed,
      send: undefined,
      timer: undefined,
      isOver: false,
      isLost: false,
    };
    this.#holds.set(slot.index, hold);
    return hold;
  }

  #answered(place: number, number: number, pending: Pending): void {
    if (pending.waitingFor.delete(place)) this.#settle(number, pending);
  }

  #settle(number: number, pending: Pending): void {
    if (pending.waitingFor.size > 0) return;
    const sent = this.#settled(pending);
    if (sent === undefined) return;
    this.#pending.delete(number);
    this.#pendingBytes -= bytesOf(pending.message);
    pending.resolve(sent);
  }

  /** All shards have answered. Undefined: somebody has claimed what was to be held, and will say so, or be lost. */
  #settled({ hold, accepted, refused }: Tally): Sent | undefined {
    if (hold === undefined) return { accepted, refused, held: 0 };
    if (hold.isOver) {
      if (hold.isLost && accepted + refused === 0) hold.failed(lostWithShard(hold));
      return { accepted, refused, held: 0 };
    }
    if (!isOpen(hold.slot)) return undefined;
    hold.send = undefined;
    hold.timer = this.#clock.setTimeout(() => this.#expire(hold), Math.max(0, hold.endsAtMs - this.#clock.now()));
    return { accepted: 0, refused: 0, held: 1 };
  }

  #expire(hold: Hold): void {
    if (!claim(hold.slot, this.#owner.place)) return;
    this.#end(hold);
    hold.failed(failureOf(hold, 'HeldExpired', 'nobody matched within the time that it was held'));
  }

  /** The shard that claimed it has ended before it said to what end. */
  #lose(hold: Hold): void {
    this.#end(hold);
    hold.isLost = true;
    if (hold.send === undefined) hold.failed(lostWithShard(hold));
    else this.#settle(hold.send.number, hold.send.pending);
  }

  /** The message has been claimed, here or there: its copies are of no use. */
  #end(hold: Hold): void {
    const { slot } = hold;
    this.#owner.drop(slot);
    for (const place of this.#owner.places()) {
      this.#owner.post(place, { type: 'drop', index: slot.index, ticket: slot.ticket });
    }
    this.#forget(hold);
  }

  #forget(hold: Hold): void {
    const { slot, message, timer } = hold;
    if (timer !== undefined) this.#clock.clearTimeout(timer);
    hold.isOver = true;
    this.#holds.delete(slot.index);
    this.#heldBytes -= bytesOf(message);
    this.#slots?.release(slot);
  }
}

function lostWithShard(hold: Hold): HomingError {
  return failureOf(hold, 'OutcomeUnknown', 'it was held and found a session, whose shard has ended');
}

/** What becomes of a held message that is not delivered; it begins with the name of the event. */
function failureOf({ message }: Hold, code: ErrorCode, why: string): HomingError {
  return new HomingError(code, `${nameOf(message.payload)}: ${why}`);
}

/** What a message weighs while it waits: not only what is sent may be long, also for whom. */
function bytesOf({ payload, selection, except }: GroupMessage): number {
  let bytes = payload.length + (except?.length ?? 0);
  if (selection.type === 'id') bytes += selection.id.length;
  if (selection.type !== 'values') return bytes;
  for (const [key, value] of selection.values) bytes += key.length + (typeof value === 'string' ? value.length : 8);
  return bytes;
}
