// Groups on real threads: two shards and the main thread send to each other's sessions while sockets break, messages are
// held for whoever comes first in either shard, and shards end in the middle of it.
import { type Client, type Server, createClient, createServer } from 'homing';
import { describe, expect, it } from 'vitest';
import { failureOf, nextTick, until } from '../loopback/world.ts';
import { ClientSockets } from './client-sockets.ts';
import type { Grouped } from './modules/groups.behavior.ts';

const behavior = new URL('./modules/groups.behavior.ts', import.meta.url);

/** A client that writes down what it hears: the sender (in words and by its id) and the number. */
class Listener {
  readonly client: Client<Grouped>;
  readonly heard: (readonly [by: string, number: number])[] = [];
  readonly errors: string[] = [];
  gapCount = 0;

  constructor(port: number, signal: AbortSignal) {
    this.client = createClient<Grouped>(port, { signal, backoff: { firstMs: 1, baseMs: 5, maxMs: 20 } });
    this.client.on('g', (by, number) => void this.heard.push([`${by} ${this.client.turn.from ?? ''}`, number]));
    this.client.connection.on('gap', () => void (this.gapCount += 1));
    this.client.connection.on('error', ({ code }) => void this.errors.push(code));
  }

  /** What it heard of each sender, in order. */
  get bySender(): Map<string, number[]> {
    const lists = new Map<string, number[]>();
    for (const [by, number] of this.heard) {
      const list = lists.get(by) ?? [];
      lists.set(by, list);
      list.push(number);
    }
    return lists;
  }
}

class Town implements AsyncDisposable {
  readonly server: Server<Grouped>;
  readonly listeners: Listener[] = [];
  readonly placeOf = new Map<string, number>();
  readonly errors: string[] = [];
  readonly #stop = new AbortController();
  #port = 0;

