/**
 * The life of a server's connection, from an accepted socket to its end. It never comes back: the session behind it may
 * be picked up by the next connection, which is a machine of its own.
 */
import { assign, emit, setup } from 'xstate';

/** What an accepting machine is made with. */
export interface AcceptingInput {
  /** How long the client may take until WELCOME is out, in milliseconds. */
  readonly handshakeMs: number;
}

/** What an accepting machine remembers. */
export interface AcceptingContext {
  readonly handshakeMs: number;
  /** Why the connection ended; set before `hangUp` goes out. */
  readonly cause: string | undefined;
}

/** What can happen to a server's connection. */
export type AcceptingEvent =
  | { readonly type: 'WELCOMED' }
  /** The HELLO was judged and refused; REFUSED is written before this is sent in. */
  | { readonly type: 'HELLO_REFUSED'; readonly code: string }
  /** The session lives in another shard: the line goes on there, and this end has nothing to do with it any more. */
  | { readonly type: 'RELAYED' }
  /** The socket closed, or has been silent for too long (`silent`). */
  | { readonly type: 'SOCKET_LOST'; readonly code: string }
  /** This end lets go: a violation, a takeover, the end of the session, a shutdown. */
  | { readonly type: 'CLOSE'; readonly code: string };

/** What a server's connection commands. `hangUp`: give the socket up, exactly once, also when it is lost already. */
export type AcceptingEffect = { readonly type: 'hangUp' };

/** The machine of a server's connection: `authenticating`, `up`, `closed`. */
export const acceptingMachine = setup({
  types: {
    context: {} as AcceptingContext,
    input: {} as AcceptingInput,
    events: {} as AcceptingEvent,
    emitted: {} as AcceptingEffect,
  },
  actions: {
    hangUp: emit({ type: 'hangUp' }),
    rememberCause: assign({ cause: ({ context, event }) => ('code' in event ? event.code : context.cause) }),
    rememberTimeout: assign({ cause: 'handshake-timeout' }),
  },
  delays: {
    handshake: ({ context }) => context.handshakeMs,
  },
}).createMachine({
  id: 'accepting',
  context: ({ input }) => ({ handshakeMs: input.handshakeMs, cause: undefined }),
  initial: 'authenticating',
  on: {
    SOCKET_LOST: { target: '.closed', actions: 'rememberCause' },
    CLOSE: { target: '.closed', actions: 'rememberCause' },
  },
  states: {
    authenticating: {
      description: 'HELLO is awaited or being judged. Left at the latest after handshake.',
      on: {
        WELCOMED: 'up',
        HELLO_REFUSED: { target: 'closed', actions: 'rememberCause' },
        RELAYED: 'closed',
      },
      after: {
        handshake: { target: 'closed', actions: 'rememberTimeout' },
      },
    },
    up: {
      description:
        'The session is attached. The deadline of this state is the heartbeat timeout, reckoned outside where the bytes are: silence arrives as SOCKET_LOST with the code silent.',
    },
    closed: {
      description: 'For good: no socket, no timer, no effect after hangUp.',
      entry: 'hangUp',
      type: 'final',
    },
  },
});
