// Who tests the contract of lines: adapters that are wrong in one thing each, and the cases that say so, these and no others.
import { duplexPair } from 'node:stream';
import { type LineAdapter, contracts } from 'homing/testing';
import { describe, expect, it } from 'vitest';
import type { Dial, Line, LineEnds, LineEvents } from '../../src/actors/ports.ts';
import { existingStream } from '../../src/transports/stream-dial.ts';
import { nextTick } from '../loopback/world.ts';
import { redCases, shortOf } from './judged.ts';

/** What a line does otherwise, to who listens and to who uses it. `told` is the actor, `under` the right line. */
type Twist = (
  told: LineEvents,
  under: () => Line,
) => { readonly events?: Partial<LineEvents>; readonly line?: Partial<Line> };

function twisted(dial: Dial, twist: Twist): Dial {
  return (told) => {
    const made: Line[] = [];
    const under = (): Line => made[0] ?? silent;
    const { events, line } = twist(told, under);
    made[0] = dial({
      opened: () => told.opened(),
      received: (chunk) => told.received(chunk),
      drained: () => told.drained(),
      closed: (error) => told.closed(error),
      ...events,
    });
    return {
      get ends() {
        return line?.ends ?? under().ends;
      },
      write: (parts) => under().write(parts),
      end: () => under().end(),
      destroy: () => under().destroy(),
      pause: (isPaused) => under().pause(isPaused),
      ref: (alive) => under().ref(alive),
      ...line,
    };
  };
}

/** How many turns a case waits here: what streams in one process have to do they do in fewer. */
const TURNS_MAX = 500;

/** Pairs of streams in one process, whose lines are twisted at both ends. */
function adapterOf(twist: Twist): LineAdapter {
  let turnCount = 0;
  return {
    cutIsError: true,
    bulkBytes: 200_000,
    failing: () => twisted(failingDial, twist),
    async turn() {
      await nextTick();
      turnCount += 1;
      return turnCount < TURNS_MAX;
    },
    pair() {
      turnCount = 0;
      const [near, far] = duplexPair();
      return Promise.resolve({
        dialling: twisted(existingStream(near), twist),
        accepting: () => Promise.resolve(twisted(existingStream(far), twist)),
        cut: () => void [near.destroy(new Error('cut')), far.destroy(new Error('cut'))],
        [Symbol.asyncDispose]: () => Promise.resolve(),
      });
    },
  };
}

const nowhere: LineEnds = {
  remoteAddress: '',
  remotePort: 0,
  localAddress: '',
  localPort: 0,
  isTrusted: true,
  certificate: undefined,
};

const silent: Line = { ends: nowhere, write: () => true, end() {}, destroy() {}, pause() {}, ref() {} };

const failingDial: Dial = (events) => {
  setImmediate(() => events.closed(new Error('no way there')));
  return silent;
};

const twice = (task: () => void): void => {
  task();
  task();
};