  private constructor() {
    // Shards are started again at once.
    const restarts = { max: 100, withinMs: 1 };
    this.server = createServer<Grouped>(behavior, { shards: 2, restarts, signal: this.#stop.signal });
    this.server.on('session', ({ id, shard }) => void this.placeOf.set(id, shard));
    this.server.on('error', ({ code }) => void this.errors.push(code));
  }

  /** A server with so many clients, some in each shard, half of them in the room `main`. */
  static async open(count: number): Promise<Town> {
    const town = new Town();
    ({ port: town.#port } = await town.server.listen(0));
    for (let index = 0; index < count; index += 1) {
      const { client } = await town.join();
      if (index % 4 < 2) client.store.set('room', 'main');
      await client.flush();
    }
    expect(new Set(town.placeOf.values())).toEqual(new Set([0, 1]));
    return town;
  }

  /** One more client, whose shard is known. */
  async join(): Promise<Listener> {
    const listener = new Listener(this.#port, this.#stop.signal);
    this.listeners.push(listener);
    await listener.client.up();
    await until(() => this.placeOf.has(listener.client.id), 'its session to be told');
    return listener;
  }

  get room(): Listener[] {
    return this.listeners.filter(({ client }) => client.store.get('room') === 'main');
  }

  at(place: number): Listener[] {
    return this.listeners.filter(({ client }) => this.placeOf.get(client.id) === place);
  }

  /** The listener, which has to be there. */
  one(place: number, index = 0): Listener {
    const listener = this.at(place)[index];
    if (listener === undefined) throw new Error(`expected a client of shard ${place}`);
    return listener;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await this.server.close({ drainMs: 0 });
  }
}

function upTo(count: number, first = 0): number[] {
  return Array.from({ length: count }, (_, index) => first + index);
}

describe('sends to groups of two shards', () => {
  it('arrive once and in order of each sender while sockets break', { timeout: 60_000 }, async () => {
    using sockets = new ClientSockets();
    await using town = await Town.open(8);
    const COUNT = 400;
    let accepted = 0;
    let isOver = false;
    const count = (sent: { readonly accepted: number; readonly refused: number; readonly held: number }): void => {
      expect([sent.refused, sent.held]).toEqual([0, 0]);
      accepted += sent.accepted;
    };
    async function talk(send: (number: number) => Promise<Parameters<typeof count>[0]>): Promise<void> {
      const open: Promise<void>[] = [];
      for (const number of upTo(COUNT)) {
        open.push(send(number).then(count));
        if (number % 8 === 7) await Promise.all(open.splice(0));
      }
      await Promise.all(open);
    }
    async function cut(): Promise<void> {
      for (let index = 0; !isOver; index += 1) {
        const { client } = town.listeners[index % town.listeners.length] as Listener;
        if (index % 3 === 0) client.reconnect();
        else if (sockets.openCount > 0) sockets.break(index, index % 3 === 1 ? 'reset' : 'destroy');
        await town.server.toAll().send('g', 'beat', index).then(count);
        beats = index + 1;
      }
    }
    let beats = 0;
    const cutting = cut();
    const [a, b] = [town.one(0).client, town.one(1).client];
    await Promise.all([
      talk((number) => town.server.to({ room: 'main' }).send('g', 'main', number)),
      talk((number) => a.to({ room: 'main' }).send('g', 'a', number)),
      talk((number) => b.to({ room: 'main' }, { except: b.id }).send('g', 'b', number)),
      talk(async (number) => (await b.call('announce', 'main', number, 1, undefined))[0] as never),
    ]);
    isOver = true;
    await cutting;
    const room = town.room.length;
    const isIn = town.room.some(({ client }) => client === b);
    const wanted = beats * 8 + COUNT * (3 * room + room - (isIn ? 1 : 0));
    expect(accepted).toBe(wanted);
    const total = (): number => town.listeners.reduce((sum, { heard }) => sum + heard.length, 0);
    await until(() => total() >= wanted, `${wanted} to be heard`);
    expect(beats).toBeGreaterThan(10);
    for (const { client, bySender, gapCount } of town.listeners) {
      expect(gapCount).toBe(0);
      expect(bySender.get('beat ')).toEqual(upTo(beats));
      if (client.store.get('room') !== 'main') {
        expect(bySender.size).toBe(1);
        continue;
      }
      expect(bySender.get('main ')).toEqual(upTo(COUNT));
      expect(bySender.get(`a ${a.id}`)).toEqual(upTo(COUNT));
      if (client !== b) expect(bySender.get(`b ${b.id}`)).toEqual(upTo(COUNT));
      // Calls run side by side, and those that are made again after a cut are not made twice.
      expect(bySender.get(`session ${b.id}`)).toEqual(upTo(COUNT));
    }
    expect(town.errors).toEqual([]);
  });

  it('are held for whoever comes first in either shard, and go to one only', { timeout: 30_000 }, async () => {
    await using town = await Town.open(8);
    const [a, b] = [town.one(0), town.one(1)];
    for (let round = 0; round < 40; round += 1) {
      const room = `room ${round}`;
      for (const { heard } of town.listeners) heard.splice(0);
      const group = town.server.to({ room }, { holdMs: 60_000 });
      const sending = [
        ...upTo(20).map((number) => group.send('g', 'main', number)),
        ...upTo(20).map((number) => b.client.to({ room }, { holdMs: 60_000 }).send('g', 'b', number)),
      ];
      const held = [...(await a.client.call('announce', room, 0, 20, 60_000)), ...(await Promise.all(sending))];
      expect(held.every((sent) => sent.held === 1 && sent.accepted === 0)).toBe(true);
      // All at once, in both shards.
      for (const { client } of town.listeners) client.store.set('room', room);
      const total = (): number => town.listeners.reduce((sum, { heard }) => sum + heard.length, 0);
      await until(() => total() === 60, 'all to be heard');
      await Promise.all(town.listeners.map(({ client }) => client.flush()));
      const last = await town.server.to({ room }, { holdMs: 60_000 }).send('g', 'main', 99);
      expect(last).toEqual({ accepted: 8, refused: 0, held: 0 });
      await until(() => total() === 68, 'the last one to be heard');
      for (const { bySender } of town.listeners) {
        for (const numbers of bySender.values()) expect(numbers).toEqual(numbers.toSorted((one, other) => one - other));
      }
      const all = town.listeners.flatMap(({ heard }) => heard.filter(([, number]) => number !== 99));
      expect(new Set(all.map(([by, number]) => `${by} ${number}`)).size).toBe(60);
    }
    expect([town.errors, town.listeners.flatMap(({ errors }) => errors)]).toEqual([[], []]);
  });

  it('are told when nobody comes, whoever sent them', { timeout: 30_000 }, async () => {
    await using town = await Town.open(4);
    const { client, errors } = town.one(1);
    const group = town.server.to({ room: 'nowhere' }, { holdMs: 5 });
    expect(await group.send('g', 'main', 0)).toMatchObject({ held: 1 });
    expect(await client.to({ room: 'nowhere' }, { holdMs: 5 }).send('g', 'client', 0)).toMatchObject({ held: 1 });
    expect(await client.call('announce', 'nowhere', 0, 2, 5)).toMatchObject([{ held: 1 }, { held: 1 }]);
    await until(() => town.errors.length === 3 && errors.length === 1, 'all to be told');
    expect([...town.errors, ...errors]).toEqual(Array(4).fill('HeldExpired'));
  });

  it('are answered when a shard ends that has not answered', { timeout: 30_000 }, async () => {
    await using town = await Town.open(8);
    const [villain, witness] = [town.one(1), town.one(0)];
    const spared = town.at(0);
    // The shard stands still, then it is gone: what is sent meanwhile it never answers.
    villain.client.send('end', 300);
    await villain.client.writable();
    const isCrashed = until(() => town.errors.includes('ShardCrashed'), 'the shard to end');
    let isOver = false;
    void isCrashed.then(() => (isOver = true));
    const open: Promise<{ accepted: number }>[] = [];
    const byClient: Promise<{ accepted: number }>[] = [];
    let sentCount = 0;
    while (!isOver && sentCount < 5_000) {
      open.push(town.server.toAll().send('g', 'main', sentCount));
      if (sentCount % 10 === 0) byClient.push(witness.client.to({ room: 'main' }).send('g', 'client', sentCount));
      sentCount += 1;
      await nextTick();
    }
    await isCrashed;
    const sent = await Promise.all(open);
    expect(sent.length).toBeGreaterThan(20);
    // Those of the shard that lives are counted, all of them.
    for (const { accepted } of sent) expect(accepted).toBeGreaterThanOrEqual(spared.length);
    expect(await Promise.all(byClient)).toHaveLength(byClient.length);
    await until(() => spared.every(({ bySender }) => bySender.get('main ')?.length === sentCount), 'all to be heard');
    for (const { bySender } of spared) expect(bySender.get('main ')).toEqual(upTo(sentCount));
    for (const { heard } of town.at(1)) expect(new Set(heard.map(String)).size).toBe(heard.length);
  });

  it('that are held outlive a shard, and wait in the one that takes its place', { timeout: 30_000 }, async () => {
    await using town = await Town.open(8);
    const [villain, sender] = [town.one(1), town.one(0)];
    const lost = town.at(1);
    const room = 'later';
    const sending = upTo(5).map((number) => town.server.to({ room }, { holdMs: 60_000 }).send('g', 'main', number));
    const sent = [...(await Promise.all(sending)), ...(await sender.client.call('announce', room, 0, 5, 60_000))];
    // Of a session in the shard that ends: gone with it.
    expect(await villain.client.call('announce', room, 0, 5, 60_000)).toHaveLength(5);
    expect(sent.every(({ held }) => held === 1)).toBe(true);
    villain.client.send('end', 0);
    await until(() => town.errors.includes('ShardCrashed'), 'the shard to end');
    await until(() => lost.every(({ client }) => town.placeOf.has(client.id) && client.epoch === 2), 'all to be back');
    // A new session begins where its client landed: they come back until one lands in the shard that was started again.
    while (!lost.some(({ client }) => town.placeOf.get(client.id) === 1)) {
      const [first] = lost as [Listener];
      await first.client.close({ drainMs: 0 });
      lost.push(await town.join());
    }
    const taker = lost.find(({ client }) => town.placeOf.get(client.id) === 1) as Listener;
    taker.heard.splice(0);
    taker.client.store.set('room', room);
    await until(() => taker.heard.length === 10, 'what was held to be heard');
    expect(taker.bySender.get('main ')).toEqual(upTo(5));
    expect(taker.bySender.get(`session ${sender.client.id}`)).toEqual(upTo(5));
    expect(await town.server.to({ room }).send('g', 'main', 5)).toEqual({ accepted: 1, refused: 0, held: 0 });
    await until(() => taker.heard.length === 11, 'the last one');
    expect(town.listeners.flatMap(({ errors }) => errors)).toEqual([]);
  });

  it('are refused once the server closes, and those on their way are answered', { timeout: 30_000 }, async () => {
    const town = await Town.open(4);
    const open = upTo(50).map((number) => town.server.toAll().send('g', 'main', number));
    const held = town.server.to({ room: 'nowhere' }, { holdMs: 60_000 }).send('g', 'main', 0);
    const closing = town.server.close();
    expect(await failureOf(town.server.toAll().send('g', 'main', 50))).toMatchObject({ code: 'Closed' });
    // They left before the shards were told to drain, and a drain ends no session that has something to take.
    expect(await Promise.all(open)).toEqual(open.map(() => ({ accepted: 4, refused: 0, held: 0 })));
    expect(await held).toMatchObject({ accepted: 0 });
    await closing;
    for (const { bySender } of town.listeners) expect(bySender.get('main ')).toEqual(upTo(50));
    await town[Symbol.asyncDispose]();
  });
});
