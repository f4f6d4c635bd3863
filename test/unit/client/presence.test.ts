import { describe, expect, it } from 'vitest';
import { PresenceFeed, type PresenceItem, type Shown } from '../../../src/actors/presence-feed.ts';
import { type PresenceSource, PresenceView } from '../../../src/client/presence.ts';
import { HomingError } from '../../../src/errors.ts';
import { failureOf, nextTick } from '../../loopback/world.ts';

/** A source whose feeds the test writes; what it was told, in words. */
class Source implements PresenceSource {
  readonly told: string[] = [];
  readonly feeds: PresenceFeed[] = [];
  /** What the next openings reject with. */
  readonly refusals: unknown[] = [];
  reopens = false;
  /** What is given instead of the first feed. */
  first: AsyncIterable<PresenceItem> | undefined;
  /** Who opens waits until then. */
  hold: Promise<void> = Promise.resolve();

  async open(): Promise<AsyncIterable<PresenceItem>> {
    await this.hold;
    const { first } = this;
    this.first = undefined;
    if (first !== undefined) return first;
    if (this.refusals.length > 0) throw this.refusals.shift();
    const feed = new PresenceFeed(() => this.told.push(`left ${this.feeds.indexOf(feed)}`));
    this.feeds.push(feed);
    return feed;
  }
  failed(error: unknown): void {
    this.told.push(`failed ${wordOf(error)}`);
  }
  listenerFailed(error: unknown): void {
    this.told.push(`listener ${wordOf(error)}`);
  }
  mayReopen(error: unknown): boolean {
    this.told.push(`may ${wordOf(error)}`);
    return this.reopens;
  }
  closed(): void {
    this.told.push('closed');
  }

  /** The feed that was opened last, once it is there. */
  async feed(): Promise<PresenceFeed> {
    await nextTick();
    const feed = this.feeds.at(-1);
    if (feed === undefined) throw new Error('expected a feed to be opened');
    return feed;
  }
}

function wordOf(error: unknown): string {
  return error instanceof HomingError ? error.code : error instanceof Error ? error.message : String(error);
}

function listed(...ids: string[]): [string, Shown][] {
  return ids.map((id) => [id, { room: 'x' }]);
}

/** A view that is open, and the diary of its events. */
async function watching(source: Source, ...ids: string[]) {
  const opening = PresenceView.open(source, () => {});
  (await source.feed()).list(listed(...ids));
  const view = await opening;
  return { view, diary: diaryOf(view) };
}

function diaryOf(view: PresenceView): string[] {
  const diary: string[] = [];
  for (const event of ['came', 'changed', 'went'] as const) {
    view.on(event, (id, values) => void diary.push(`${event} ${id} ${JSON.stringify(values)}`));
  }
  return diary;
}

describe('a watcher of presence', () => {
  it('is there once all who are here are known, and hears of nobody twice', async () => {
    const source = new Source();
    const opening = PresenceView.open(source, () => {});
    const feed = await source.feed();
    let isThere = false;
    void opening.then(() => (isThere = true));
    await nextTick();
    expect(isThere).toBe(false);
    feed.list(Array.from({ length: 450 }, (_each, index) => [`s${index}`, { room: index }]));
    const view = await opening;
    const diary = diaryOf(view);
    expect([view.members.size, view.members.get('s449')]).toEqual([450, { room: 449 }]);
    await nextTick();
    expect([view.members.size, diary]).toEqual([450, []]);
  });

  it('hears who came, what changed and who went with what was shown last, and its map says the same', async () => {
    const source = new Source();
    const { view, diary } = await watching(source, 'a', 'b');
    const feed = await source.feed();
    feed.came('c', {});
    feed.set('a', { room: 'y' });
    feed.went('b');
    await nextTick();
    feed.went('a');
    await nextTick();
    expect(diary).toEqual(['came c {}', 'changed a {"room":"y"}', 'went b {"room":"x"}', 'went a {"room":"y"}']);
    expect([...view.members]).toEqual([['c', {}]]);
  });

  it('hears nothing when the values that are told are those that it has', async () => {
    const source = new Source();
    const { diary } = await watching(source, 'a');
    const feed = await source.feed();
    feed.set('a', { room: 'x' });
    await nextTick();
    feed.set('a', { room: 'x', rank: Number.NaN });
    await nextTick();
    feed.set('a', { rank: Number.NaN, room: 'x' });
    await nextTick();
    feed.went('nobody');
    await nextTick();
    expect(diary).toEqual(['changed a {"room":"x","rank":null}']);
  });

  it('sees of a source that was opened anew only what differs', async () => {
    const source = new Source();
    source.reopens = true;
    const { view, diary } = await watching(source, 'stays', 'changes', 'goes');
    (await source.feed()).close();
    const again = await source.feed();
    expect(view.members.size).toBe(3);
    again.list([...listed('stays', 'comes'), ['changes', { room: 'y' }]]);
    await nextTick();
    expect(diary.toSorted()).toEqual([
      'came comes {"room":"x"}',
      'changed changes {"room":"y"}',
      'went goes {"room":"x"}',
    ]);
    expect([...view.members.keys()].toSorted()).toEqual(['changes', 'comes', 'stays']);
    expect(source.told).toEqual(['left 0', 'may undefined']);
  });

  it('forgets half a list when its source ends within it, and takes the next one whole', async () => {
    const source = new Source();
    source.reopens = true;
    source.first = (async function* () {
      yield [listed('old'), true] as const;
    })();
    const opening = PresenceView.open(source, () => {});
    (await source.feed()).list(listed('new'));
    expect([...(await opening).members.keys()]).toEqual(['new']);
  });

  it('is refused with what kept the source from opening', async () => {
    const source = new Source();
    source.refusals.push(new HomingError('Forbidden', 'no'));
    expect(await failureOf(PresenceView.open(source, () => {}))).toMatchObject({ code: 'Forbidden' });
    expect(source.told).toEqual(['may Forbidden', 'closed']);
  });

  it('is refused as closed when the source ends before its first list', async () => {
    const source = new Source();
    const opening = failureOf(PresenceView.open(source, () => {}));
    (await source.feed()).close();
    expect(await opening).toMatchObject({ code: 'Closed' });
  });

  it('tells once of a failure that comes later, keeps its map, and hears no more', async () => {
    const source = new Source();
    const { view, diary } = await watching(source, 'a');
    source.reopens = true;
    source.refusals.push(new HomingError('Forbidden', 'not any more'));
    source.mayReopen = (error) => error === undefined;
    (await source.feed()).close();
    await nextTick();
    expect(source.told).toEqual(['left 0', 'failed Forbidden', 'closed']);
    expect([diary, [...view.members.keys()]]).toEqual([[], ['a']]);
    view.close();
    expect(source.told).toHaveLength(3);
  });
});

