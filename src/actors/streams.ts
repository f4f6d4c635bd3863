/**
 * Async iterables that cross, on top of one passed function: the consumer pulls so many items at a time and always has
 * one pull ahead, so the producer is never asked for more than two pulls hold.
 */
import { HomingError } from '../errors.ts';

/** Items of one pull; asked anew before they are used up. */
const PULL_ITEMS = 32;

/** Bytes that one pull brings at most, so that it stays a message of modest size; a single item may be larger. */
const PULL_BYTES = 16_384;

/** No number takes more, in an answer of its own. */
const NUMBER_BYTES = 13;

/** What a pull answers: items in order, and whether there are no more. */
type Pulled = readonly [items: readonly unknown[], isDone: boolean];

/** What a producer needs of its session. */
export interface ProducerOwner {
  /** Runs a task after what is ready now. */
  defer(task: () => void): void;
  /** Bytes of an item in an answer of its own; throws what keeps it from crossing. */
  weigh(item: unknown): number;
  /** Bytes of an answer that the peer takes. */
  bytesMax(): number;
}

/**
 * The producer's end. `pull(max)` gives the next items; `pull(0)` and `stop` let the iterable go, and answer the pulls that
 * wait. An error comes after the items before it.
 */
export function pullerOf(
  stream: AsyncIterable<unknown>,
  owner: ProducerOwner,
): { readonly pull: (max: number) => Promise<Pulled>; readonly stop: () => void } {
  let iterator: AsyncIterator<unknown> | undefined;
  /** A `next()` whose result was not taken. */
  let ahead: Promise<IteratorResult<unknown>> | undefined;
  /** An item that found no room in the pull before. */
  let kept: { readonly item: unknown; readonly bytes: number } | undefined;
  let failure: { readonly error: unknown } | undefined;
  let isDone = false;
  /** The iterator has ended by itself: it is not told to. */
  let isSpent = false;
  let isStopped = false;
  let wake: (() => void) | undefined;
  let turn: Promise<unknown> = Promise.resolve();

  /** The next result. Undefined when it is not ready, unless there is time, or when nobody wants it any more. */
  function look(hasTime: boolean): Promise<IteratorResult<unknown> | undefined> {
    iterator ??= stream[Symbol.asyncIterator]();
    ahead ??= nextOf(iterator);
    const asked = ahead;
    return new Promise((resolve, reject) => {
      wake = () => resolve(undefined);
      asked.then(resolve, reject);
      if (!hasTime) owner.defer(wake);
    });
  }
  /** Has `kept` hold an item, if there is one for this pull. */
  async function fetch(hasTime: boolean): Promise<void> {
    const result = await look(hasTime);
    if (result === undefined) return;
    ahead = undefined;
    if (result.done === true) isDone = isSpent = true;
    else
      kept = { item: result.value, bytes: typeof result.value === 'number' ? NUMBER_BYTES : owner.weigh(result.value) };
  }
  async function nextOf(of: AsyncIterator<unknown>): Promise<IteratorResult<unknown>> {
    try {
      const result: unknown = await of.next();
      if (typeof result === 'object' && result !== null) return result as IteratorResult<unknown>;
      throw new TypeError(`expected next() to give an object, got ${typeof result}`);
    } catch (error) {
      isSpent = true;
      throw error;
    }
  }
  async function collect(max: number): Promise<Pulled> {
    const items: unknown[] = [];
    const bytesMax = Math.min(PULL_BYTES, owner.bytesMax());
    let bytes = 0;
    while (!isStopped && !isDone && failure === undefined && items.length < max) {
      try {
        // Beyond the first only what is ready: who waits for an item gets it when it is there.
        if (kept === undefined) await fetch(items.length === 0);
      } catch (error) {
        ahead = undefined;
        failure = { error };
      }
      if (kept === undefined) break;
      if (items.length > 0 && bytes + kept.bytes > bytesMax) break;
      items.push(kept.item);
      bytes += kept.bytes;
      kept = undefined;
    }
    if (isStopped) return [[], true];
    if (failure !== undefined && items.length === 0) throw failure.error;
    return [items, isDone];
  }
  function stop(): void {
    if (isStopped) return;
    isStopped = true;
    kept = undefined;
    wake?.();
    if (iterator !== undefined && !isSpent) void leave(iterator);
  }
  return {
    pull(max) {
      if (max === 0) {
        stop();
        return Promise.resolve([[], true]);
      }
      if (!Number.isSafeInteger(max) || max < 0) {
        return Promise.reject(new HomingError('BadOption', `expected a number of items, got ${typeof max}`));
      }
      const mine = turn.then(() => collect(max));
      turn = mine.catch(() => {});
      return mine;
    },
    stop,
  };
}

