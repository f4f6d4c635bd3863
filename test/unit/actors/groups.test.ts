import { describe, expect, it } from 'vitest';
import { type Sent } from '../../../src/actors/group-sender.ts';
import { Groups } from '../../../src/actors/groups.ts';
import { HeldSlots, type Slot, claim, isOpen } from '../../../src/actors/held-slots.ts';
import type { Member } from '../../../src/actors/members.ts';
import { type GroupMessage, MAIN, type Note, Notes } from '../../../src/actors/notes.ts';
import { selectionOf } from '../../../src/actors/selection.ts';
import type { HomingError } from '../../../src/errors.ts';
import type { Plain } from '../../../src/session/store.ts';
import { VirtualClock } from '../../../src/testing/virtual-clock.ts';
import { Codec } from '../../../src/wire/codec.ts';
import { Kind } from '../../../src/wire/frame.ts';
import { defaultWireLimits } from '../../../src/wire/limits.ts';

const codec = new Codec(defaultWireLimits);

function payloadOf(...event: readonly unknown[]): Uint8Array {
  codec.encode(event);
  return codec.scratch.slice(codec.start, codec.end);
}

/** A session whose outbox a test looks into. */
class Fake {
  readonly isDialled: boolean;
  readonly id: string;
  readonly got: (readonly [kind: number, ...event: unknown[]])[] = [];
  isFull = false;
  readonly #values = new Map<string, Plain>();

  constructor(id: string, isDialled = false) {
    this.id = id;
    this.isDialled = isDialled;
  }

  readonly actor = {
    store: { entries: () => this.#values.entries(), plainOf: (key: string) => this.#values.get(key) },
    sender: {
      forward: (kind: number, payload: Uint8Array) => {
        if (!this.isFull) this.got.push([kind, ...(codec.decode(payload, 0, payload.length, 1) as unknown[])]);
        return !this.isFull;
      },
    },
  };

  get member(): Member {
    return this as unknown as Member;
  }

  set(groups: Groups, key: string, now: Plain | undefined): void {
    const before = this.#values.get(key);
    if (now === undefined) this.#values.delete(key);
    else this.#values.set(key, now);
    groups.shown(this.member, key, now, before);
  }
}

/** Shards on one thread: what they tell each other crosses when a test says so, in copies. */
class Town {
  readonly clock = new VirtualClock();
  readonly groups: readonly Groups[];
  readonly told: string[] = [];
  readonly #tasks: (() => void)[] = [];
  readonly #underway: { readonly from: number; readonly to: number; readonly notes: readonly Note[] }[] = [];
  #places: number[];

