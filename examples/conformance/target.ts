/**
 * What `homing conformance` asks of a server beyond what every server does: a handful of events and methods. The page
 * docs/conformance.md describes it for those who write it in another language.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { defineBehavior } from 'homing';

/** What the suite says to the target and the target to the suite. */
export type Target = {
  server: {
    events: {
      note: [];
      say: [value: unknown];
      slow: [ms: number];
      fail: [message: string];
      many: [count: number];
      big: [bytes: number];
      put: [key: string, value: unknown];
      ask: [value: unknown];
      end: [];
    };
    methods: {
      echo(value: unknown): unknown;
      fail(message: string): never;
      wait(ms: number): Promise<string>;
      count(): number;
      apply(work: (value: unknown) => unknown, value: unknown): Promise<unknown>;
      adder(): (value: number) => number;
      waiter(): (ms: number) => Promise<string>;
      numbers(count: number): AsyncIterable<number>;
      read(key: string): unknown;
    };
  };
  client: {
    events: { said: [value: unknown]; item: [index: number]; blob: [bytes: Uint8Array] };
    methods: { answer(value: unknown): unknown };
  };
};

export default defineBehavior<Target>({
  module: import.meta.url,
  serverKeys: ['fixed'],
  authorize: (_, { type }) => type !== 'presence',
  start(session) {
    session.on('note', () => {});
    session.on('say', (value) => void session.send('said', value));
    session.on('slow', (ms) => sleep(ms));
    session.on('fail', (message) => {
      throw new RangeError(message);
    });
    session.on('many', (count) => {
      for (let index = 1; index <= count; index += 1) session.send('item', index);
    });
    session.on('big', (bytes) => void session.send('blob', new Uint8Array(bytes)));
    session.on('put', (key, value) => session.store.set(key, value));
    session.on('ask', async (value) => void session.send('said', await session.call('answer', value)));
    session.on('end', () => void session.close('done'));

    let total = 0;
    session.expose({
      echo: (value) => value,
      fail: (message) => {
        throw new RangeError(message);
      },
      wait: (ms) => sleep(ms, 'waited', { signal: session.turn.signal }), // ends early when the caller gives it up
      count: () => (total += 1),
      apply: (work, value) => work(value),
      adder: () => (value) => value + 1,
      waiter: () => (ms) => sleep(ms, 'waited', { signal: session.turn.signal }),
      numbers,
      read: (key) => session.store.get(key),
    });
  },
});

async function* numbers(count: number): AsyncGenerator<number> {
  for (let number = 1; number <= count; number += 1) yield number;
}
