/**
 * What every line keeps, whatever carries its bytes. An adapter gives pairs of lines that are joined and a way to break them; each
 * case runs for both ends, the one that dials and the one that accepts.
 */
import type { Dial, Line, LineEnds } from '../../actors/ports.ts';
import { type ContractCase, type Passing, Waits, must, same, sameBytes } from './case.ts';
import { End, Stream } from './line-end.ts';

/** Which end of a pair a case is about. */
export type LineRole = 'dialling' | 'accepting';

/** Two ends that will be joined; disposed of when its case is over. */
export interface LinePair extends AsyncDisposable {
  readonly dialling: Dial;
  /** The other end, once the first has been dialled. */
  accepting(): Promise<Dial>;
  /** Breaks what is between the lines once both are open, as a network would: no goodbye. */
  cut(): void;
}

/** A kind of line. */
export interface LineAdapter extends Passing {
  /** A new pair, asked for by each case. */
  pair(): Promise<LinePair>;
  /** A dial that must fail; without it the case about that is left out. */
  failing?(): Dial | Promise<Dial>;
  /** Whether both ends are told an error by a cut, as TCP does; otherwise they may merely see an end. */
  readonly cutIsError: boolean;
  /** Ends that learn of a cut only when they read on: to those of a relay it is a goodbye, behind what nobody has read. */
  readonly keepsCutWhilePaused?: readonly LineRole[];
  /** Throws unless the ends of an open line are what they should be. */
  readonly checkEnds?: (ends: LineEnds, role: LineRole) => void;
  /** Bytes of the largest case, 4,000,000 if nothing is said; less where a byte is dear. */
  readonly bulkBytes?: number;
}

const BULK_BYTES = 4_000_000;
const BLOCK_BYTES = 262_144;
const BLOCKS_MAX = 250;

/** The cases for a kind of line: both ends of it, and dials that fail. */
export function lineContract(adapter: LineAdapter): readonly ContractCase[] {
  const roles = ['dialling', 'accepting'] as const;
  const joined = roles.flatMap((role) =>
    demands
      .filter(({ id }) => id !== 'cut-paused' || adapter.keepsCutWhilePaused?.includes(role) !== true)
      .map((demand): ContractCase => ({
        id: `line-${role}-${demand.id}`,
        title: `a line, the ${role} end: ${demand.title}`,
        run: () => onJoined(adapter, role, demand),
      })),
  );
  return [...joined, ...roles.map((role) => givenUp(adapter, role)), ...failingCases(adapter)];
}

interface Demand {
  readonly id: string;
  readonly title: string;
  /** Done to the end at hand before it is open. */
  readonly before?: (line: Line) => void;
  readonly play: (joined: Joined) => Promise<void>;
}

