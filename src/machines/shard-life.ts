/**
 * The life of a shard as its supervisor sees it: one machine for the place in the hash, however many threads fill it
 * one after another. It is stepped, never run; the supervisor arms the named delays, with its own times.
 */
import { emit, setup } from 'xstate';

/**
 * What can happen to a shard. `CRASHED`: its thread ended by itself. `HUNG`: the watchdog heard nothing for too long.
 * `DRAIN`: it shall finish and stop; `DRAINED`: nothing is left to finish. `RESTART`: a fresh thread is wanted at once.
 * `BUDGET_SPENT`: it crashed too often to be tried again. `STOP`: end it now.
 */
export type ShardEvent =
  | { readonly type: 'READY' }
  | { readonly type: 'CRASHED' }
  | { readonly type: 'HUNG' }
  | { readonly type: 'DRAIN' }
  | { readonly type: 'DRAINED' }
  | { readonly type: 'RESTART' }
  | { readonly type: 'BUDGET_SPENT' }
  | { readonly type: 'STOP' };

/**
 * What the life of a shard commands. `spawn`: start a thread. `kill`: end it, once for each `spawn` whose thread did
 * not crash. `open`: deal new sockets to it. `shut`: deal it no more of them, once after each `open`. `drain`: tell it to
 * send its sessions away. `planRestart`: count this failure and answer with `BUDGET_SPENT`, or choose the time for
 * `restartDelay`. `leaveHash`: its sessions have no home here any more.
 */
export type ShardEffect =
  | { readonly type: 'spawn' }
  | { readonly type: 'kill' }
  | { readonly type: 'open' }
  | { readonly type: 'shut' }
  | { readonly type: 'drain' }
  | { readonly type: 'planRestart' }
  | { readonly type: 'leaveHash' };

/** The machine of a shard's life: `starting`, `serving`, `draining`, `restarting`, `stopped`. */
export const shardMachine = setup({
  types: {
    events: {} as ShardEvent,
    emitted: {} as ShardEffect,
  },
  actions: {
    spawn: emit({ type: 'spawn' }),
    kill: emit({ type: 'kill' }),
    open: emit({ type: 'open' }),
    shut: emit({ type: 'shut' }),
    drain: emit({ type: 'drain' }),
    planRestart: emit({ type: 'planRestart' }),
    leaveHash: emit({ type: 'leaveHash' }),
  },
  delays: {
    startup: 10_000,
    drain: 30_000,
    restartDelay: 1_000,
  },
}).createMachine({
  id: 'shard',
  initial: 'starting',
  states: {
    starting: {
      description: 'A thread is starting and gets no sockets. Left at the latest after startup.',
      entry: 'spawn',
      on: {
        READY: 'serving',
        CRASHED: 'restarting',
        HUNG: { target: 'restarting', actions: 'kill' },
        DRAIN: { target: 'stopped', actions: 'kill' },
        STOP: { target: 'stopped', actions: 'kill' },
      },
      after: { startup: { target: 'restarting', actions: 'kill' } },
    },
    serving: {
      description: 'Sockets are dealt to it. Its deadline is the watchdog, which stands outside and arrives as HUNG.',
      entry: 'open',
      exit: 'shut',
      on: {
        CRASHED: 'restarting',
        HUNG: { target: 'restarting', actions: 'kill' },
        DRAIN: 'draining',
        RESTART: { target: 'starting', actions: 'kill' },
        STOP: { target: 'stopped', actions: 'kill' },
      },
    },
    draining: {
      description:
        'No new sockets, but resumes still. It is not started again, whatever happens. Left at the latest after drain.',
      entry: 'drain',
      on: {
        CRASHED: 'stopped',
        HUNG: { target: 'stopped', actions: 'kill' },
        DRAINED: { target: 'stopped', actions: 'kill' },
        STOP: { target: 'stopped', actions: 'kill' },
      },
      after: { drain: { target: 'stopped', actions: 'kill' } },
    },
    restarting: {
      description: 'No thread; resumes that come for it are told to retry. Left at the latest after restartDelay.',
      entry: 'planRestart',
      on: {
        RESTART: 'starting',
        BUDGET_SPENT: { target: 'stopped', actions: 'leaveHash' },
        DRAIN: 'stopped',
        STOP: 'stopped',
      },
      after: { restartDelay: 'starting' },
    },
    stopped: {
      description: 'For good: no thread, no timer.',
      type: 'final',
    },
  },
});