const wrongs: readonly (readonly [what: string, red: readonly string[], twist: Twist])[] = [
  ['is right in everything', [], () => ({})],
  [
    'opens inside the call that makes it',
    [
      'opens',
      'carries',
      'not-inside-write',
      'is-full',
      'goodbye',
      'goodbye-paused',
      'hears-goodbye',
      'given-up',
      'peer-gives-up',
      'cut',
      'cut-paused',
      'pauses',
      'paused-before',
      'given-up-before',
      'failing',
    ],
    (told) => {
      told.opened();
      return { events: { opened() {} } };
    },
  ],
  [
    'opens twice',
    [
      'opens',
      'carries',
      'goodbye',
      'goodbye-paused',
      'hears-goodbye',
      'given-up',
      'peer-gives-up',
      'cut',
      'cut-paused',
      'paused-before',
    ],
    (told) => ({ events: { opened: () => twice(() => told.opened()) } }),
  ],
  [
    'never opens',
    [
      'opens',
      'carries',
      'not-inside-write',
      'is-full',
      'goodbye',
      'goodbye-paused',
      'hears-goodbye',
      'given-up',
      'peer-gives-up',
      'cut',
      'cut-paused',
      'pauses',
      'paused-before',
    ],
    () => ({ events: { opened() {} } }),
  ],
  ['knows no good port', ['opens'], () => ({ line: { ends: { ...nowhere, localPort: 70_000 } } })],
  ['has ends that cannot be cloned', ['opens'], () => ({ line: { ends: { ...nowhere, certificate: () => 0 } } })],
  [
    'drops a byte',
    ['carries', 'is-full', 'goodbye', 'hears-goodbye', 'pauses'],
    (told) => ({ events: { received: (chunk) => told.received(chunk.length > 100 ? chunk.subarray(1) : chunk) } }),
  ],
  [
    'alters a byte',
    ['carries', 'goodbye', 'hears-goodbye', 'pauses'],
    (told) => ({
      events: {
        received(chunk) {
          if (chunk.length > 100) chunk[50] = (chunk[50] ?? 0) ^ 1;
          told.received(chunk);
        },
      },
    }),
  ],
  [
    'brings a chunk twice',
    ['carries', 'not-inside-write', 'goodbye', 'goodbye-paused', 'hears-goodbye', 'pauses', 'paused-before'],
    (told) => ({ events: { received: (chunk) => twice(() => told.received(chunk)) } }),
  ],
  [
    'brings what it heard last once more when it is written to',
    ['opens', 'carries', 'not-inside-write', 'is-full', 'goodbye', 'hears-goodbye', 'cut', 'cut-paused', 'pauses'],
    (told, under) => {
      let last: Uint8Array | undefined;
      return {
        events: {
          received(chunk) {
            last = chunk.slice(0, 0);
            told.received(chunk);
          },
        },
        line: {
          write(parts) {
            if (last !== undefined) told.received(last);
            last = undefined;
            return under().write(parts);
          },
        },
      };
    },
  ],
  [
    'writes the parts in the wrong order',
    ['carries', 'goodbye', 'hears-goodbye', 'pauses'],
    (_, under) => ({ line: { write: (parts) => under().write(parts.toReversed()) } }),
  ],
  [
    'uses the parts for something else',
    ['carries'],
    (_, under) => ({
      line: {
        write(parts) {
          const hasRoom = under().write(parts.map((part) => part.slice()));
          for (const part of parts) part.fill(0xee);
          return hasRoom;
        },
      },
    }),
  ],
  [
    'hands out Buffers',
    [
      'opens',
      'carries',
      'not-inside-write',
      'is-full',
      'goodbye',
      'goodbye-paused',
      'hears-goodbye',
      'given-up',
      'peer-gives-up',
      'cut',
      'cut-paused',
      'pauses',
      'paused-before',
    ],
    (told) => ({ events: { received: (chunk) => told.received(Buffer.from(chunk)) } }),
  ],
  [
    'never says that it is full',
    ['carries', 'is-full', 'goodbye-paused'],
    (_, under) => ({ line: { write: (parts) => [under().write(parts)].length > 0 } }),
  ],
  ['never says that there is room again', ['carries', 'is-full'], () => ({ events: { drained() {} } })],
  [
    'says twice that there is room',
    ['carries', 'is-full', 'goodbye-paused'],
    (told) => ({ events: { drained: () => twice(() => told.drained()) } }),
  ],
  [
    'says that there is room as it opens',
    [
      'opens',
      'carries',
      'not-inside-write',
      'is-full',
      'goodbye',
      'goodbye-paused',
      'hears-goodbye',
      'given-up',
      'peer-gives-up',
      'cut',
      'cut-paused',
      'pauses',
      'paused-before',
    ],
    (told) => ({
      events: {
        opened() {
          told.opened();
          told.drained();
        },
      },
    }),
  ],
  [
    'throws away what is queued at its goodbye',
    ['goodbye', 'hears-goodbye'],
    (_, under) => ({ line: { end: () => under().destroy() } }),
  ],
  ['never says goodbye', ['goodbye', 'goodbye-paused', 'hears-goodbye'], () => ({ line: { end() {} } })],
  [
    'writes after its goodbye',
    ['goodbye'],
    (_, under) => ({ line: { end: () => void setImmediate(() => under().end()) } }),
  ],
  [
    'says no goodbye while it is paused',
    ['goodbye-paused'],
    (_, under) => {
      let isHeld = false;
      return {
        line: {
          pause(isPaused) {
            isHeld = isPaused;
            under().pause(isPaused);
          },
          end: () => void (isHeld || under().end()),
        },
      };
    },
  ],
  [
    'closes twice',
    ['goodbye', 'hears-goodbye', 'given-up', 'peer-gives-up', 'cut', 'cut-paused', 'failing'],
    (told) => ({ events: { closed: (error) => twice(() => told.closed(error)) } }),
  ],
  [
    'never closes',
    [
      'goodbye',
      'goodbye-paused',
      'hears-goodbye',
      'given-up',
      'peer-gives-up',
      'cut',
      'cut-paused',
      'given-up-before',
      'failing',
    ],
    () => ({ events: { closed() {} } }),
  ],
  [
    'calls a goodbye an error',
    ['hears-goodbye'],
    (told) => ({ events: { closed: (error) => told.closed(error ?? new Error('the peer has closed')) } }),
  ],
  [
    'calls a cut a goodbye',
    ['cut', 'cut-paused', 'failing'],
    (told) => ({ events: { closed: () => told.closed(undefined) } }),
  ],
  [
    'tells its end to who gives it up',
    ['hears-goodbye', 'given-up', 'cut', 'cut-paused', 'given-up-before', 'failing'],
    (told, under) => ({
      line: {
        destroy() {
          under().destroy();
          told.closed(undefined);
        },
      },
    }),
  ],
  ['cannot be given up', ['given-up', 'peer-gives-up', 'given-up-before'], () => ({ line: { destroy() {} } })],
  [
    'opens although it was given up',
    ['given-up-before'],
    (told, under) => {
      let isOpen = false;
      return {
        events: {
          opened() {
            isOpen = true;
            told.opened();
          },
        },
        line: { destroy: () => void (isOpen && under().destroy()) },
      };
    },
  ],
  ['does not pause', ['is-full', 'goodbye-paused', 'pauses', 'paused-before'], () => ({ line: { pause() {} } })],
  [
    'loses what comes while it is paused',
    ['is-full', 'pauses', 'paused-before'],
    (told) => {
      let isHeld = false;
      return {
        events: { received: (chunk) => void (isHeld || told.received(chunk)) },
        line: { pause: (isPaused) => void (isHeld = isPaused) },
      };
    },
  ],
  [
    'forgets that it was paused before it opened',
    ['paused-before'],
    (told, under) => {
      let isOpen = false;
      return {
        events: {
          opened() {
            isOpen = true;
            told.opened();
          },
        },
        line: { pause: (isPaused) => void (isOpen && under().pause(isPaused)) },
      };
    },
  ],
  [
    'learns of no cut while it is paused',
    ['cut-paused'],
    (told, under) => {
      let isHeld = false;
      return {
        events: { closed: (error) => void (isHeld || told.closed(error)) },
        line: {
          pause(isPaused) {
            isHeld = isPaused;
            under().pause(isPaused);
          },
        },
      };
    },
  ],
  [
    'refuses writes once it is closed',
    ['hears-goodbye', 'peer-gives-up', 'cut', 'cut-paused', 'failing'],
    (told, under) => {
      let isClosed = false;
      return {
        events: {
          closed(error) {
            isClosed = true;
            told.closed(error);
          },
        },
        line: { write: (parts) => under().write(parts) && !isClosed },
      };
    },
  ],
  [
    'fails inside the call that makes it',
    [
      'opens',
      'carries',
      'not-inside-write',
      'is-full',
      'goodbye',
      'goodbye-paused',
      'hears-goodbye',
      'given-up',
      'peer-gives-up',
      'cut',
      'cut-paused',
      'pauses',
      'paused-before',
      'given-up-before',
      'failing',
    ],
    (told) => {
      told.closed(new Error('no way there'));
      return {};
    },
  ],
];

describe('a line that', () => {
  it.each(wrongs)('%s: of the contract %j is red', async (_, red, twist) => {
    expect(await redCases(contracts.line(adapterOf(twist)))).toEqual(red);
  });
});

it('each case of the contract finds one of them', () => {
  const all = new Set(contracts.line(adapterOf(() => ({}))).map(({ id }) => shortOf(id)));
  expect(new Set(wrongs.flatMap(([, red]) => red))).toEqual(all);
});
