/**
 * The life of a session, from its first WELCOME to its burial. It is stepped, never run: a server holds very many of
 * them. The linger clock is outside; the machine says when it starts, stops and goes on.
 */
import { emit, setup } from 'xstate';

/**
 * What can happen to a session. `ATTACH` and `DETACH`: it got, or lost, its connection. `HOLD`: a HELLO with a good
 * proof is being judged; `RELEASE`: it was refused. Where several are judged at once the caller counts: `HOLD` with the
 * first, `RELEASE` with the last.
 */
export type SessionEvent =
  | { readonly type: 'ATTACH' }
  | { readonly type: 'DETACH' }
  | { readonly type: 'HOLD' }
  | { readonly type: 'RELEASE' }
  | { readonly type: 'LINGER_OVER' }
  | { readonly type: 'END' };

/**
 * What the life of a session commands. `startLinger`: count the whole linger time from now. `stopLinger`: stop counting
 * and remember what is left; comes once after each start. `continueLinger`: count what was left. `bury`: the session is
 * over, leave its tombstone.
 */
export type SessionEffect =
  | { readonly type: 'startLinger' }
  | { readonly type: 'stopLinger' }
  | { readonly type: 'continueLinger' }
  | { readonly type: 'bury' };

/** The machine of a session's life: `attached`, `detached` (`lingering` or `held`), `ended`. */
export const sessionMachine = setup({
  types: {
    events: {} as SessionEvent,
    emitted: {} as SessionEffect,
  },
  actions: {
    startLinger: emit({ type: 'startLinger' }),
    stopLinger: emit({ type: 'stopLinger' }),
    continueLinger: emit({ type: 'continueLinger' }),
    bury: emit({ type: 'bury' }),
  },
}).createMachine({
  id: 'session',
  initial: 'attached',
  on: { END: '.ended' },
  states: {
    attached: {
      description:
        'A connection carries the session. A takeover stays here: the newer connection is attached before the older one is told. HOLD does nothing; whoever detaches while a HELLO is being judged sends HOLD again.',
      on: { DETACH: { target: 'detached', actions: 'startLinger' } },
    },
    detached: {
      description: 'No connection. What was accepted is kept until the linger time is over.',
      initial: 'lingering',
      on: { ATTACH: 'attached' },
      states: {
        lingering: {
          description: 'The linger clock runs.',
          exit: 'stopLinger',
          on: { HOLD: 'held', LINGER_OVER: '#session.ended' },
        },
        held: {
          description:
            'The linger clock stands still: a HELLO with a good proof is being judged, which has a deadline.',
          on: { RELEASE: { target: 'lingering', actions: 'continueLinger' } },
        },
      },
    },
    ended: {
      description: 'For good. What answers a returning client is the tombstone.',
      entry: 'bury',
      type: 'final',
    },
  },
});
