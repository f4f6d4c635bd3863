import { describe, expect, it } from 'vitest';
import { Caller } from '../../../src/actors/caller.ts';
import { Functions } from '../../../src/actors/functions.ts';
import type { Sender } from '../../../src/actors/sender.ts';
import type { Session } from '../../../src/session/session.ts';
import { Codec } from '../../../src/wire/codec.ts';
import { defaultWireLimits } from '../../../src/wire/limits.ts';
import { Waits } from '../../../src/actors/waits.ts';

type Work = ((...args: unknown[]) => Promise<unknown>) & Disposable;

/** The functions of one end; what it tells the peer is written down. */
function end(functionsMax = 10) {
  const applied: unknown[] = [];
  const released: unknown[] = [];
  const world = { oldest: Infinity, hasOld: false };
  const codec = new Codec(defaultWireLimits);
  const functions = new Functions(
    {
      apply(target, args) {
        applied.push([target, args]);
        return Promise.resolve('answer');
      },
      release: (target, count) => void released.push([target, count]),
      defer: (task) => void setImmediate(task),
      oldestOrdinal: () => world.oldest,
      hasOldMessages: () => world.hasOld,
      answerBytesMax: () => 1_000,
      weigh: () => 1,
    },
    functionsMax,
  );
  const encode = (value: unknown): Uint8Array => {
    functions.encode(codec, value, 'value');
    return codec.scratch.slice(codec.start, codec.end);
  };
  const decode = (bytes: Uint8Array, isPast = false): unknown =>
    functions.decode(codec, bytes, 0, bytes.length, 1, isPast);
  return { functions, codec, applied, released, world, encode, decode };
}

describe('a function that was passed', () => {
  it('is forgotten when as many arrivals were released as it was passed, no earlier', () => {
    const { functions, encode } = end();
    const work = (): void => {};
    for (let ordinal = 1; ordinal <= 3; ordinal += 1) {
      encode([work]);
      functions.accepted(ordinal, 0);
    }
    functions.peerReleased(1, 2);
    expect(functions.exported(1)?.work).toBe(work);
    functions.peerReleased(1, 1);
    expect(functions.exported(1)).toBe(undefined);
    functions.peerReleased(1, 4_000_000_000);
    encode([work]);
    expect(functions.exported(2)?.work).toBe(work);
  });

  it.each(['refused', 'takenBack', 'takenBackDirect'] as const)('and %s is not passed', (how) => {
    const { functions, encode } = end();
    encode([() => {}, { method() {} }]);
    if (how === 'refused') functions.refused();
    else if (how === 'takenBack') {
      functions.accepted(7, 0);
      functions.takenBack(7);
    } else {
      functions.acceptedDirect(7);
      functions.takenBackDirect(7);
    }
    expect(functions.exportCount).toBe(0);
  });

  it('and written, or answered, is not taken back by a number that is used again', () => {
    const { functions, encode } = end();
    encode([() => {}]);
    functions.acceptedDirect(7);
    functions.settledDirect(7);
    functions.takenBackDirect(7);
    encode([() => {}]);
    functions.accepted(8, 0);
    functions.sweep();
    functions.takenBack(8);
    expect(functions.exportCount).toBe(2);
  });
});

describe('a function of the peer', () => {
  it('T10: that is passed twice and released after the first arrival works after the second', async () => {
    const near = end();
    const far = end();
    const work = (): void => {};
    const [first, second] = [near.encode(work), near.encode(work)];
    near.functions.acceptedDirect();
    (far.decode(first) as Work)[Symbol.dispose]();
    const stub = far.decode(second) as Work;
    for (const [target, count] of far.released as [number, number][]) near.functions.peerReleased(target, count);
    expect(near.functions.exported(1)?.work).toBe(work);
    expect([await stub(5), far.applied]).toEqual(['answer', [[1, [5]]]]);
  });

  it('is released when the ordered messages that give it back are processed, not while one is on its way', () => {
    const { functions, world, encode, decode, released } = end();
    const peer = end();
    const stub = decode(peer.encode(() => {})) as Work;
    for (const ordinal of [4, 6]) {
      encode([stub]);
      functions.accepted(ordinal, 0);
    }
    world.oldest = 4;
    stub[Symbol.dispose]();
    for (const oldest of [4, 5, 6]) {
      world.oldest = oldest;
      functions.sweep();
      expect(released).toEqual([]);
    }
    world.oldest = 7;
    functions.sweep();
    expect(released).toEqual([[1, 1]]);
  });

  it('beyond the bound is let go with all others of its message, and the message is refused', () => {
    const { functions, decode, released } = end(2);
    const peer = end();
    const [a, b, c, d] = [1, 2, 3, 4].map((n) => () => n);
    decode(peer.encode([a, b]));
    expect(() => decode(peer.encode([c, d]))).toThrow(expect.objectContaining({ code: 'payload-refused' }));
    expect([released, functions.importCount]).toEqual([
      [
        [3, 1],
        [4, 1],
      ],
      2,
    ]);
    expect(decode(peer.encode([a]))).toHaveLength(1);
  });

  it('of a value that nobody will see is let go at once', () => {
    const { functions, codec, released } = end();
    const peer = end();
    functions.discard(codec, peer.encode([() => {}, (async function* () {})()]));
    functions.discard(codec, Uint8Array.of(0xd9, 0x9c, 0x45, 0x81, 0x05));
    expect(released).toEqual([
      [1, 1],
      [2, 1],
    ]);
  });
});