/** Ends an iterator for which nobody is left to be told. */
async function leave(iterator: AsyncIterator<unknown>): Promise<void> {
  try {
    await iterator.return?.();
  } catch {
    // As with a loop that is left by an error.
  }
}

/**
 * The consumer's end. It can be iterated once, like a generator; leaving the loop early lets the producer go, and so does
 * losing the object.
 */
export function openStream(
  pull: (max: number) => Promise<unknown>,
  release: () => void,
): AsyncIterableIterator<unknown> & AsyncDisposable {
  let items: unknown[] = [];
  let asked: Promise<unknown> | undefined;
  let isDone = false;
  let turn: Promise<unknown> = Promise.resolve();
  let wake: (() => void) | undefined;
  /** Who only holds the promise of an item is not done with the stream. */
  const held = new Set<object>();
  let waitingCount = 0;

  function ask(): Promise<unknown> {
    const pulled = pull(PULL_ITEMS);
    pulled.catch(() => {});
    return pulled;
  }
  /** What was pulled, or undefined as soon as the stream is left. */
  function answerOf(pulled: Promise<unknown>): Promise<unknown> {
    return new Promise((resolve, reject) => {
      wake = () => resolve(undefined);
      pulled.then(resolve, reject);
    });
  }
  async function take(): Promise<IteratorResult<unknown>> {
    while (items.length === 0 && !isDone) {
      const pulled = asked ?? ask();
      asked = undefined;
      try {
        const answer = await answerOf(pulled);
        if (isDone) break;
        const [got, isLast] = pulledOf(answer);
        items = [...got];
        isDone = isLast;
      } catch (error) {
        if (isDone) break;
        isDone = true;
        release();
        throw error;
      }
      if (isDone) release();
      else asked = ask();
    }
    return items.length > 0 ? { done: false, value: items.shift() } : { done: true, value: undefined };
  }
  function hold(iterator: object): void {
    held.add(iterator);
    waitingCount += 1;
  }
  function leaveIt(): void {
    items = [];
    if (isDone) return;
    isDone = true;
    asked = undefined;
    release();
    wake?.();
  }
  return {
    next() {
      hold(this);
      const mine = turn.then(take).finally(() => {
        waitingCount -= 1;
        if (waitingCount === 0) held.clear();
      });
      turn = mine.catch(() => {});
      return mine;
    },
    async return(value?: unknown) {
      leaveIt();
      return { done: true, value: await value };
    },
    async [Symbol.asyncDispose]() {
      leaveIt();
    },
    [Symbol.asyncIterator]() {
      return this;
    },
  };
}

/** The answer of a peer that may say anything. */
function pulledOf(answer: unknown): Pulled {
  if (Array.isArray(answer) && answer.length === 2) {
    const [items, isDone] = answer as unknown[];
    const isFit = Array.isArray(items) && items.length <= PULL_ITEMS;
    if (isFit && typeof isDone === 'boolean' && (isDone || items.length > 0)) return [items, isDone];
  }
  throw new HomingError('payload-refused', 'expected items of a stream and whether it is done, got something else');
}
