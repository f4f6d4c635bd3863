/**
 * What every pipe between two threads keeps. An adapter gives both ends of new pipes; where they lie does not matter to the cases.
 */
import type { Pipe, PipeEvents, PipeMessage } from '../../actors/ports.ts';
import { type ContractCase, type Passing, Waits, must, same } from './case.ts';

/** The two ends of a pipe; disposed of when its case is over. */
export interface PipePair extends AsyncDisposable {
  readonly near: Pipe;
  readonly far: Pipe;
  /** The thread of the near end is gone, without a word. Without it the case about that is left out. */
  readonly vanish?: () => void;
}

/** A kind of pipe. */
export interface PipeAdapter extends Passing {
  /** A new pipe, asked for by each case. */
  pair(): PipePair | Promise<PipePair>;
}

/** The cases for a kind of pipe. */
export function pipeContract(adapter: PipeAdapter): readonly ContractCase[] {
  return demands.map(({ id, title, play }) => ({
    id: `pipe-${id}`,
    title: `a pipe ${title}`,
    run: () => onPair(adapter, play),
  }));
}

interface Joined {
  readonly waits: Waits;
  readonly near: Pipe;
  readonly far: Pipe;
  /** What came out at the near end, and at the far one. */
  readonly atNear: Ear;
  readonly atFar: Ear;
  /** Undefined where no thread can go. */
  readonly vanish: (() => void) | undefined;
}

interface Demand {
  readonly id: string;
  readonly title: string;
  readonly play: (joined: Joined) => Promise<void>;
}

const messages: readonly PipeMessage[] = [1, Uint8Array.of(1, 2, 3), 'end', 0, new Uint8Array(0), 2 ** 40];

const demands: readonly Demand[] = [
  {
    id: 'carries',
    title: 'carries bytes, numbers and goodbyes in order, both ways',
    async play({ near, far, atNear, atFar, waits }) {
      atNear.open();
      atFar.open();
      for (let round = 0; round < 50; round += 1) {
        for (const message of messages) near.post(copyOf(message));
        far.post(round);
      }
      await waits.until(() => atFar.count >= 50 * messages.length && atNear.count >= 50, 'all messages');
      same('what came at one end', atFar.heard, Array.from({ length: 50 }, () => messages).flat());
      same(
        'what came at the other',
        atNear.heard,
        Array.from({ length: 50 }, (_, round) => round),
      );
    },
  },
  {
    id: 'moves',
    title: 'moves bytes: they arrive in a buffer that they fill and that nobody else has',
    async play({ near, atNear, atFar, waits }) {
      atNear.open();
      atFar.open();
      const bytes = new Uint8Array(1_000).fill(7);
      near.post(bytes);
      // Whoever was given nothing to keep may still try.
      if (bytes.length > 0) bytes.fill(8);
      await waits.until(() => atFar.count > 0, 'the bytes');
      const [got] = atFar.heard;
      must(got instanceof Uint8Array && !Buffer.isBuffer(got), 'expected a Uint8Array and no Buffer');
      const { length, byteLength, buffer } = got as Uint8Array;
      same(
        'the sizes of the bytes and of their buffer',
        [length, byteLength, buffer.byteLength],
        [1_000, 1_000, 1_000],
      );
      must(
        (got as Uint8Array).every((byte) => byte === 7),
        'expected the bytes as they were when they were posted',
      );
    },
  },
  {
    id: 'later',
    title: 'brings nothing inside a call, and keeps what comes before it is opened',
    async play({ near, atNear, atFar, waits }) {
      atNear.open();
      near.post(1);
      near.post(2);
      for (let turns = 0; turns < 5; turns += 1) await waits.turn();
      atFar.open();
      near.post(3);
      await waits.until(() => atFar.count >= 3, 'what was posted before');
      same('what came', atFar.heard, [1, 2, 3]);
    },
  },
  {
    id: 'closes',
    title: 'that closes brings what was posted before, and then tells the other end once',
    async play({ near, far, atNear, atFar, waits }) {
      atNear.open();
      atFar.open();
      for (let number = 1; number <= 100; number += 1) near.post(number);
      near.close();
      await waits.until(() => atFar.closedCount > 0, 'the close');
      same(
        'what came before it',
        atFar.heard,
        Array.from({ length: 100 }, (_, index) => index + 1),
      );
      poke(near);
      poke(far);
      for (let turns = 0; turns < 5; turns += 1) await waits.turn();
      same('how often each end was told', [atNear.closedCount, atFar.closedCount], [0, 1]);
      same('what came in all', [atNear.count, atFar.count], [0, 100]);
    },
  },
  {
    id: 'closes-early',
    title: 'that closes before the other end is opened brings and tells it the same',
    async play({ near, atNear, atFar, waits }) {
      atNear.open();
      near.post(1);
      near.close();
      for (let turns = 0; turns < 5; turns += 1) await waits.turn();
      atFar.open();
      await waits.until(() => atFar.closedCount > 0, 'the close');
      same('what came, and how often it was told', [atFar.heard, atFar.closedCount], [[1], 1]);
    },
  },
  {
    id: 'hears-no-more',
    title: 'that closes here hears nothing more, not even what lies ready',
    async play({ near, far, atNear, atFar, waits }) {
      atNear.open();
      atFar.open(() => far.close());
      for (let number = 1; number <= 20; number += 1) near.post(number);
      await waits.until(() => atNear.closedCount > 0, 'the close');
      for (let turns = 0; turns < 5; turns += 1) await waits.turn();
      same('what came, and how often it was told', [atFar.heard, atFar.closedCount], [[1], 0]);
    },
  },
  {
    id: 'closed-at-both-ends',
    title: 'that both ends close tells neither',
    async play({ near, far, atNear, atFar, waits }) {
      atNear.open();
      atFar.open();
      near.close();
      far.close();
      for (let turns = 0; turns < 20; turns += 1) await waits.turn();
      same('how often each end was told', [atNear.closedCount, atFar.closedCount], [0, 0]);
    },
  },
  {
    id: 'vanishes',
    title: 'whose other thread is gone is told once that it is closed',
    async play({ near, far, atNear, atFar, waits, vanish }) {
      if (vanish === undefined) return;
      atNear.open();
      atFar.open();
      far.post(1);
      await waits.until(() => atNear.count > 0, 'a message');
      vanish();
      await waits.until(() => atFar.closedCount > 0, 'the close');
      poke(far);
      poke(near);
      for (let turns = 0; turns < 5; turns += 1) await waits.turn();
      same('how often it was told', atFar.closedCount, 1);
    },
  },
];

