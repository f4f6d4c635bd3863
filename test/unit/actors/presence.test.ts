import { describe, expect, it } from 'vitest';
import { type Note, Notes } from '../../../src/actors/notes.ts';
import { Presence } from '../../../src/actors/presence.ts';
import type { PresenceFeed, Shown } from '../../../src/actors/presence-feed.ts';
import { thrownBy } from '../../loopback/world.ts';

const KEYS = ['room', 'rank'];

/** A thread among others; notes reach it when the test carries them. */
interface Thread {
  readonly presence: Presence;
  readonly others: Set<number>;
  /** Notes from here that are on their way, in order. */
  readonly sent: { readonly to: number; readonly note: Note }[];
  /** The tick is over: what was said in it is on its way. */
  readonly flush: () => void;
}

/** Threads that reach each other by notes. */
class Threads {
  readonly all = new Map<number, Thread>();

  add(place: number, { keys }: { keys: readonly string[] | undefined } = { keys: KEYS }): Presence {
    const others = new Set(this.all.keys());
    const sent: Thread['sent'] = [];
    const notes = new Notes({ defer: () => {} }, (to, gathered) => {
      for (const note of gathered) sent.push({ to, note: structuredClone(note) });
    });
    const presence = new Presence({ keys, notes, places: () => [...others] });
    for (const [, other] of this.all) {
      other.others.add(place);
      other.presence.met(place);
    }
    this.all.set(place, { presence, others, sent, flush: () => notes.flush() });
    return presence;
  }

  /** Carries the oldest note of a thread. */
  carry(place: number): Note | undefined {
    const from = this.all.get(place);
    from?.flush();
    const next = from?.sent.shift();
    if (next !== undefined) this.all.get(next.to)?.presence.heard(place, next.note);
    return next?.note;
  }

  /** Carries notes until there are none; returns how many. */
  settle(): number {
    let count = 0;
    for (let isBusy = true; isBusy;) {
      isBusy = false;
      for (const place of this.all.keys()) while (this.carry(place) !== undefined) count += 1;
      for (const { sent, flush } of this.all.values()) {
        flush();
        if (sent.length > 0) isBusy = true;
      }
    }
    return count;
  }

  /** The thread is gone, and all notes to and from it that were not carried. */
  lose(place: number): void {
    this.all.delete(place);
    for (const { others, presence, sent, flush } of this.all.values()) {
      flush();
      others.delete(place);
      sent.splice(0, sent.length, ...sent.filter(({ to }) => to !== place));
      presence.lost(place);
    }
  }
}

/** A session with values in its store. */
function present(id: string, values: Readonly<Record<string, string | number | boolean>> = {}) {
  return { id, plainOf: (key: string) => values[key] };
}

/** What a feed has to say now, in words; one read is under way at a time. */
class Reader {
  readonly words: string[] = [];
  readonly feed: PresenceFeed;

  constructor(feed: PresenceFeed) {
    this.feed = feed;
    void this.#read();
  }

  /** What came since the last look. */
  async now(): Promise<string[]> {
    await new Promise((resolve) => {
      setImmediate(resolve);
    });
    return this.words.splice(0);
  }

  async #read(): Promise<void> {
    for await (const [entries, hasMore] of this.feed) {
      this.words.push(`${entries.map(wordOf).toSorted().join(' ')}${hasMore ? ' …' : ''}`);
    }
    this.words.push('over');
  }
}

function wordOf([id, values]: readonly [id: string, values?: Shown]): string {
  return values === undefined ? `-${id}` : `${id}${JSON.stringify(values)}`;
}

const nothing = { feeds: 0, places: 0, watchers: 0 };

