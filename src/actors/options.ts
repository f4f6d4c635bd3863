/**
 * Every default and bound of the runtime in one place (DESIGN.md: Defaults), and the check of what a user gives. A value
 * outside its range is an error at once, with the name of the option, never something that is quietly mended.
 */
import { availableParallelism } from 'node:os';
import { HomingError } from '../errors.ts';
import type { BackoffOptions } from '../session/backoff.ts';
import type { Heartbeat } from '../session/liveness.ts';
import { DEPTH_MAX, DEPTH_MIN, defaultWireLimits } from '../wire/limits.ts';
import type { SessionSettings } from './session-actor.ts';

/** Bounds; counts, and sizes in bytes. */
export interface Limits {
  /** Bytes of one encoded message. */
  readonly messageBytes: number;
  /** Messages accepted and not yet released; `send` throws at this bound. */
  readonly outboxMessages: number;
  readonly outboxBytes: number;
  /** Ordered messages received and not yet processed. */
  readonly mailboxMessages: number;
  readonly mailboxBytes: number;
  /** Calls without a result, each way; beyond it a call is refused with `TooManyCalls`. */
  readonly callsInFlight: number;
  /** Functions and streams that were passed and are in use at the other end, each way. */
  readonly functions: number;
  /** Containers inside each other in one message; what an end sends keeps within that of its peer as well. */
  readonly depth: number;
  /** Server: sessions in memory, connected or not. */
  readonly sessions: number;
  /** Server: open connections. */
  readonly connections: number;
  /** Server: connections whose handshake is under way; more wait for their turn, at most `handshakeMs`. */
  readonly handshakes: number;
  /**
   * Server: bytes that one shard holds for its sessions and connections. From three quarters on it takes no new session,
   * at the bound `send` throws `OutboxFull`.
   */
  readonly shardBytes: number;
}

/** Options that both ends share; times in milliseconds. */
export interface EndOptions {
  readonly heartbeat?: Partial<Heartbeat> | undefined;
  /** How long a connection may take until it is up. */
  readonly handshakeMs?: number | undefined;
  /** How long a session outlives its connection; the smaller wish of the two ends is granted. */
  readonly lingerMs?: number | undefined;
  readonly limits?: Partial<Limits> | undefined;
  /** CRC-32 on every frame; by default on unless the line is loopback, a Unix path or TLS. */
  readonly checksum?: boolean | undefined;
}

/** Backoff of a client; times in milliseconds. */
export interface RedialOptions extends BackoffOptions {
  /** A connection that stayed up this long starts the backoff anew. */
  readonly stableMs: number;
}

/** What holds when nothing else is said. */
export const defaults = {
  heartbeat: { intervalMs: 5_000, timeoutMs: 15_000 },
  handshakeMs: 10_000,
  lingerMs: 120_000,
  backoff: { firstMs: 10, baseMs: 250, maxMs: 20_000, stableMs: 10_000 },
  turnDeadlineMs: 30_000,
  callDeadlineMs: 30_000,
  drainMs: 30_000,
  watchdogMs: 10_000,
  restarts: { max: 5, withinMs: 30_000 },
  limits: {
    messageBytes: 1_048_576,
    outboxMessages: 10_000,
    outboxBytes: 16_777_216,
    mailboxMessages: 1_024,
    mailboxBytes: 1_048_576,
    callsInFlight: 1_000,
    functions: 10_000,
    depth: 32,
    sessions: 100_000,
    connections: 100_000,
    handshakes: 1_000,
    shardBytes: 536_870_912,
  },
} as const;

/** Failed proofs that one address is told of a second; beyond them it is only told to come back later. */
export const FAILED_PROOFS_PER_SECOND = 5;

/** Longest time that the wire can carry, in milliseconds (u32). */
const WIRE_MS_MAX = 4_294_967_295;

/** The checked options of one end. */
export interface Settings {
  readonly session: SessionSettings;
  readonly heartbeat: Heartbeat;
  readonly handshakeMs: number;
  readonly lingerMs: number;
  readonly limits: Limits;
  readonly checksum: boolean | undefined;
  /** Server: keys of the stores that presence shows; undefined: presence is off. */
  readonly presenceKeys: readonly string[] | undefined;
}

/** Checks the options and fills in the defaults. Throws `BadOption`. */
export function settingsOf(options: EndOptions & PresenceOption): Settings {
  const { checksum } = options;
  if (checksum !== undefined && typeof checksum !== 'boolean') {
    throw new HomingError('BadOption', `expected checksum to be true or false, got ${String(checksum)}`);
  }
  const heartbeat = heartbeatOf(options.heartbeat);
  const handshakeMs = number('handshakeMs', options.handshakeMs, defaults.handshakeMs, 1, WIRE_MS_MAX);
  const lingerMs = number('lingerMs', options.lingerMs, defaults.lingerMs, 0, WIRE_MS_MAX);
  const limits = limitsOf(group('limits', options.limits));
  const wire = { ...defaultWireLimits, messageBytes: limits.messageBytes, depth: limits.depth };
  const { turnDeadlineMs, callDeadlineMs } = defaults;
  const { callsInFlight, functions } = limits;
  const session = { limits, wire, heartbeat, turnDeadlineMs, callDeadlineMs, callsInFlight, functions };
  const presenceKeys = presenceKeysOf(options.presence);
  return { session, heartbeat, handshakeMs, lingerMs, limits, checksum, presenceKeys };
}