describe('a new epoch', () => {
  it('has lost what was passed either way, and tells which messages use it, each of them', async () => {
    const { functions, encode, decode, released } = end();
    const peer = end();
    const stub = decode(peer.encode(() => {})) as Work;
    for (const [ordinal, value] of [
      [1, stub],
      [2, 'plain'],
      [3, stub],
      [4, () => {}],
    ] as const) {
      encode([value]);
      functions.accepted(ordinal, ordinal * 10);
    }
    const gone = functions.age();
    expect([...gone].map(([ordinal, { token }]) => [ordinal, token])).toEqual([
      [1, 10],
      [3, 30],
      [4, 40],
    ]);
    await expect(stub()).rejects.toMatchObject({ code: 'SessionLost' });
    expect(() => encode([stub])).toThrow(expect.objectContaining({ code: 'SessionLost' }));
    stub[Symbol.dispose]();
    expect([released, functions.exportCount, functions.importCount]).toEqual([[], 0, 0]);
  });

  it('reads what waited from before: own functions as themselves, those of the peer as lost', async () => {
    const { functions, world, encode, decode, applied } = end();
    const peer = end();
    const own = (): void => {};
    const back =
      (peer.decode(encode(own)), peer.encode([peer.decode(encode(own)), () => {}, (async function* () {})()]));
    functions.age();
    world.hasOld = true;
    functions.sweep();
    const [mine, theirs, stream] = decode(back, true) as [unknown, Work, AsyncIterator<unknown>];
    expect(mine).toBe(own);
    await expect(theirs()).rejects.toMatchObject({ code: 'SessionLost' });
    await expect(stream.next()).rejects.toMatchObject({ code: 'SessionLost' });
    expect([applied, functions.importCount]).toEqual([[], 0]);
  });

  it('closes streams that the peer was reading once', async () => {
    const { functions, encode } = end();
    let endedCount = 0;
    const source = {
      [Symbol.asyncIterator]: () => ({
        next: async () => ({ done: false, value: 1 }),
        return: async () => ({ done: true, value: (endedCount += 1) }),
      }),
    };
    encode([source]);
    functions.acceptedDirect();
    await functions.exported(1)?.work(1);
    functions.age();
    functions.close();
    functions.peerReleased(1, 1);
    expect(endedCount).toBe(1);
  });
});

describe('a call of a function that is given up', () => {
  it.each([
    ['never-sent', 0],
    ['unknown', 1],
  ] as const)('with an outcome of %s leaves %i functions passed', async (outcome, count) => {
    const { functions, codec } = end();
    const abort = new AbortController();
    const clock = { now: () => 0, setTimeout: () => 0, clearTimeout: () => {} };
    const session = { outlet: { abandonedCallCount: 0, messageBytesMax: 1_000 }, direct: { sendApply: () => {} } };
    const sender = { enqueue: () => {} } as unknown as Sender;
    const parts = { session: session as unknown as Session, codec, sender, waits: new Waits(clock), functions };
    const caller = new Caller(
      { ...parts, callsInFlight: 10, callDeadlineMs: 1_000 },
      { requireOpen: () => {}, accepted: () => {}, giveUp: () => outcome, now: () => 0 },
    );
    const call = caller.apply(1, [() => {}], { signal: abort.signal });
    expect(functions.exportCount).toBe(1);
    abort.abort();
    await expect(call).rejects.toMatchObject({ code: 'Aborted', outcome });
    expect([functions.exportCount, caller.inFlightCount]).toEqual([count, 0]);
  });
});