describe('presence of one thread', () => {
  it('lists its own sessions with the keys that are shown, and tells what changes after', async () => {
    const here = new Threads().add(0);
    here.came(present('a', { room: 'x', rank: 3, secret: 's' }));
    here.came(present('b'));
    const reader = new Reader(here.watch());
    expect(await reader.now()).toEqual(['a{"room":"x","rank":3} b{}']);
    here.shown(present('b', { room: 'y' }), 'room');
    here.came(present('c'));
    here.went('a');
    expect(await reader.now()).toEqual(['-a b{"room":"y"} c{}']);
  });

  it('says nothing of keys that are not shown, and nothing of sessions that are not visible', async () => {
    const here = new Threads().add(0);
    here.came(present('a'));
    const reader = new Reader(here.watch());
    await reader.now();
    here.shown(present('a', { secret: 's' }), 'secret');
    here.shown(present('unseen', { room: 'x' }), 'room');
    here.went('unseen');
    here.went('a');
    here.shown(present('a', { room: 'x' }), 'room');
    here.went('a');
    expect(await reader.now()).toEqual(['-a']);
  });

  it('can be watched only when keys are named, and keeps nothing otherwise', () => {
    const off = new Threads().add(0, { keys: undefined });
    expect(thrownBy(() => off.watch())).toMatchObject({ code: 'BadOption' });
    off.came(present('a', { room: 'x' }));
    off.shown(present('a', { room: 'y' }), 'room');
    off.went('a');
    expect(off.watching).toEqual(nothing);
  });

  it('shows who is here, and no values, when the list of keys is empty', async () => {
    const here = new Threads().add(0, { keys: [] });
    here.came(present('a', { room: 'x' }));
    expect(await new Reader(here.watch()).now()).toEqual(['a{}']);
  });

  it('ends every watch when the server leaves, and one that begins after it at once', async () => {
    const threads = new Threads();
    const here = threads.add(0);
    threads.add(1);
    const readers = [new Reader(here.watch()), new Reader(here.watch())];
    threads.settle();
    for (const reader of readers) await reader.now();
    here.close();
    readers.push(new Reader(here.watch()));
    here.came(present('late'));
    for (const reader of readers) expect(await reader.now()).toEqual(['over']);
    threads.settle();
    expect([here.watching, threads.all.get(1)?.presence.watching]).toEqual([nothing, nothing]);
  });
});