/** What of each session presence shows. */
export interface PresenceOption {
  /** Server: lets `server.presence()`, and clients that `authorize` permits, see who is here and these keys of the stores. */
  readonly presence?: { readonly keys: readonly string[] } | undefined;
}

function presenceKeysOf(presence: PresenceOption['presence']): readonly string[] | undefined {
  if (presence === undefined) return undefined;
  const keys: unknown = presence?.keys;
  if (Array.isArray(keys) && keys.every((key) => typeof key === 'string')) return keys;
  throw new HomingError('BadOption', 'expected presence to be { keys }, a list of keys of the store');
}

/** Checks a client's backoff. Throws `BadOption`. */
export function redialOf(given: Partial<RedialOptions> | undefined): RedialOptions {
  const { firstMs, baseMs, maxMs, stableMs } = defaults.backoff;
  const backoff = group('backoff', given);
  return {
    firstMs: number('backoff.firstMs', backoff.firstMs, firstMs, 0, WIRE_MS_MAX),
    baseMs: number('backoff.baseMs', backoff.baseMs, baseMs, 0, WIRE_MS_MAX),
    maxMs: number('backoff.maxMs', backoff.maxMs, maxMs, 0, WIRE_MS_MAX),
    stableMs: number('backoff.stableMs', backoff.stableMs, stableMs, 0, WIRE_MS_MAX),
  };
}

/** Options of a server that concern its threads. */
export interface ThreadOptions {
  readonly shards?: number | undefined;
  readonly watchdogMs?: number | undefined;
  readonly restarts?: { readonly max?: number | undefined; readonly withinMs?: number | undefined } | undefined;
  readonly offloadThreads?: number | undefined;
  readonly shardHeapMb?: number | undefined;
}

/** More threads than this are a mistake. */
const THREADS_MAX = 1_024;

/** Checks what concerns the threads of a server; with a module, shards are the default. Throws `BadOption`. */
export function threadsOf(options: ThreadOptions, hasModule: boolean) {
  const { watchdogMs, restarts } = defaults;
  const usual = Math.max(1, availableParallelism() - 1);
  const given = group('restarts', options.restarts);
  const { shardHeapMb } = options;
  return {
    shards: number('shards', options.shards, hasModule ? usual : 0, 0, THREADS_MAX),
    watchdogMs: number('watchdogMs', options.watchdogMs, watchdogMs, 0, WIRE_MS_MAX),
    restarts: {
      max: number('restarts.max', given.max, restarts.max, 0, THREADS_MAX),
      withinMs: number('restarts.withinMs', given.withinMs, restarts.withinMs, 1, WIRE_MS_MAX),
    },
    offloadThreads: number('offloadThreads', options.offloadThreads, usual, 1, THREADS_MAX),
    shardHeapMb: shardHeapMb === undefined ? undefined : number('shardHeapMb', shardHeapMb, 0, 16, WIRE_MS_MAX),
  };
}

/** Checks a time to drain. Throws `BadOption`. */
export function drainMsOf(drainMs: number | undefined): number {
  return number('drainMs', drainMs, defaults.drainMs, 0, WIRE_MS_MAX);
}

function heartbeatOf(option: Partial<Heartbeat> | undefined): Heartbeat {
  const given = group('heartbeat', option);
  const { intervalMs, timeoutMs } = defaults.heartbeat;
  const interval = number('heartbeat.intervalMs', given.intervalMs, intervalMs, 0, WIRE_MS_MAX);
  const usual = Math.min(WIRE_MS_MAX, Math.max(timeoutMs, interval * 3));
  const timeout = number('heartbeat.timeoutMs', given.timeoutMs, usual, 0, WIRE_MS_MAX);
  if (interval > 0 && timeout < interval) {
    throw new HomingError(
      'BadOption',
      `expected heartbeat.timeoutMs of at least intervalMs (${interval}), got ${timeout}`,
    );
  }
  return { intervalMs: interval, timeoutMs: timeout };
}

function limitsOf(given: Partial<Limits>): Limits {
  const checked: Record<string, number> = {};
  for (const [name, fallback] of Object.entries(defaults.limits)) {
    const min = name === 'messageBytes' ? 64 : name === 'depth' ? DEPTH_MIN : 1;
    const max = name === 'messageBytes' ? 16_777_216 : name === 'depth' ? DEPTH_MAX : 2 ** 32 - 1;
    checked[name] = number(`limits.${name}`, given[name as keyof Limits], fallback, min, max);
  }
  for (const name of Object.keys(given)) {
    if (!Object.hasOwn(checked, name)) throw new HomingError('BadOption', `expected a known limit, got limits.${name}`);
  }
  return checked as unknown as Limits;
}

function group<Options extends object>(name: string, given: Options | undefined): Partial<Options> {
  if (given === undefined) return {};
  if (typeof given === 'object' && given !== null) return given;
  throw new HomingError('BadOption', `expected ${name} to be an object, got ${String(given)}`);
}

function number(name: string, given: number | undefined, fallback: number, min: number, max: number): number {
  if (given === undefined) return fallback;
  if (Number.isInteger(given) && given >= min && given <= max) return given;
  throw new HomingError('BadOption', `expected ${name} to be an integer from ${min} to ${max}, got ${String(given)}`);
}
