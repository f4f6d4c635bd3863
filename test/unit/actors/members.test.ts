import { describe, expect, it } from 'vitest';
import { type Member, Members } from '../../../src/actors/members.ts';
import { ALL, selectionOf } from '../../../src/actors/selection.ts';
import type { Plain } from '../../../src/session/store.ts';

/** A session as groups see it, with a store of plain values and one that is not. */
class Fake {
  id: string;
  readonly isDialled = false;
  readonly #values: Map<string, unknown>;

  constructor(id: string, values: Readonly<Record<string, unknown>> = {}) {
    this.id = id;
    this.#values = new Map(Object.entries(values));
  }

  get actor() {
    const plainOf = (key: string): Plain | undefined => {
      const value = this.#values.get(key);
      return ['string', 'number', 'boolean'].includes(typeof value) ? (value as Plain) : undefined;
    };
    return { sender: undefined, store: { entries: () => this.#values.entries(), plainOf } };
  }

  get member(): Member {
    return this as unknown as Member;
  }

  /** Sets a value, and says so as a shard does. */
  set(members: Members, key: string, now: Plain | undefined): void {
    const before = this.actor.store.plainOf(key);
    if (now === undefined) this.#values.delete(key);
    else this.#values.set(key, now);
    members.shown(this.member, key, now, before);
  }
}

function meant(members: Members, selector: unknown): string[] {
  return [...members.meant(selector === ALL ? ALL : selectionOf(selector))].map(({ id }) => id);
}

describe('members', () => {
  it('are meant by id, by all of the values asked for, or all', () => {
    const members = new Members();
    const [a, b, c] = [
      new Fake('a', { room: 'one', role: 'boss' }),
      new Fake('b', { room: 'one', role: 'worker' }),
      new Fake('c', { room: 'two', role: 'worker', level: 3, isIn: true }),
    ];
    for (const each of [a, b, c]) members.join(each.member);
    expect(meant(members, 'b')).toEqual(['b']);
    expect(meant(members, 'nobody')).toEqual([]);
    expect(meant(members, { room: 'one' })).toEqual(['a', 'b']);
    expect(meant(members, { role: 'worker', room: 'one' })).toEqual(['b']);
    expect(meant(members, { level: 3, isIn: true })).toEqual(['c']);
    expect(meant(members, { room: 'one', level: 3 })).toEqual([]);
    expect(meant(members, ALL)).toEqual(['a', 'b', 'c']);
  });

  it('are told apart by the type of a value, and NaN is a value as any', () => {
    const members = new Members();
    const values = [1, '1', true, 'true', Number.NaN, 0];
    for (const value of values) members.join(new Fake(`${typeof value} ${value}`, { value }).member);
    for (const value of values) expect(meant(members, { value })).toEqual([`${typeof value} ${value}`]);
    expect(meant(members, { value: -0 })).toEqual(['number 0']);
  });

  it('have keys that objects inherit only if they were set', () => {
    const members = new Members();
    members.join(new Fake('a').member);
    for (const key of ['constructor', 'toString', '__proto__', 'hasOwnProperty']) {
      expect(meant(members, JSON.parse(`{"${key}":"x"}`))).toEqual([]);
    }
    const odd = new Fake('b');
    members.join(odd.member);
    odd.set(members, 'constructor', 'x');
    expect(meant(members, { constructor: 'x' })).toEqual(['b']);
  });

  it('are found by what they show now, not by what they showed', () => {
    const members = new Members();
    const a = new Fake('a', { room: 'one' });
    members.join(a.member);
    a.set(members, 'room', 'two');
    expect([meant(members, { room: 'one' }), meant(members, { room: 'two' })]).toEqual([[], ['a']]);
    a.set(members, 'room', undefined);
    expect(meant(members, { room: 'two' })).toEqual([]);
  });

  it('that have not joined, or have left, are not meant whatever they show', () => {
    const members = new Members();
    const a = new Fake('a', { room: 'one', level: Number.NaN });
    a.set(members, 'room', 'two');
    expect([meant(members, { room: 'two' }), members.size]).toEqual([[], 0]);
    members.join(a.member);
    expect(members.has(a.member)).toBe(true);
    members.leave(a.member);
    members.leave(a.member);
    a.set(members, 'room', 'three');
    for (const selector of [{ room: 'two' }, { room: 'three' }, { level: Number.NaN }, 'a', ALL])
      expect(meant(members, selector)).toEqual([]);
    expect([members.has(a.member), members.size]).toEqual([false, 0]);
  });

  it('are found by their new id, and the old one names nobody', () => {
    const members = new Members();
    const a = new Fake('old', { room: 'one' });
    a.id = 'early';
    members.renamed(a.member, 'old');
    expect(meant(members, 'early')).toEqual([]);
    members.join(a.member);
    a.id = 'new';
    members.renamed(a.member, 'early');
    expect([meant(members, 'early'), meant(members, 'new'), meant(members, { room: 'one' })]).toEqual([
      [],
      ['new'],
      ['new'],
    ]);
    members.leave(a.member);
    expect(meant(members, 'new')).toEqual([]);
  });

  it('look through the smallest of the sets that are asked for', () => {
    const members = new Members();
    let reads = 0;
    class Counting extends Fake {
      override readonly isDialled = false;
    }
    for (let index = 0; index < 1_000; index += 1)
      members.join(new Counting(`m${index}`, { all: true, ...(index === 500 ? { rare: 1 } : {}) }).member);
    const isMeant = members.isMeant.bind(members);
    members.isMeant = (member, selection) => {
      reads += 1;
      return isMeant(member, selection);
    };
    expect(meant(members, { all: true, rare: 1 })).toEqual(['m500']);
    expect(reads).toBe(1);
  });
});