describe('a watcher of presence that leaves', () => {
  it('lets its source go, hears nothing more, and may leave again', async () => {
    const source = new Source();
    const { view, diary } = await watching(source, 'a');
    const feed = await source.feed();
    feed.came('b', {});
    view.close();
    view[Symbol.dispose]();
    feed.came('c', {});
    await nextTick();
    expect([source.told, diary]).toEqual([['left 0', 'closed'], []]);
  });

  it('does so from within a listener, and the rest of the same news is not told', async () => {
    const source = new Source();
    const { view, diary } = await watching(source);
    view.on('came', () => view.close());
    const feed = await source.feed();
    feed.came('a', {});
    feed.came('b', {});
    feed.came('c', {});
    await nextTick();
    expect([diary, source.told]).toEqual([['came a {}'], ['left 0', 'closed']]);
  });

  it('has its opening end with an empty map when it leaves before the first list', async () => {
    const source = new Source();
    const views: PresenceView[] = [];
    const opening = PresenceView.open(source, (view) => void views.push(view));
    const feed = await source.feed();
    views[0]?.close();
    expect((await opening).members.size).toBe(0);
    feed.list(listed('late'));
    await nextTick();
    expect([views[0]?.members.size, source.told]).toEqual([0, ['left 0', 'closed']]);
  });

  it('lets a source go that opens after it has left', async () => {
    const source = new Source();
    const gate = Promise.withResolvers<void>();
    source.hold = gate.promise;
    const views: PresenceView[] = [];
    const opening = PresenceView.open(source, (view) => void views.push(view));
    views[0]?.close();
    await opening;
    gate.resolve();
    await source.feed();
    expect(source.told).toEqual(['closed', 'left 0']);
  });
});

describe('a listener of presence', () => {
  it('that throws or rejects is told of, and stops nobody', async () => {
    const source = new Source();
    const { view, diary } = await watching(source);
    view.on('came', () => {
      throw new Error('thrown');
    });
    view.on('came', () => Promise.reject(new Error('rejected')));
    const other = diaryOf(view);
    (await source.feed()).came('a', {});
    await nextTick();
    (await source.feed()).went('a');
    await nextTick();
    expect([diary, other]).toEqual([
      ['came a {}', 'went a {}'],
      ['came a {}', 'went a {}'],
    ]);
    expect(source.told).toEqual(['listener thrown', 'listener rejected']);
  });

  it('hears nothing after it was removed', async () => {
    const source = new Source();
    const { view, diary } = await watching(source);
    const remove = view.on('came', (id) => void diary.push(`removed ${id}`));
    remove();
    (await source.feed()).came('a', {});
    await nextTick();
    expect(diary).toEqual(['came a {}']);
  });

  it('that changes what it was given changes nothing that another watcher shows', async () => {
    const shown: Shown = { room: 'x' };
    const sources = [new Source(), new Source()];
    const views: PresenceView[] = [];
    for (const source of sources) {
      const opening = PresenceView.open(source, () => {});
      (await source.feed()).list([['a', shown]]);
      views.push(await opening);
    }
    Reflect.set(views[0]?.members.get('a') ?? {}, 'room', 'mine');
    expect([views[1]?.members.get('a'), shown]).toEqual([{ room: 'x' }, { room: 'x' }]);
  });
});
