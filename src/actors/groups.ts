/**
 * Groups in one shard: takes what this thread and the others send, gives it to the sessions that are meant, and keeps
 * copies of held messages for those who come to match. What happens to a session here is told by its holder.
 */
import type { Plain } from '../session/store.ts';
import { Kind } from '../wire/frame.ts';
import { forwarded } from '../wire/forward.ts';
import { type Delivered, GroupSender } from './group-sender.ts';
import { type HeldCopy, HeldCopies } from './held-copies.ts';
import { type Slot, claim } from './held-slots.ts';
import { type Member, Members } from './members.ts';
import type { GroupMessage, Note, Notes } from './notes.ts';
import type { Clock } from './ports.ts';

/** What groups need of their shard. */
export interface GroupsOptions {
  readonly clock: Clock;
  readonly place: number;
  readonly notes: Notes;
  /** The other shards that can be reached now; not the main thread. */
  readonly places: () => readonly number[];
}

/** The groups of one shard. */
export class Groups {
  readonly members = new Members();
  readonly sender: GroupSender;
  readonly #options: GroupsOptions;
  readonly #copies = new HeldCopies();

  constructor(options: GroupsOptions) {
    const { clock, notes, places, place } = options;
    this.#options = options;
    this.sender = new GroupSender(clock, {
      place,
      places,
      post: (to, note) => notes.post(to, note),
      deliver: (message, slot) => this.#deliver(place, message, slot),
      drop: ({ index, ticket }) => this.#copies.drop(place, index, ticket),
    });
  }

  /** Copies of held messages that wait here. */
  get copyCount(): number {
    return this.#copies.size;
  }

  /** A session becomes visible. */
  join(member: Member): void {
    this.members.join(member);
    if (this.#copies.size > 0) for (const copy of this.#copies.all()) this.#offer(copy, member);
  }

  /** A session is over. */
  leave(member: Member): void {
    this.members.leave(member);
  }

  /** What the store of a session shows has changed. */
  shown(member: Member, key: string, now: Plain | undefined, before: Plain | undefined): void {
    this.members.shown(member, key, now, before);
    if (now === undefined || this.#copies.size === 0 || !this.members.has(member)) return;
    for (const copy of this.#copies.asking(key, now)) this.#offer(copy, member);
  }

  /** Another thread says something about groups. */
  heard(from: number, note: Note): void {
    switch (note.type) {
      case 'send': {
        const delivered = this.#deliver(from, note.message, note.slot);
        this.#options.notes.post(from, { type: 'sent', number: note.number, ...delivered });
        return;
      }
      case 'hold':
        return this.#takeHeld(from, note.message, note.slot);
      case 'sent':
        return this.sender.sent(from, note);
      case 'claimed':
        return this.sender.claimed(note);
      case 'drop':
        return this.#copies.drop(from, note.index, note.ticket);
      default:
        return;
    }
  }

  /** Another shard can be reached now. */
  met(place: number): void {
    this.sender.met(place);
  }

  /** A thread is gone. */
  lost(place: number): void {
    this.#copies.dropOf(place);
    this.sender.lost(place);
  }

  // ---- below

  /** The members are fixed here and now; each gets its own copy of the bytes. */
  #deliver(owner: number, message: GroupMessage, slot: Slot | undefined): Delivered {
    const { selection, except } = message;
    let accepted = 0;
    let refused = 0;
    let named: Uint8Array | undefined;
    for (const member of this.members.meant(selection)) {
      if (member.id === except) continue;
      if (message.from !== undefined && !member.isDialled) named ??= forwarded(message.payload, message.from);
      if (accept(member, message, named)) accepted += 1;
      else refused += 1;
    }
    if (slot === undefined) return { accepted, refused, isClaimed: false };
    // Nobody else gets it later, also when this shard ends before it has said so.
    if (accepted + refused > 0) return { accepted, refused, isClaimed: claim(slot, this.#options.place) };
    this.#copies.add({ owner, message, slot });
    return { accepted, refused, isClaimed: false };
  }

  /** This shard was not there when the message was sent: whoever is here now matched first. */
  #takeHeld(owner: number, message: GroupMessage, slot: Slot): void {
    const copy = { owner, message, slot };
    this.#copies.add(copy);
    for (const member of this.members.meant(message.selection)) this.#offer(copy, member);
  }

  /** The session gets a held message, if it is meant and nobody else has it. */
  #offer(copy: HeldCopy, member: Member): void {
    const { message, slot, owner } = copy;
    if (member.id === message.except || !this.members.isMeant(member, message.selection)) return;
    this.#copies.remove(copy);
    if (!claim(slot, this.#options.place)) return;
    const isNamed = message.from !== undefined && !member.isDialled;
    const isRefused = !accept(member, message, isNamed ? forwarded(message.payload, message.from) : undefined);
    const note = { type: 'claimed', index: slot.index, ticket: slot.ticket, isRefused } as const;
    if (owner === this.#options.place) this.sender.claimed(note);
    else this.#options.notes.post(owner, note);
  }
}

/** Puts the message into the outbox of a session; `named` says whom it comes from. */
function accept({ actor, isDialled }: Member, { payload }: GroupMessage, named: Uint8Array | undefined): boolean {
  if (named === undefined || isDialled) return actor.sender.forward(Kind.EVENT, payload);
  return actor.sender.forward(Kind.FORWARD, named);
}