const demands: readonly Demand[] = [
  {
    id: 'opens',
    title: 'opens once, later than the call that made it, and then knows its ends',
    async play({ subject, peer, role, adapter, echo }) {
      await echo();
      same('what it was told', [subject.told, peer.told], [['opened'], ['opened']]);
      const { ends } = subject.line;
      requireEnds(ends);
      adapter.checkEnds?.(ends, role);
    },
  },
  {
    id: 'carries',
    title: 'carries any bytes in any pieces, whole and in order, both ways at once, and changes none that it was given',
    async play({ subject, peer, waits, bulk }) {
      const there = new Stream(subject, 1, bulk(0.75));
      const back = new Stream(peer, 2, bulk(0.5));
      await Promise.all([there.run(waits), back.run(waits)]);
      const { length } = there.bytes;
      const isThere = (): boolean => peer.byteCount >= length && subject.byteCount >= back.bytes.length;
      await waits.until(isThere, 'all bytes');
      sameBytes('what the peer got', peer.bytes(), there.bytes);
      sameBytes('what it got', subject.bytes(), back.bytes);
      must(there.isAsGiven && back.isAsGiven, 'expected the parts to stay as they were given');
      same('what both were told', [subject.told, peer.told], [['opened'], ['opened']]);
    },
  },
  {
    id: 'not-inside-write',
    title: 'never hears bytes inside its own write',
    async play({ subject, peer, waits }) {
      peer.answer = (chunk) => void peer.line.write([chunk]);
      for (let round = 1; round <= 20; round += 1) {
        subject.write(Uint8Array.of(round));
        await waits.until(() => subject.byteCount >= round, 'the echo');
      }
      same(
        'the echoes',
        [...subject.bytes()],
        Array.from({ length: 20 }, (_, index) => index + 1),
      );
    },
  },
  {
    id: 'is-full',
    title: 'says when it takes no more, keeps what it was given, and tells once that there is room again',
    async play({ subject, peer, waits, echo }) {
      peer.line.pause(true);
      const block = new Uint8Array(BLOCK_BYTES);
      let count = 1;
      for (; subject.write(block.fill(count).slice()); count += 1) {
        must(count <= BLOCKS_MAX, 'expected a line whose peer does not read to be full within 64 MiB');
        await waits.turn();
      }
      const heard = peer.byteCount;
      same('the times it told of room while there was none', subject.drainCount, 0);
      peer.line.pause(false);
      await waits.until(() => subject.drainCount > 0 && peer.byteCount >= count * BLOCK_BYTES, 'room, and every byte');
      must(heard < count * BLOCK_BYTES, 'expected a peer that does not read to have heard less');
      const bytes = peer.bytes();
      for (let index = 0; index < count; index += 1) same('a block', bytes[index * BLOCK_BYTES], (index + 1) % 256);
      must(subject.write(Uint8Array.of(1)), 'expected a write to answer true after there was room');
      await echo();
      same('the times it told of room', subject.drainCount, 1);
    },
  },
  {
    id: 'goodbye',
    title: 'sends what was written before its goodbye and nothing that is written after it, and hears nothing more',
    async play({ subject, peer, waits, bulk }) {
      const stream = new Stream(subject, 3, bulk(0.5));
      stream.pour();
      subject.line.end();
      subject.line.write([Uint8Array.of(9, 9, 9)]);
      peer.write(Uint8Array.of(1, 2, 3));
      await waits.until(() => peer.isClosed, 'the goodbye');
      sameBytes('what the peer got', peer.bytes(), stream.bytes);
      same('what the peer was told', peer.told, ['opened', 'closed']);
      await waits.turn();
      same('what it was told, and the bytes it got', [subject.told, subject.byteCount], [['opened'], 0]);
    },
  },
  {
    id: 'goodbye-paused',
    title: 'says goodbye also while it is paused',
    async play({ subject, peer, waits }) {
      subject.line.pause(true);
      peer.write(new Uint8Array(100_000));
      subject.write(Uint8Array.of(7));
      subject.line.end();
      await waits.until(() => peer.isClosed, 'the goodbye');
      same('what the peer got', [...peer.bytes()], [7]);
      same('what it was told, and the bytes it got', [subject.told, subject.byteCount], [['opened'], 0]);
    },
  },
  {
    id: 'hears-goodbye',
    title: 'hears of the goodbye of its peer once, after the last byte and without an error',
    async play({ subject, peer, waits, bulk }) {
      const stream = new Stream(peer, 4, bulk(0.125));
      stream.pour();
      peer.line.end();
      await waits.until(() => subject.isClosed, 'the end');
      sameBytes('what it got', subject.bytes(), stream.bytes);
      same('what it was told', [subject.told, subject.error], [['opened', 'closed'], undefined]);
      subject.poke();
      await waits.turn();
      same('what it was told', subject.told, ['opened', 'closed']);
    },
  },
  {
    id: 'given-up',
    title: 'tells nothing more once it is given up, and takes what is done to it afterwards',
    async play({ subject, peer, waits }) {
      peer.write(new Uint8Array(100_000));
      subject.line.destroy();
      const { byteCount } = subject;
      subject.poke();
      await waits.until(() => peer.isClosed, 'the end at the peer');
      await waits.turn();
      same('what it was told, and the bytes it got', [subject.told, subject.byteCount], [['opened'], byteCount]);
      same('what the peer was told', peer.told, ['opened', 'closed']);
    },
  },
  {
    id: 'peer-gives-up',
    title: 'is closed once when its peer is given up amid its bytes, and takes writes afterwards',
    async play({ subject, peer, waits, bulk }) {
      const stream = new Stream(subject, 5, bulk(1));
      stream.pour();
      await waits.until(() => peer.byteCount > 0, 'the first bytes');
      peer.line.destroy();
      await waits.until(() => subject.isClosed, 'the end');
      must(subject.write(Uint8Array.of(1)), 'expected a write to a line that is gone to answer true');
      await waits.turn();
      same('what it was told', subject.told, ['opened', 'closed']);
    },
  },
  {
    id: 'cut',
    title: 'is told once that it was cut',
    play: (joined) => cutAndTold(joined),
  },
  {
    id: 'cut-paused',
    title: 'is told once that it was cut also while it is paused',
    play: (joined) => cutAndTold(joined, true),
  },
  {
    id: 'pauses',
    title: 'hears nothing while it is paused, and everything afterwards',
    async play({ subject, peer, waits, bulk, echo, oneWay }) {
      await echo();
      for (let round = 1; round <= 5; round += 1) {
        const heard = subject.byteCount;
        subject.line.pause(true);
        const stream = new Stream(peer, 5 + round, bulk(0.05));
        stream.pour();
        // What the other direction carries goes on, and is behind these bytes in time.
        await oneWay();
        same('the bytes that it got while it was paused', subject.byteCount - heard, 0);
        subject.line.pause(false);
        await waits.until(() => subject.byteCount >= heard + stream.bytes.length, 'the rest');
        sameBytes('what it got afterwards', subject.bytes(heard), stream.bytes);
      }
    },
  },
  {
    id: 'paused-before',
    title: 'opens also when it was paused before, and hears nothing until it goes on',
    before: (line) => line.pause(true),
    async play({ subject, peer, waits, oneWay }) {
      peer.write(Uint8Array.of(1, 2));
      await oneWay();
      same('what it was told, and the bytes it got', [subject.told, subject.byteCount], [['opened'], 0]);
      subject.line.pause(false);
      await waits.until(() => subject.byteCount === 2, 'the bytes');
    },
  },
];

