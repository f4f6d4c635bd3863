// Who tests the contract of pipes: simulated ones that are wrong in one thing each, and the cases that say so.
import { type PipeAdapter, contracts } from 'homing/testing';
import { describe, expect, it } from 'vitest';
import type { Pipe, PipeEvents, PipeMessage } from '../../src/actors/ports.ts';
import { redCases, shortOf } from './judged.ts';
import { simulatedPipes } from './simulated.ts';

/** What a pipe does otherwise, with the right one under it. */
type Twist = (under: Pipe) => Partial<Pipe>;

function adapterOf(twist: Twist, vanishes = true): PipeAdapter {
  const right = simulatedPipes(10);
  return {
    ...right,
    async pair() {
      const pair = await right.pair();
      const [near, far] = [pair.near, pair.far].map((under): Pipe => ({ ...under, ...twist(under) }));
      return { ...pair, near: near as Pipe, far: far as Pipe, vanish: () => vanishes && pair.vanish?.() };
    },
  };
}

/** Opens with other events than those given. */
const hearing =
  (other: (told: PipeEvents) => Partial<PipeEvents>): Twist =>
  (under) => ({
    open: (told) =>
      under.open({ received: (message) => told.received(message), closed: () => told.closed(), ...other(told) }),
  });

const wrongs: readonly (readonly [what: string, red: readonly string[], twist: Twist])[] = [
  ['is right in everything', [], () => ({})],
  [
    'loses the last message before a close',
    ['carries', 'moves', 'later', 'closes', 'closes-early', 'vanishes'],
    (under) => {
      let held: PipeMessage | undefined;
      return {
        post(message) {
          if (held !== undefined) under.post(held);
          held = message;
        },
      };
    },
  ],
  [
    'brings messages in the wrong order',
    ['carries', 'moves', 'later', 'closes', 'closes-early', 'hears-no-more', 'vanishes'],
    (under) => {
      let held: PipeMessage | undefined;
      return {
        post(message) {
          if (held === undefined) return void (held = message);
          under.post(message);
          under.post(held);
          held = undefined;
        },
      };
    },
  ],
  [
    'brings every message twice',
    ['carries', 'later', 'closes', 'closes-early', 'hears-no-more'],
    hearing((told) => ({
      received(message) {
        told.received(message);
        told.received(message);
      },
    })),
  ],
  [
    'carries no empty bytes',
    ['carries'],
    (under) => ({ post: (message) => void (lengthOf(message) === 0 || under.post(message)) }),
  ],
  [
    'leaves bytes with who posts them',
    ['carries', 'moves'],
    hearing((told) => ({ received: (message) => told.received(typeof message === 'object' ? shared : message) })),
  ],
  [
    'brings a view into a larger buffer',
    ['moves'],
    hearing((told) => ({
      received: (message) =>
        told.received(
          typeof message === 'object' ? new Uint8Array([...message, 0]).subarray(0, message.length) : message,
        ),
    })),
  ],
  [
    'brings bytes as a Buffer',
    ['carries', 'moves'],
    hearing((told) => ({
      received: (message) => told.received(typeof message === 'object' ? Buffer.from(message) : message),
    })),
  ],
  [
    'brings the first message as it is opened',
    ['carries', 'moves', 'later', 'closes', 'closes-early', 'hears-no-more', 'closed-at-both-ends', 'vanishes'],
    (under) => ({
      open(told) {
        told.received(0);
        under.open(told);
      },
    }),
  ],
  [
    'forgets what comes before it is opened',
    ['later', 'closes-early'],
    (under) => {
      let tell: PipeEvents | undefined;
      under.open({ received: (message) => tell?.received(message), closed: () => tell?.closed() });
      return { open: (told) => void (tell = told) };
    },
  ],
  ['never tells of a close', ['closes', 'closes-early', 'hears-no-more', 'vanishes'], hearing(() => ({ closed() {} }))],
  [
    'tells of a close twice',
    ['closes', 'closes-early', 'vanishes'],
    hearing((told) => ({
      closed() {
        told.closed();
        told.closed();
      },
    })),
  ],
  [
    'tells its own end of a close',
    ['carries', 'moves', 'later', 'closes', 'closes-early', 'hears-no-more', 'closed-at-both-ends', 'vanishes'],
    (under) => {
      let tell: PipeEvents | undefined;
      return {
        open(told) {
          tell = told;
          under.open(told);
        },
        close() {
          under.close();
          tell?.closed();
        },
      };
    },
  ],
  ['does not close', ['closes', 'closes-early', 'hears-no-more'], () => ({ close() {} })],
  [
    'refuses what is posted to an end that is over',
    ['closes', 'vanishes'],
    (under) => {
      let isOver = false;
      return {
        open: (told) =>
          under.open({
            received: (message) => told.received(message),
            closed() {
              isOver = true;
              told.closed();
            },
          }),
        post(message) {
          if (isOver) throw new Error('the pipe is over');
          under.post(message);
        },
      };
    },
  ],
];

const shared = new Uint8Array(1_000).fill(8);

const lengthOf = (message: PipeMessage): number => (typeof message === 'object' ? message.length : 1);

describe('a pipe that', () => {
  it.each(wrongs)('%s: of the contract %j is red', async (_, red, twist) => {
    expect(await redCases(contracts.pipe(adapterOf(twist)))).toEqual(red);
  });
});

it('a pipe that does not notice that a thread is gone: of the contract that case is red', async () => {
  expect(await redCases(contracts.pipe(adapterOf(() => ({}), false)))).toEqual(['vanishes']);
});

it('each case of the contract finds one of them', () => {
  const all = new Set(contracts.pipe(adapterOf(() => ({}))).map(({ id }) => shortOf(id)));
  expect(new Set(wrongs.flatMap(([, red]) => red))).toEqual(all);
});
