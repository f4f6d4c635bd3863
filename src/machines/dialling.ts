/**
 * The life of a client's connection: when to dial, when to give a socket up, when to try again. It holds no socket and
 * no time: effects go out as emitted events, what happened comes back as events, delays come in with the input.
 * Events of a socket that was hung up must not be sent in: the machine cannot tell them from those of the next one.
 */
import { assign, emit, setup } from 'xstate';

/** What a dialling machine is made with; all times in milliseconds. */
export interface DiallingInput {
  readonly autoReconnect: boolean;
  /** How long `connecting` may last, and how long `authenticating` may last. */
  readonly handshakeMs: number;
  /** How long a connection must stay up before it counts as proven. */
  readonly stableMs: number;
}

/** What a dialling machine remembers. */
export interface DiallingContext {
  readonly autoReconnect: boolean;
  /** Connections that failed or were lost since one was proven: 1 when the first redial is planned. */
  readonly attemptCount: number;
  /** The wait before the redial that is planned, as `REDIAL_PLANNED` told it. */
  readonly redialMs: number;
  /** Why the last connection ended; set before `hangUp` goes out. */
  readonly cause: string | undefined;
  readonly handshakeMs: number;
  readonly stableMs: number;
}

/** What can happen to a client's connection. */
export type DiallingEvent =
  | { readonly type: 'CONNECT' }
  | { readonly type: 'SOCKET_OPEN' }
  | { readonly type: 'WELCOMED' }
  /** The session took or confirmed a message on this connection; needed once for each connection, at most. */
  | { readonly type: 'SESSION_ADVANCED' }
  /** The socket closed, could not be opened, or has been silent for too long (`silent`). */
  | { readonly type: 'SOCKET_LOST'; readonly code: string }
  /** The peer said no, or goodbye, with a code of the retry class. */
  | { readonly type: 'REFUSED'; readonly code: string }
  /** The peer said no, or goodbye, with a terminal code: there is no next connection. */
  | { readonly type: 'TERMINATED'; readonly code: string }
  | { readonly type: 'DISCONNECT' }
  | { readonly type: 'RECONNECT' }
  | { readonly type: 'CLOSE' }
  | { readonly type: 'REDIAL_PLANNED'; readonly delayMs: number }
  | { readonly type: 'AUTO_RECONNECT'; readonly on: boolean };

/**
 * What a client's connection commands. `dial`: open a socket. `greet`: send HELLO. `hangUp`: give the socket up, once
 * for each `dial` and before the next one, also when the socket is lost already. `planRedial`: answer at once with
 * `REDIAL_PLANNED`. `proven`: this connection was of use, the backoff may start over; once or twice for a connection.
 */
export type DiallingEffect =
  | { readonly type: 'dial' }
  | { readonly type: 'greet' }
  | { readonly type: 'hangUp' }
  | { readonly type: 'planRedial' }
  | { readonly type: 'proven' };

