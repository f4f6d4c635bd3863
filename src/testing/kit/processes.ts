/** Which simulated process is running now: what it starts, awaits and is called back by stays its own. */
import { AsyncLocalStorage } from 'node:async_hooks';
import type { SimHost } from '../sim-host.ts';

/** The process whose code runs; undefined outside of all of them. */
export const processes = new AsyncLocalStorage<SimHost>();

const timers = new WeakMap<SimHost, Set<object>>();

/** Timers that the user's code of a process has set. */
export function userTimersOf(host: SimHost): Set<object> {
  let set = timers.get(host);
  if (set === undefined) timers.set(host, (set = new Set()));
  return set;
}