async function cutAndTold({ subject, waits, adapter, echo, cut }: Joined, isPaused = false): Promise<void> {
  await echo();
  if (isPaused) subject.line.pause(true);
  cut();
  await waits.until(() => subject.isClosed, 'the end');
  subject.poke();
  await waits.turn();
  same('what it was told', subject.told, ['opened', 'closed']);
  if (adapter.cutIsError) must(subject.error instanceof Error, 'expected an error with the end, got none');
}

/** A line that is given up before it is open. */
function givenUp(adapter: LineAdapter, role: LineRole): ContractCase {
  return {
    id: `line-${role}-given-up-before`,
    title: `a line, the ${role} end: never opens when it is given up before`,
    async run() {
      const waits = new Waits(adapter);
      await using pair = await adapter.pair();
      const isDialling = role === 'dialling';
      const first = new End(pair.dialling, isDialling ? (line) => line.destroy() : undefined);
      if (isDialling) {
        for (let turns = 0; turns < 5; turns += 1) await waits.turn();
        same('what it was told', first.told, []);
        return;
      }
      const second = new End(await pair.accepting(), (line) => line.destroy());
      await waits.until(() => first.isClosed, 'the end at the peer');
      same('what it was told', second.told, []);
      first.line.destroy();
    },
  };
}

function failingCases(adapter: LineAdapter): readonly ContractCase[] {
  const { failing } = adapter;
  if (failing === undefined) return [];
  return [
    {
      id: 'line-failing',
      title:
        'a line that cannot be made: is closed once, with an error, later than the call that made it; nothing is thrown',
      async run() {
        const waits = new Waits(adapter);
        const end = new End(await failing.call(adapter));
        await waits.until(() => end.told.length > 0, 'the failure');
        end.poke();
        await waits.turn();
        same('what it was told', end.told, ['closed']);
        must(end.error instanceof Error, 'expected the error that was in the way, got none');
        same('what was told when it must not be', [...end.faults], []);
      },
    },
  ];
}

/** Both ends of a pair, open. */
interface Joined {
  readonly adapter: LineAdapter;
  readonly role: LineRole;
  readonly waits: Waits;
  readonly subject: End;
  readonly peer: End;
  /** A share of the bytes of the largest case. */
  bulk(share: number): number;
  cut(): void;
  /** A byte to the peer and one back: both ends have had time for whatever was on its way. */
  echo(): Promise<void>;
  /** A byte to the peer. */
  oneWay(): Promise<void>;
}

async function onJoined(adapter: LineAdapter, role: LineRole, { before, play }: Demand): Promise<void> {
  const waits = new Waits(adapter);
  await using pair = await adapter.pair();
  const isDialling = role === 'dialling';
  const near = new End(pair.dialling, isDialling ? before : undefined);
  const far = new End(await pair.accepting(), isDialling ? undefined : before);
  try {
    await waits.until(() => near.isOpen && far.isOpen, 'both ends to open');
    const [subject, peer] = isDialling ? [near, far] : [far, near];
    await play(joinedOf({ adapter, role, waits, subject, peer, cut: () => pair.cut() }));
  } finally {
    near.line.destroy();
    far.line.destroy();
  }
  same('what was told when it must not be', [...near.faults, ...far.faults], []);
}

function joinedOf(parts: Omit<Joined, 'bulk' | 'echo' | 'oneWay'>): Joined {
  const { adapter, waits, subject, peer } = parts;
  const oneWay = async (): Promise<void> => {
    const { byteCount } = peer;
    subject.write(Uint8Array.of(0));
    await waits.until(() => peer.byteCount > byteCount, 'a byte');
    await waits.turn();
  };
  return {
    ...parts,
    bulk: (share) => Math.round((adapter.bulkBytes ?? BULK_BYTES) * share),
    oneWay,
    async echo() {
      await oneWay();
      const { byteCount } = subject;
      peer.write(Uint8Array.of(0));
      await waits.until(() => subject.byteCount > byteCount, 'an answer');
    },
  };
}

/** Ends are plain data, whatever the line knows of them: they go to other threads. */
function requireEnds(ends: LineEnds): void {
  const { remoteAddress, remotePort, localAddress, localPort, isTrusted } = ends;
  same('the kinds of the addresses', [typeof remoteAddress, typeof localAddress], ['string', 'string']);
  for (const port of [remotePort, localPort]) {
    must(Number.isInteger(port) && port >= 0 && port <= 65_535, `expected a port, got ${port}`);
  }
  same('the kind of isTrusted', typeof isTrusted, 'boolean');
  same('a copy of the ends for another thread', structuredClone({ ...ends }), { ...ends });
}