describe('presence across threads', () => {
  it('waits with its list for every thread, and gives it as of that moment', async () => {
    const threads = new Threads();
    const [zero, one, two] = [threads.add(0), threads.add(1), threads.add(2)];
    zero.came(present('here'));
    one.came(present('there', { room: 'x' }));
    const reader = new Reader(zero.watch());
    threads.carry(0);
    threads.carry(1);
    expect(await reader.now()).toEqual([]);
    // Told by those who have answered already, and by nobody twice.
    zero.went('here');
    one.shown(present('there', { room: 'y' }), 'room');
    one.came(present('new'));
    threads.carry(1);
    threads.carry(1);
    two.came(present('far'));
    threads.settle();
    expect(await reader.now()).toEqual(['far{} new{} there{"room":"y"}']);
    two.went('far');
    threads.settle();
    expect(await reader.now()).toEqual(['-far']);
  });

  it('asks each thread once for any number of watches, and stops being told after the last', async () => {
    const threads = new Threads();
    const [zero, one] = [threads.add(0), threads.add(1)];
    one.came(present('there'));
    const readers = [new Reader(zero.watch())];
    expect(threads.settle()).toBe(2);
    readers.push(new Reader(zero.watch()));
    expect(threads.settle()).toBe(0);
    expect([await readers[0]?.now(), await readers[1]?.now()]).toEqual([['there{}'], ['there{}']]);
    readers[0]?.feed.close();
    one.came(present('more'));
    expect(threads.settle()).toBe(1);
    expect([await readers[0]?.now(), await readers[1]?.now()]).toEqual([['over'], ['more{}']]);
    readers[1]?.feed.close();
    expect(threads.settle()).toBe(1);
    one.came(present('nobody looks'));
    expect([threads.settle(), zero.watching, one.watching]).toEqual([0, nothing, nothing]);
  });

  it('is right when a watch begins while the answer to one before is on its way', async () => {
    const threads = new Threads();
    const [zero, one] = [threads.add(0), threads.add(1)];
    for (const id of ['stays', 'goes']) one.came(present(id, { room: 'x' }));
    const first = zero.watch();
    threads.carry(0);
    one.shown(present('stays', { room: 'y' }), 'room');
    first.close();
    threads.carry(0);
    // Nobody tells of these.
    one.went('goes');
    one.came(present('new'));
    one.shown(present('stays', { room: 'z' }), 'room');
    const reader = new Reader(zero.watch());
    threads.carry(1);
    expect(await reader.now()).toEqual(['goes{"room":"x"} stays{"room":"x"}']);
    threads.settle();
    expect(await reader.now()).toEqual(['-goes new{} stays{"room":"z"}']);
  });

  it('takes no news of a thread before its list', async () => {
    const threads = new Threads();
    const [zero, one] = [threads.add(0), threads.add(1)];
    const first = new Reader(zero.watch());
    threads.settle();
    await first.now();
    one.came(present('there'));
    first.feed.close();
    const second = new Reader(zero.watch());
    threads.carry(1);
    const third = new Reader(zero.watch());
    expect([await second.now(), await third.now()]).toEqual([[], []]);
    threads.settle();
    expect([await second.now(), await third.now()]).toEqual([['there{}'], ['there{}']]);
  });

  it('asks a thread that begins meanwhile, and tells of its sessions as of any others', async () => {
    const threads = new Threads();
    const zero = threads.add(0);
    const reader = new Reader(zero.watch());
    expect(await reader.now()).toEqual(['']);
    const one = threads.add(1);
    threads.settle();
    one.came(present('new'));
    threads.settle();
    expect(await reader.now()).toEqual(['new{}']);
    one.shown(present('new', { rank: 1 }), 'rank');
    threads.settle();
    expect([await reader.now(), zero.watching]).toEqual([['new{"rank":1}'], { feeds: 1, places: 1, watchers: 0 }]);
  });

  it('tells that all sessions of a thread that is gone went, each once, and no others', async () => {
    const threads = new Threads();
    const [zero, one, two] = [threads.add(0), threads.add(1), threads.add(2)];
    for (let index = 0; index < 50; index += 1) one.came(present(`s${index}`));
    zero.came(present('here'));
    two.came(present('there'));
    const reader = new Reader(zero.watch());
    threads.settle();
    await reader.now();
    one.went('s0');
    threads.settle();
    expect(await reader.now()).toEqual(['-s0']);
    threads.lose(1);
    const gone = Array.from({ length: 49 }, (_each, index) => `-s${index + 1}`).toSorted();
    expect(await reader.now()).toEqual([gone.join(' ')]);
    expect(zero.watching).toEqual({ feeds: 1, places: 1, watchers: 0 });
  });

  it('does not wait for a thread that is gone before it has answered', async () => {
    const threads = new Threads();
    const [zero, one] = [threads.add(0), threads.add(1)];
    zero.came(present('here'));
    one.came(present('there'));
    const reader = new Reader(zero.watch());
    expect(await reader.now()).toEqual([]);
    threads.lose(1);
    expect(await reader.now()).toEqual(['here{}']);
  });

  it('tells a thread that is gone nothing more', () => {
    const threads = new Threads();
    const [zero, one] = [threads.add(0), threads.add(1)];
    one.watch();
    threads.settle();
    expect(zero.watching).toEqual({ feeds: 0, places: 0, watchers: 1 });
    threads.lose(1);
    zero.came(present('here'));
    expect([threads.all.get(0)?.sent, zero.watching]).toEqual([[], nothing]);
  });

  it('holds no more for 5,000 sessions that come and go while a watcher does not look', async () => {
    const threads = new Threads();
    const [zero, one] = [threads.add(0), threads.add(1)];
    const feed = zero.watch();
    threads.settle();
    for (let index = 0; index < 5_000; index += 1) {
      one.came(present(`s${index}`, { room: 'x'.repeat(1_000) }));
      one.went(`s${index}`);
      threads.settle();
    }
    one.came(present('stays'));
    threads.settle();
    expect(await new Reader(feed).now()).toEqual(['stays{}']);
  });
});
