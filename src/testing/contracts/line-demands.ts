/**
 * What is demanded of a line, one end of an open pair at a time. The other end is a line as well, so a case that is red may mean
 * either.
 */
import type { Line, LineEnds } from '../../actors/ports.ts';
import { type Waits, must, same, sameBytes } from './case.ts';
import { type End, Stream } from './line-end.ts';

const BLOCK_BYTES = 262_144;
const BLOCKS_MAX = 250;

/** Both ends of a pair, open. */
export interface Joined {
  /** Whether a cut has to bring an error. */
  readonly cutIsError: boolean;
  /** Throws unless the ends are those of its kind of line. */
  readonly checkEnds: (ends: LineEnds) => void;
  readonly waits: Waits;
  readonly subject: End;
  readonly peer: End;
  /** A share of the bytes of the largest case. */
  readonly bulk: (share: number) => number;
  readonly cut: () => void;
  /** A byte to the peer and one back: both ends have had time for whatever was on its way. */
  readonly echo: () => Promise<void>;
  /** A byte to the peer. */
  readonly oneWay: () => Promise<void>;
}

/** What is demanded of one end of a pair. */
export interface Demand {
  readonly id: string;
  readonly title: string;
  /** Done to the end at hand before it is open. */
  readonly before?: (line: Line) => void;
  readonly play: (joined: Joined) => Promise<void>;
}

/** All of it. */
export const demands: readonly Demand[] = [
  {
    id: 'opens',
    title: 'opens once, later than the call that made it, and then knows its ends',
    async play({ subject, peer, checkEnds, echo }) {
      await echo();
      same('what it was told', [subject.told, peer.told], [['opened'], ['opened']]);
      const { ends } = subject.line;
      requireEnds(ends);
      checkEnds(ends);
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
      peer.write(Uint8Array.of(1, 2, 3));
      await waits.turn();
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

async function cutAndTold({ subject, waits, cutIsError, echo, cut }: Joined, isPaused = false): Promise<void> {
  await echo();
  if (isPaused) subject.line.pause(true);
  cut();
  await waits.until(() => subject.isClosed, 'the end');
  subject.poke();
  await waits.turn();
  same('what it was told', subject.told, ['opened', 'closed']);
  if (cutIsError) must(subject.error instanceof Error, 'expected an error with the end, got none');
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
