/**
 * What the three processes of the main job say to each other: the session's contract, and the reports to the conductor.
 * The work is done in shards, which are threads: their reports, and orders to them, pass through the main thread.
 */
import { BroadcastChannel, isMainThread } from 'node:worker_threads';

/** What travels through the session. A long line goes in several pieces; `passEnd` closes one pass over the file. */
export type Shipping = {
  server: { events: { piece: [bytes: Uint8Array]; passEnd: [] } };
  client: { events: {} };
};

/** How much went through one end so far. */
export interface Volume {
  readonly lines: number;
  readonly bytes: number;
  readonly passes: number;
}

/** What the client process reports. Moments are milliseconds since 1970, so that processes can compare them. */
export type ClientReport =
  | { readonly type: 'sent'; readonly volume: Volume }
  | { readonly type: 'state'; readonly state: string }
  | { readonly type: 'redial'; readonly attempt: number; readonly delayMs: number }
  | { readonly type: 'up'; readonly resumed: boolean }
  | { readonly type: 'lost'; readonly sentence: string }
  /** Everything was sent and the server has processed it. */
  | { readonly type: 'done'; readonly volume: Volume };

/** What the server process reports. */
export type ServerReport =
  | { readonly type: 'listening'; readonly port: number }
  | { readonly type: 'processed'; readonly volume: Volume }
  /** The first message after a resume was processed. */
  | { readonly type: 'recovered'; readonly atMs: number }
  /** Connections that came up so far on another shard than that of their session. */
  | { readonly type: 'relayed'; readonly count: number }
  | { readonly type: 'final'; readonly volume: Volume; readonly digests: readonly PassDigest[] };

/** How many passes had this SHA-256. */
export interface PassDigest {
  readonly digest: string;
  readonly passes: number;
}

/** What the conductor tells a process: the line is left alone from now on; give the final report. */
export type Order = 'calm' | 'finish';

/** Shards of the server process: connections land on either. The client process dials from a shard of its own. */
export const serverShards = 2;

/** Options of both ends of the session. Heartbeats are short, so that a half-open line costs less than half a second. */
export const heartbeat = { intervalMs: 100, timeoutMs: 300 };
/** Options of the dialling end: first a redial within 10 ms, then full jitter from 20 ms, doubling to 200 ms. */
export const backoff = { firstMs: 10, baseMs: 20, maxMs: 200 };
/** How long a handshake may take. */
export const handshakeMs = 500;

/** Milliseconds since 1970, with fractions. */
export function nowMs(): number {
  return performance.timeOrigin + performance.now();
}

/** Between the main thread of a process and its shards. */
const threads = new BroadcastChannel('main job');
threads.unref();

/** A shard that has begun asks for the last order. */
const ASKING = 'asking';

/** Sends a report to the conductor, which started this process. */
export function report(message: ClientReport | ServerReport): void {
  if (isMainThread) process.send?.(message);
  else threads.postMessage(message);
}

/** In the main thread: passes on what is said, runs on the conductor's orders, and ends with it: no process outlives it. */
export function obey(carryOut: (order: Order) => void, told: (message: ClientReport | ServerReport) => void): void {
  let last: Order | undefined;
  threads.onmessage = ({ data }: { data: unknown }) => {
    // What was ordered before a shard could hear it.
    if (data === ASKING) {
      if (last !== undefined) threads.postMessage(last);
      return;
    }
    report(data as ClientReport | ServerReport);
    told(data as ClientReport | ServerReport);
  };
  process.on('message', (order: Order) => {
    last = order;
    threads.postMessage(order);
    carryOut(order);
  });
  process.on('disconnect', () => process.exit());
  process.on('SIGINT', () => {});
}

/** In a shard: runs on the conductor's orders. */
export function obeyInShard(carryOut: (order: Order) => void): void {
  threads.onmessage = ({ data }: { data: unknown }) => {
    if (data !== ASKING) carryOut(data as Order);
  };
  threads.postMessage(ASKING);
}