/** Everything one can do to an end that is over. */
function poke(pipe: Pipe): void {
  pipe.post(1);
  pipe.post(Uint8Array.of(1));
  pipe.ref(false);
  pipe.ref(true);
  pipe.close();
  pipe.close();
}

/** Writes down what an end brings, and notes on the way what must never be. */
class Ear implements PipeEvents {
  readonly heard: PipeMessage[] = [];
  readonly faults = new Set<string>();
  closedCount = 0;
  readonly #pipe: Pipe;
  readonly #isBusy: () => boolean;
  #then: () => void = () => {};

  constructor(pipe: Pipe, isBusy: () => boolean) {
    this.#pipe = pipe;
    this.#isBusy = isBusy;
  }

  get count(): number {
    return this.heard.length;
  }

  /** Starts the end; `then` is done with each message. */
  open(then: () => void = () => {}): void {
    this.#then = then;
    this.#pipe.open(this);
  }

  received(message: PipeMessage): void {
    if (this.#isBusy()) this.faults.add('a message inside a call');
    if (this.closedCount > 0) this.faults.add('a message after the close');
    this.heard.push(message);
    this.#then();
  }

  closed(): void {
    if (this.#isBusy()) this.faults.add('a close inside a call');
    this.closedCount += 1;
  }
}

async function onPair(adapter: PipeAdapter, play: Demand['play']): Promise<void> {
  await using pair = await adapter.pair();
  let depth = 0;
  const watched = (pipe: Pipe): Pipe => {
    const during = (call: () => void): void => {
      depth += 1;
      try {
        call();
      } finally {
        depth -= 1;
      }
    };
    return {
      open: (events) => during(() => pipe.open(events)),
      post: (message) => during(() => pipe.post(message)),
      close: () => during(() => pipe.close()),
      ref: (alive) => during(() => pipe.ref(alive)),
    };
  };
  const [near, far] = [watched(pair.near), watched(pair.far)];
  const [atNear, atFar] = [new Ear(near, () => depth > 0), new Ear(far, () => depth > 0)];
  const { vanish } = pair;
  try {
    await play({
      waits: new Waits(adapter),
      near,
      far,
      atNear,
      atFar,
      vanish: vanish === undefined ? undefined : () => vanish.call(pair),
    });
  } finally {
    near.close();
    far.close();
  }
  same('what was told when it must not be', [...atNear.faults, ...atFar.faults], []);
}

function copyOf(message: PipeMessage): PipeMessage {
  return typeof message === 'object' ? message.slice() : message;
}
