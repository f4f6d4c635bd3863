/**
 * The visible sessions of one shard as groups see them: by id and by the plain values of their stores. An index is kept,
 * because a fleet is large and a group in it is often small.
 */
import type { Plain } from '../session/store.ts';
import type { Selection } from './selection.ts';
import type { Sender } from './sender.ts';
import type { SharedStore } from './shared-store.ts';

/** A session that can be addressed. */
export interface Member {
  /** A dialled session gets a new one with each epoch. */
  readonly id: string;
  readonly actor: { readonly sender: Sender; readonly store: SharedStore };
  /** Whether its peer decides about the store: such a one takes nothing in another session's name. */
  readonly isDialled: boolean;
}

const NOBODY: ReadonlySet<Member> = new Set();

/** Who is here, and what they have in their stores. */
export class Members {
  readonly #all = new Set<Member>();
  readonly #byId = new Map<string, Member>();
  /** By key and value: who has it. */
  readonly #byValue = new Map<string, Map<Plain, Set<Member>>>();

  get size(): number {
    return this.#all.size;
  }

  has(member: Member): boolean {
    return this.#all.has(member);
  }

  [Symbol.iterator](): IterableIterator<Member> {
    return this.#all.values();
  }

  /** A session becomes visible. */
  join(member: Member): void {
    this.#all.add(member);
    this.#byId.set(member.id, member);
    for (const [key] of member.actor.store.entries()) {
      const plain = member.actor.store.plainOf(key);
      if (plain !== undefined) this.#add(key, plain, member);
    }
  }

  /** A session is over. */
  leave(member: Member): void {
    if (!this.#all.delete(member)) return;
    if (this.#byId.get(member.id) === member) this.#byId.delete(member.id);
    for (const [key] of member.actor.store.entries()) this.#drop(key, member.actor.store.plainOf(key), member);
  }

  /** The session has a new id. */
  renamed(member: Member, oldId: string): void {
    if (!this.#all.has(member)) return;
    if (this.#byId.get(oldId) === member) this.#byId.delete(oldId);
    this.#byId.set(member.id, member);
  }

  /** What the store of a session shows for a key has changed. */
  shown(member: Member, key: string, now: Plain | undefined, before: Plain | undefined): void {
    if (!this.#all.has(member)) return;
    this.#drop(key, before, member);
    if (now !== undefined) this.#add(key, now, member);
  }

  /** Whether a session is meant. */
  isMeant(member: Member, selection: Selection): boolean {
    switch (selection.type) {
      case 'all':
        return true;
      case 'id':
        return member.id === selection.id;
      case 'values':
        return selection.values.every(([key, value]) => this.#byValue.get(key)?.get(value)?.has(member) === true);
    }
  }

  /** Those who are meant, each once; not to be changed while it is read. */
  *meant(selection: Selection): IterableIterator<Member> {
    if (selection.type === 'all') return yield* this.#all;
    if (selection.type === 'id') {
      const member = this.#byId.get(selection.id);
      if (member !== undefined) yield member;
      return;
    }
    for (const member of this.#fewest(selection.values)) if (this.isMeant(member, selection)) yield member;
  }

  /** The smallest set in which all who are meant are. */
  #fewest(values: readonly (readonly [string, Plain])[]): ReadonlySet<Member> {
    let fewest: ReadonlySet<Member> | undefined;
    for (const [key, value] of values) {
      const having = this.#byValue.get(key)?.get(value) ?? NOBODY;
      if (fewest === undefined || having.size < fewest.size) fewest = having;
    }
    return fewest ?? NOBODY;
  }

  #add(key: string, value: Plain, member: Member): void {
    const values = this.#byValue.get(key) ?? new Map<Plain, Set<Member>>();
    this.#byValue.set(key, values);
    const having = values.get(value) ?? new Set<Member>();
    values.set(value, having.add(member));
  }

  #drop(key: string, value: Plain | undefined, member: Member): void {
    if (value === undefined) return;
    const values = this.#byValue.get(key);
    const having = values?.get(value);
    if (values === undefined || having?.delete(member) !== true || having.size > 0) return;
    values.delete(value);
    if (values.size === 0) this.#byValue.delete(key);
  }
}