  constructor(count: number) {
    this.#places = Array.from({ length: count }, (_, place) => place);
    this.groups = this.#places.map((place) => {
      const tell = (to: number, notes: readonly Note[]): void =>
        void this.#underway.push({ from: place, to, notes: structuredClone(notes) });
      const notes = new Notes({ defer: (task) => void this.#tasks.push(task) }, tell);
      return new Groups({ clock: this.clock, place, notes, places: () => this.#places.filter((at) => at !== place) });
    });
  }

  at(place: number): Groups {
    return this.groups[place] as Groups;
  }

  join(place: number, id: string, values: Readonly<Record<string, Plain>> = {}, isDialled = false): Fake {
    const fake = new Fake(id, isDialled);
    this.at(place).join(fake.member);
    for (const [key, value] of Object.entries(values)) fake.set(this.at(place), key, value);
    return fake;
  }

  send(
    place: number,
    selector: unknown,
    event: readonly unknown[],
    more: Partial<GroupMessage> & { holdMs?: number } = {},
  ) {
    const { holdMs, ...rest } = more;
    const message = {
      selection: selectionOf(selector),
      except: undefined,
      payload: payloadOf(...event),
      from: 's-9',
      ...rest,
    };
    return Promise.resolve(
      this.at(place).sender.send(message, holdMs, (error: HomingError) => void this.told.push(error.code)),
    );
  }

  /** Lets notes cross, all or those to one place, until there are no more. */
  cross(to?: number): void {
    for (;;) {
      for (const task of this.#tasks.splice(0)) task();
      const at = this.#underway.findIndex((each) => to === undefined || each.to === to);
      const [next] = at < 0 ? [] : this.#underway.splice(at, 1);
      if (next === undefined) return;
      if (!this.#places.includes(next.from)) continue;
      for (const note of next.notes) this.groups[next.to]?.heard(next.from, note);
    }
  }

  /** A place is gone: what it had said is lost. */
  end(place: number): void {
    this.#places = this.#places.filter((at) => at !== place);
    for (const at of this.#places) this.at(at).lost(place);
  }

  pass(ms: number): void {
    const endMs = this.clock.now() + ms;
    while (this.clock.nextMs <= endMs) this.clock.take()?.fire();
    this.clock.pass(endMs);
    this.cross();
  }

  async expectSent(sending: Promise<Sent>, accepted: number, refused = 0, held = 0): Promise<void> {
    this.cross();
    expect(await sending).toEqual({ accepted, refused, held });
  }

  expectNothingLeft(): void {
    for (const { copyCount, sender } of this.groups)
      expect([copyCount, sender.heldCount, sender.pendingCount]).toEqual([0, 0, 0]);
  }
}

describe('a message for a group', () => {
  it('reaches those who are meant in all shards, once each, with the name of its sender', async () => {
    const town = new Town(2);
    const [a, b, c, d] = [
      town.join(0, 'a', { room: 'one' }),
      town.join(1, 'b', { room: 'one', role: 'x' }),
      town.join(1, 'c', { room: 'two' }),
      town.join(1, 'd', { room: 'one' }),
    ];
    d.isFull = true;
    await town.expectSent(town.send(0, { room: 'one' }, ['say', 'it']), 2, 1);
    expect([a.got, b.got, c.got]).toEqual([
      [[Kind.FORWARD, 'say', 'it', 's-9']],
      [[Kind.FORWARD, 'say', 'it', 's-9']],
      [],
    ]);
  });

  it('is a plain event where it comes from the server itself, and for a session that was dialled', async () => {
    const town = new Town(2);
    const c = town.join(0, 'c', { room: 'one' });
    const [a, b] = [town.join(0, 'a', { room: 'one' }, true), town.join(1, 'b', { room: 'one' })];
    await town.expectSent(town.send(0, { room: 'one' }, ['say', 1], { from: undefined }), 3);
    await town.expectSent(town.send(0, { room: 'one' }, ['say', 2]), 3);
    expect(c.got).toEqual(b.got);
    expect(a.got).toEqual([
      [Kind.EVENT, 'say', 1],
      [Kind.EVENT, 'say', 2],
    ]);
    expect(b.got).toEqual([
      [Kind.EVENT, 'say', 1],
      [Kind.FORWARD, 'say', 2, 's-9'],
    ]);
  });

  it('leaves out whom it is to leave out, and who has left', async () => {
    const town = new Town(2);
    const [a, b, c] = [0, 1, 1].map((place, index) => town.join(place, 'abc'[index] ?? '', { room: 'one' }));
    town.at(1).leave((c as Fake).member);
    await town.expectSent(town.send(1, { room: 'one' }, ['say'], { except: 'b' }), 1);
    expect([a?.got.length, b?.got.length, c?.got.length]).toEqual([1, 0, 0]);
  });

  it('finds in each shard those who match when it gets there', async () => {
    const town = new Town(2);
    const [a, b] = [town.join(1, 'a', { room: 'one' }), town.join(1, 'b')];
    const sending = town.send(0, { room: 'one' }, ['say']);
    a.set(town.at(1), 'room', 'two');
    b.set(town.at(1), 'room', 'one');
    await town.expectSent(sending, 1);
    expect([a.got.length, b.got.length]).toEqual([0, 1]);
  });
});

describe('a held message', () => {
  it.each(['joins', 'changes'] as const)(
    'goes to the first who %s so that it matches, in any shard, alone',
    async (how) => {
      for (const place of [0, 1, 2]) {
        const town = new Town(3);
        const early = town.join(place, 'early');
        const selector = how === 'joins' ? 'late' : { room: 'one' };
        await town.expectSent(town.send(0, selector, ['say'], { holdMs: 100 }), 0, 0, 1);
        expect(town.groups.map(({ copyCount }) => copyCount)).toEqual([1, 1, 1]);
        early.set(town.at(place), 'room', 'two');
        const first = how === 'joins' ? town.join(place, 'late') : early;
        if (how === 'changes') early.set(town.at(place), 'room', 'one');
        expect(first.got).toEqual([[Kind.FORWARD, 'say', 's-9']]);
        // Another one matches before the news has reached its shard.
        const other = town.join((place + 1) % 3, 'other', { room: 'one' });
        town.cross();
        expect(other.got).toEqual([]);
        town.pass(200);
        expect([town.told, first.got.length]).toEqual([[], 1]);
        town.expectNothingLeft();
      }
    },
  );

  it('waits until all of the values it asks for are there', async () => {
    const town = new Town(2);
    const a = town.join(1, 'a', { room: 'one' });
    await town.expectSent(town.send(0, { room: 'one', role: 'x' }, ['say'], { holdMs: 100 }), 0, 0, 1);
    a.set(town.at(1), 'role', 'y');
    a.set(town.at(1), 'room', 'two');
    a.set(town.at(1), 'role', 'x');
    expect(a.got).toEqual([]);
    a.set(town.at(1), 'room', 'one');
    expect(a.got).toHaveLength(1);
  });

  it('is not for whom it leaves out, nor for those who are not visible or not any more', async () => {
    const town = new Town(1);
    await town.expectSent(town.send(0, { room: 'one' }, ['say'], { holdMs: 100, except: 'a' }), 0, 0, 1);
    const a = town.join(0, 'a', { room: 'one' });
    const unseen = new Fake('unseen');
    unseen.set(town.at(0), 'room', 'one');
    const gone = town.join(0, 'gone');
    town.at(0).leave(gone.member);
    gone.set(town.at(0), 'room', 'one');
    expect([a.got, unseen.got, gone.got]).toEqual([[], [], []]);
    town.pass(100);
    expect(town.told).toEqual(['HeldExpired']);
    town.expectNothingLeft();
  });

  it('and others of its sender reach who comes in the order of the sends', async () => {
    const town = new Town(2);
    for (let number = 0; number < 20; number += 1) {
      const selector = number % 2 === 0 ? { room: 'one' } : { room: 'one', role: 'x' };
      await town.expectSent(town.send(0, selector, ['say', number], { holdMs: 100 }), 0, 0, 1);
    }
    const a = town.join(1, 'a', { role: 'x', room: 'one' });
    await town.expectSent(town.send(0, { room: 'one' }, ['say', 20], { holdMs: 100 }), 1);
    expect(a.got.map(([, , number]) => number)).toEqual(Array.from({ length: 21 }, (_, number) => number));
  });

  it('that finds a full outbox is told to its sender, near and far', async () => {
    for (const place of [0, 1]) {
      const town = new Town(2);
      await town.expectSent(town.send(0, { room: 'one' }, ['say'], { holdMs: 100 }), 0, 0, 1);
      const a = town.join(place, 'a');
      a.isFull = true;
      a.set(town.at(place), 'room', 'one');
      town.pass(200);
      expect([town.told, a.got]).toEqual([['OutboxFull'], []]);
      town.expectNothingLeft();
    }
  });

  it('expires for all shards at once: who comes then gets nothing, though the news is not there yet', async () => {
    const town = new Town(2);
    await town.expectSent(town.send(0, { room: 'one' }, ['say'], { holdMs: 100 }), 0, 0, 1);
    while (town.clock.nextMs <= 100) town.clock.take()?.fire();
    expect([town.told, town.at(1).copyCount]).toEqual([['HeldExpired'], 1]);
    const a = town.join(1, 'a', { room: 'one' });
    expect(a.got).toEqual([]);
    town.cross();
    town.expectNothingLeft();
  });

  it('is brought to a shard that opens later, and goes to one who is there already', async () => {
    const town = new Town(2);
    await town.expectSent(town.send(0, { room: 'one' }, ['say', 1], { holdMs: 100 }), 0, 0, 1);
    town.at(1).lost(0);
    expect(town.at(1).copyCount).toBe(0);
    const [a, b] = [town.join(1, 'a', { room: 'one' }), town.join(1, 'b', { room: 'one' })];
    expect(a.got).toEqual([]);
    town.at(0).met(1);
    town.cross();
    expect([a.got.length, b.got.length]).toEqual([1, 0]);
    town.pass(200);
    expect(town.told).toEqual([]);
    town.expectNothingLeft();
  });

  it('goes with the shard of its sender', async () => {
    const town = new Town(2);
    await town.expectSent(town.send(0, { room: 'one' }, ['say'], { holdMs: 100 }), 0, 0, 1);
    town.end(0);
    expect(town.at(1).copyCount).toBe(0);
    expect(town.join(1, 'a', { room: 'one' }).got).toEqual([]);
  });

  it('that was matched in a shard which ends before it says so is not given to another', async () => {
    const town = new Town(3);
    const direct = town.join(1, 'a', { room: 'one' });
    const sending = town.send(0, { room: 'one' }, ['say'], { holdMs: 100 });
    town.cross(1);
    expect(direct.got).toHaveLength(1);
    town.end(1);
    const late = town.join(2, 'b');
    town.cross(2);
    late.set(town.at(2), 'room', 'one');
    await town.expectSent(sending, 0);
    expect([late.got, town.told]).toEqual([[], ['OutcomeUnknown']]);
    town.pass(200);
    expect(town.at(0).sender.heldCount + town.at(2).copyCount).toBe(0);
  });
});

describe('a shard that hears notes', () => {
  const slots = new HeldSlots();
  const message: GroupMessage = {
    selection: selectionOf({ room: 'one' }),
    except: undefined,
    payload: payloadOf('say'),
    from: undefined,
  };

  it('keeps and drops copies for the main thread as for any other', () => {
    const town = new Town(1);
    const slot = slots.take() as Slot;
    town.at(0).heard(MAIN, { type: 'hold', message, slot });
    town.at(0).heard(0, { type: 'drop', index: slot.index, ticket: slot.ticket });
    expect(town.at(0).copyCount).toBe(1);
    town.at(0).heard(MAIN, { type: 'drop', index: slot.index, ticket: slot.ticket });
    expect(town.at(0).copyCount).toBe(0);
    expect(isOpen(slot)).toBe(true);
  });

  it('leaves a copy that somebody else has claimed alone, and forgets it', () => {
    const town = new Town(1);
    const slot = slots.take() as Slot;
    town.at(0).heard(MAIN, { type: 'hold', message, slot });
    claim(slot, 5);
    expect(town.join(0, 'a', { room: 'one' }).got).toEqual([]);
    expect(town.at(0).copyCount).toBe(0);
  });

  it('passes over notes that are not about groups', () => {
    const town = new Town(1);
    for (const note of [
      { type: 'watch' },
      { type: 'unwatch' },
      { type: 'roster', isFirst: true, entries: [] },
    ] as const)
      expect(() => town.at(0).heard(MAIN, note)).not.toThrow();
    town.expectNothingLeft();
  });
});
