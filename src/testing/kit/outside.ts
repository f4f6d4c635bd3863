/**
 * Finds out what user code waits for outside of the simulation: sockets, files, real timers. While a run is played, Node tells
 * of each such thing that a simulated process begins; the place where it began is kept until it is over.
 */
import { createHook } from 'node:async_hooks';
import { processes } from './processes.ts';

/** Something real that a simulated process began. */
export interface Outside {
  /** What Node calls it: FSREQPROMISE, TCPCONNECTWRAP, Timeout, … */
  readonly type: string;
  readonly who: string;
  /** Where it began, the user's frames only. */
  readonly stack: string;
}

/** What is no waiting for something else. */
const inner = new Set([
  'PROMISE',
  'TickObject',
  'Microtask',
  'AsyncLocalStorage',
  'bound-anonymous-fn',
  'RANDOMBYTESREQUEST',
]);

const STACK_FRAMES = 60;
/** Runs work and gives what processes began meanwhile outside of the simulation and that is not over. */
export async function watchOutside(work: () => Promise<unknown>): Promise<readonly Outside[]> {
  const begun = new Map<number, Outside>();
  const over = (id: number): void => void begun.delete(id);
  const { stackTraceLimit } = Error;
  const hook = createHook({
    init(id, type) {
      const host = processes.getStore();
      if (host === undefined || inner.has(type)) return;
      begun.set(id, { type, who: host.name, stack: userFrames(new Error('begun').stack ?? '') });
    },
    after: over,
    destroy: over,
  });
  Error.stackTraceLimit = STACK_FRAMES;
  hook.enable();
  try {
    await work();
  } finally {
    hook.disable();
    Error.stackTraceLimit = stackTraceLimit;
  }
  return [...begun.values()];
}

/** The frames of a stack that are neither Node's nor of this folder. */
export function userFrames(stack: string): string {
  const frames = stack.split('\n').filter((line) => /^\s+at /.test(line));
  return frames
    .filter((frame) => !frame.includes('node:') && !ours.some((folder) => frame.includes(folder)))
    .join('\n');
}

/** Frames name files by address or by path. */
const here = new URL('../', import.meta.url);
const ours = [here.href, decodeURIComponent(here.pathname)];
