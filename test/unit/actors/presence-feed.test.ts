import { describe, expect, it } from 'vitest';
import { PresenceFeed, type PresenceItem, type Shown } from '../../../src/actors/presence-feed.ts';

/** A feed that is read by hand. */
function feeding() {
  const counts = { left: 0 };
  const feed = new PresenceFeed(() => (counts.left += 1));
  return { feed, counts };
}

/** As many sessions, from a number on. */
function sessions(count: number, from = 0, values: Shown = {}): [string, Shown][] {
  return Array.from({ length: count }, (_each, index) => [`s${from + index}`, values]);
}

/** The read that is under way: one at a time. */
const asked = new WeakMap<PresenceFeed, Promise<IteratorResult<PresenceItem>>>();

async function nextOf(feed: PresenceFeed): Promise<PresenceItem | 'over'> {
  const asking = asked.get(feed) ?? feed.next();
  asked.set(feed, asking);
  const { done, value } = await asking;
  asked.delete(feed);
  return done === true ? 'over' : value;
}

async function itemOf(feed: PresenceFeed): Promise<PresenceItem> {
  const item = await nowOf(feed);
  if (typeof item === 'string') throw new Error(`expected an item, got ${item}`);
  return item;
}

/** What is there to be read now; `nothing` when the reader has to wait. */
function nowOf(feed: PresenceFeed): Promise<PresenceItem | 'nothing' | 'over'> {
  const turn = new Promise<'nothing'>((resolve) => setImmediate(resolve, 'nothing'));
  return Promise.race([nextOf(feed), turn]);
}

describe('a feed of presence', () => {
  it('gives nothing before the list, and then the list even when nobody is here', async () => {
    const { feed } = feeding();
    expect(await nowOf(feed)).toBe('nothing');
    feed.list([]);
    expect(await nowOf(feed)).toEqual([[], false]);
    expect(await nowOf(feed)).toBe('nothing');
  });

  it('tells what happened since it was read last, each session once with what it shows now', async () => {
    const { feed } = feeding();
    feed.list([
      ['stays', { room: 'a' }],
      ['goes', { room: 'a' }],
    ]);
    await itemOf(feed);
    feed.set('stays', { room: 'b' });
    feed.set('stays', { room: 'c' });
    feed.went('goes');
    feed.came('new', {});
    expect(await itemOf(feed)).toEqual([[['stays', { room: 'c' }], ['goes'], ['new', {}]], false]);
    expect(await nowOf(feed)).toBe('nothing');
  });

  it('wakes who waits at a change, and at its end', async () => {
    const { feed } = feeding();
    feed.list([]);
    await itemOf(feed);
    const waiting = feed.next();
    feed.came('new', { room: 'a' });
    expect(await waiting).toEqual({ done: false, value: [[['new', { room: 'a' }]], false] });
    const last = feed.next();
    feed.close();
    expect(await last).toEqual({ done: true, value: undefined });
  });

  it('says nothing of sessions that came and went meanwhile, however many and however large', async () => {
    const { feed } = feeding();
    feed.list([['stays', {}]]);
    await itemOf(feed);
    for (const [id] of sessions(5_000)) {
      feed.came(id, { text: 'x'.repeat(10_000) });
      feed.set(id, { text: 'y'.repeat(10_000) });
      feed.went(id);
    }
    expect(await nowOf(feed)).toBe('nothing');
  });

  it('tells one that was known, went and came again as one that shows something else, and its second end', async () => {
    const { feed } = feeding();
    feed.list([['known', { room: 'a' }]]);
    await itemOf(feed);
    feed.went('known');
    feed.came('known', { room: 'b' });
    expect(await itemOf(feed)).toEqual([[['known', { room: 'b' }]], false]);
    feed.went('known');
    feed.came('known', { room: 'c' });
    feed.went('known');
    expect(await itemOf(feed)).toEqual([[['known']], false]);
    feed.came('known', {});
    feed.went('known');
    expect(await nowOf(feed)).toBe('nothing');
  });

  it('gives a long list in parts of 200 sessions, all but the last with more to come', async () => {
    const { feed } = feeding();
    feed.list(sessions(450));
    const parts = [await itemOf(feed), await itemOf(feed), await itemOf(feed)];
    expect(parts.map(([entries, hasMore]) => [entries.length, hasMore])).toEqual([
      [200, true],
      [200, true],
      [50, false],
    ]);
    expect(parts.flatMap(([entries]) => entries)).toEqual(sessions(450));
    expect(await nowOf(feed)).toBe('nothing');
  });

  it('gives less of what is large, and one that is larger than a part by itself', async () => {
    const { feed } = feeding();
    const large = { text: 'x'.repeat(2_000) };
    feed.list([...sessions(5, 0, large), ['huge', { text: 'x'.repeat(200_000) }], ...sessions(1, 5, large)]);
    const lengths: number[] = [];
    for (let hasMore = true; hasMore;) {
      const item = await itemOf(feed);
      lengths.push(item[0].length);
      hasMore = item[1];
    }
    expect(lengths).toEqual([2, 2, 1, 1, 1]);
  });

  it('has the list go on to its last session, whatever changes of it meanwhile', async () => {
    const { feed } = feeding();
    feed.list(sessions(201));
    feed.set('s200', { room: 'b' });
    expect((await itemOf(feed))[1]).toBe(true);
    expect(await itemOf(feed)).toEqual([[['s200', { room: 'b' }]], false]);
  });

  it('ends the list with an empty part when all who were still to be told went meanwhile', async () => {
    const { feed } = feeding();
    feed.list(sessions(201));
    expect((await itemOf(feed))[1]).toBe(true);
    feed.went('s200');
    expect(await nowOf(feed)).toEqual([[], false]);
    expect(await nowOf(feed)).toBe('nothing');
  });

  it('ends the list though more sessions come all the time than a reader takes', async () => {
    const { feed } = feeding();
    feed.list(sessions(300));
    const parts: PresenceItem[] = [];
    for (let round = 1; round <= 5; round += 1) {
      parts.push(await itemOf(feed));
      for (const [id, values] of sessions(1_000, round * 1_000)) feed.came(id, values);
      feed.set('s250', { round });
    }
    expect(parts.map(([, hasMore]) => hasMore)).toEqual([true, false, false, false, false]);
    const told = parts.slice(0, 2).flatMap(([entries]) => entries.map(([id]) => id));
    expect(told).toEqual(expect.arrayContaining(sessions(300).map(([id]) => id)));
    expect(parts[1]?.[0]).toContainEqual(['s250', { round: 1 }]);
  });

  it.each([
    ['closed', async (feed: PresenceFeed) => feed.close()],
    ['left by its reader', async (feed: PresenceFeed) => void (await feed.return())],
  ])('is over once it is %s, tells so once, and keeps nothing that comes later', async (_, end) => {
    const { feed, counts } = feeding();
    feed.list(sessions(3));
    await end(feed);
    await end(feed);
    feed.came('late', {});
    feed.set('s1', { room: 'late' });
    feed.went('s2');
    expect([await nowOf(feed), counts]).toEqual(['over', { left: 1 }]);
  });
});