/** The machine of a client's connection: `idle`, `connecting`, `authenticating`, `up`, `backoff`, `closed`. */
export const diallingMachine = setup({
  types: {
    context: {} as DiallingContext,
    input: {} as DiallingInput,
    events: {} as DiallingEvent,
    emitted: {} as DiallingEffect,
  },
  actions: {
    dial: emit({ type: 'dial' }),
    greet: emit({ type: 'greet' }),
    hangUp: emit({ type: 'hangUp' }),
    planRedial: emit({ type: 'planRedial' }),
    proven: emit({ type: 'proven' }),
    countAttempt: assign({ attemptCount: ({ context }) => context.attemptCount + 1 }),
    forgetAttempts: assign({ attemptCount: 0 }),
    rememberCause: assign({ cause: ({ context, event }) => ('code' in event ? event.code : context.cause) }),
    rememberTimeout: assign({ cause: 'handshake-timeout' }),
    rememberRequest: assign({ cause: 'disconnected' }),
    rememberClose: assign({ cause: 'closed' }),
    keepRedial: assign({
      redialMs: ({ context, event }) => (event.type === 'REDIAL_PLANNED' ? event.delayMs : context.redialMs),
    }),
    keepAutoReconnect: assign({
      autoReconnect: ({ context, event }) => (event.type === 'AUTO_RECONNECT' ? event.on : context.autoReconnect),
    }),
  },
  guards: {
    autoReconnects: ({ context }) => context.autoReconnect,
    switchesOff: ({ event }) => event.type === 'AUTO_RECONNECT' && !event.on,
  },
  delays: {
    handshake: ({ context }) => context.handshakeMs,
    stable: ({ context }) => context.stableMs,
    redial: ({ context }) => context.redialMs,
    planning: 1_000,
  },
}).createMachine({
  id: 'dialling',
  context: ({ input }) => ({
    autoReconnect: input.autoReconnect,
    attemptCount: 0,
    redialMs: 0,
    cause: undefined,
    handshakeMs: input.handshakeMs,
    stableMs: input.stableMs,
  }),
  initial: 'idle',
  on: {
    AUTO_RECONNECT: { actions: 'keepAutoReconnect' },
    CLOSE: { target: '.closed', actions: 'rememberClose' },
    TERMINATED: { target: '.closed', actions: 'rememberCause' },
  },
  states: {
    idle: {
      description:
        'No socket and none wanted. Only CONNECT and RECONNECT lead out; switching auto-reconnect on does not.',
      on: {
        CONNECT: { target: 'connecting', actions: 'forgetAttempts' },
        RECONNECT: { target: 'connecting', actions: 'forgetAttempts' },
      },
    },
    connecting: {
      description: 'A socket is being opened. Left at the latest after handshake.',
      entry: 'dial',
      on: {
        SOCKET_OPEN: 'authenticating',
        SOCKET_LOST: [
          { guard: 'autoReconnects', target: 'backoff', actions: ['rememberCause', 'hangUp'] },
          { target: 'idle', actions: ['rememberCause', 'hangUp'] },
        ],
        REFUSED: [
          { guard: 'autoReconnects', target: 'backoff', actions: ['rememberCause', 'hangUp'] },
          { target: 'idle', actions: ['rememberCause', 'hangUp'] },
        ],
        TERMINATED: { target: 'closed', actions: ['rememberCause', 'hangUp'] },
        DISCONNECT: { target: 'idle', actions: ['rememberRequest', 'hangUp'] },
        RECONNECT: { target: 'connecting', reenter: true, actions: ['rememberRequest', 'hangUp', 'forgetAttempts'] },
        CLOSE: { target: 'closed', actions: ['rememberClose', 'hangUp'] },
      },
      after: {
        handshake: [
          { guard: 'autoReconnects', target: 'backoff', actions: ['rememberTimeout', 'hangUp'] },
          { target: 'idle', actions: ['rememberTimeout', 'hangUp'] },
        ],
      },
    },
    authenticating: {
      description: 'HELLO is out, its answer is not here. Left at the latest after handshake.',
      entry: 'greet',
      on: {
        WELCOMED: 'up',
        SOCKET_LOST: [
          { guard: 'autoReconnects', target: 'backoff', actions: ['rememberCause', 'hangUp'] },
          { target: 'idle', actions: ['rememberCause', 'hangUp'] },
        ],
        REFUSED: [
          { guard: 'autoReconnects', target: 'backoff', actions: ['rememberCause', 'hangUp'] },
          { target: 'idle', actions: ['rememberCause', 'hangUp'] },
        ],
        TERMINATED: { target: 'closed', actions: ['rememberCause', 'hangUp'] },
        DISCONNECT: { target: 'idle', actions: ['rememberRequest', 'hangUp'] },
        RECONNECT: { target: 'connecting', actions: ['rememberRequest', 'hangUp', 'forgetAttempts'] },
        CLOSE: { target: 'closed', actions: ['rememberClose', 'hangUp'] },
      },
      after: {
        handshake: [
          { guard: 'autoReconnects', target: 'backoff', actions: ['rememberTimeout', 'hangUp'] },
          { target: 'idle', actions: ['rememberTimeout', 'hangUp'] },
        ],
      },
    },
    up: {
      description:
        'The session is attached. A connection that advances it, or stays up for stable, is proven: failures before it no longer count. The deadline of this state is the heartbeat timeout, reckoned outside where the bytes are: silence arrives as SOCKET_LOST with the code silent.',
      on: {
        SESSION_ADVANCED: { actions: ['forgetAttempts', 'proven'] },
        SOCKET_LOST: [
          { guard: 'autoReconnects', target: 'backoff', actions: ['rememberCause', 'hangUp'] },
          { target: 'idle', actions: ['rememberCause', 'hangUp'] },
        ],
        REFUSED: [
          { guard: 'autoReconnects', target: 'backoff', actions: ['rememberCause', 'hangUp'] },
          { target: 'idle', actions: ['rememberCause', 'hangUp'] },
        ],
        TERMINATED: { target: 'closed', actions: ['rememberCause', 'hangUp'] },
        DISCONNECT: { target: 'idle', actions: ['rememberRequest', 'hangUp'] },
        RECONNECT: { target: 'connecting', actions: ['rememberRequest', 'hangUp', 'forgetAttempts'] },
        CLOSE: { target: 'closed', actions: ['rememberClose', 'hangUp'] },
      },
      after: { stable: { actions: ['forgetAttempts', 'proven'] } },
    },
    backoff: {
      description: 'No socket, the next dial is planned. Left at the latest after redial.',
      initial: 'planning',
      entry: ['countAttempt', 'planRedial'],
      on: {
        RECONNECT: { target: 'connecting', actions: 'forgetAttempts' },
        DISCONNECT: { target: 'idle', actions: 'rememberRequest' },
        AUTO_RECONNECT: [
          { guard: 'switchesOff', target: 'idle', actions: 'keepAutoReconnect' },
          { actions: 'keepAutoReconnect' },
        ],
      },
      states: {
        planning: {
          description:
            'REDIAL_PLANNED comes at once. If it ever does not, the dial is made after planning all the same.',
          on: { REDIAL_PLANNED: { target: 'waiting', actions: 'keepRedial' } },
          after: { planning: '#dialling.connecting' },
        },
        waiting: {
          after: { redial: '#dialling.connecting' },
        },
      },
    },
    closed: {
      description: 'For good: no socket, no timer, no effect after this.',
      type: 'final',
    },
  },
});
