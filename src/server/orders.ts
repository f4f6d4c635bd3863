/** What the main thread and its shard threads say to each other. Types only; sockets and ports travel as transfers. */
import type { Socket } from 'node:net';
import type { MessagePort } from 'node:worker_threads';
import type { PlainError, ShardNews } from '../actors/news.ts';
import type { Note } from '../actors/notes.ts';
import type { LineEnds } from '../actors/ports.ts';
import type { SessionInfo } from '../actors/hosted-session.ts';
import type { Address, TlsOptions } from '../transports/address.ts';
import type { Listening } from '../transports/tcp.ts';
import type { ServerOptions } from './server.ts';

/** What a shard thread is started with. */
export interface ShardStart {
  readonly place: number;
  /** Counts the threads of one place, from 1. */
  readonly generation: number;
  /** The module of the behavior. */
  readonly module: string;
  readonly options: PlainServerOptions;
  /** The shard's counters. */
  readonly memory: ArrayBufferLike;
  /** Places whose shards sessions may live in. */
  readonly places: readonly number[];
  readonly port: MessagePort;
  /** To an inspector, if there is one. */
  readonly inspectPort: MessagePort | undefined;
}

/** The options of a server that a thread needs: those that are plain data. */
export type PlainServerOptions = Omit<ServerOptions, 'signal' | 'inspect' | 'logger'>;

/** A listener, as a shard must know it. */
export interface DoorOrder {
  readonly number: number;
  readonly tls: TlsOptions | undefined;
  /** Where this shard listens beside the public address. */
  readonly direct: { readonly host: string; readonly port: number } | undefined;
  readonly spreads: boolean;
}

/** From the main thread to a shard. */
export type Order =
  | { readonly type: 'door'; readonly door: DoorOrder }
  | { readonly type: 'path'; readonly door: number; readonly path: string }
  | { readonly type: 'shut' }
  | { readonly type: 'socket'; readonly socket: Socket; readonly door: number }
  | { readonly type: 'stream'; readonly port: MessagePort; readonly ends: LineEnds }
  | { readonly type: 'places'; readonly places: readonly number[] }
  /** Another shard that can be reached; without a port: it is gone. */
  | {
      readonly type: 'neighbor';
      readonly place: number;
      readonly memory: ArrayBufferLike;
      readonly port: MessagePort | undefined;
    }
  | { readonly type: 'dial'; readonly key: number; readonly address: Address; readonly credentials: unknown }
  | { readonly type: 'hangUp'; readonly key: number }
  | { readonly type: 'taskDone'; readonly token: number; readonly value: unknown }
  | { readonly type: 'taskFailed'; readonly token: number; readonly error: PlainError }
  /** What the main thread says of groups and presence. */
  | { readonly type: 'notes'; readonly notes: readonly Note[] }
  | { readonly type: 'drain'; readonly drainMs: number };

/** From a shard to the main thread. */
export type Report =
  | { readonly type: 'ready' }
  /** The thread cannot serve, and another one could not either: the behavior does not load. */
  | { readonly type: 'unfit'; readonly error: PlainError }
  | { readonly type: 'news'; readonly news: readonly PlainNews[] }
  | {
      readonly type: 'listening';
      readonly door: number;
      readonly what: 'door' | 'path';
      readonly at: Listening | PlainError | undefined;
    }
  | { readonly type: 'dialled'; readonly key: number; readonly info: SessionInfo }
  | { readonly type: 'notDialled'; readonly key: number; readonly error: PlainError }
  | { readonly type: 'dialOver'; readonly key: number }
  | {
      readonly type: 'task';
      readonly token: number;
      readonly task: string;
      readonly input: unknown;
      readonly timeoutMs: number | undefined;
    }
  | { readonly type: 'taskGivenUp'; readonly token: number }
  | { readonly type: 'notes'; readonly notes: readonly Note[] }
  | { readonly type: 'drained' };

/** News with its error in parts. */
export type PlainNews =
  | Exclude<ShardNews, { readonly type: 'error' }>
  | { readonly type: 'error'; readonly error: PlainError; readonly info: SessionInfo | undefined };

/** From one shard to another. */
export type NeighborWord = Relayed | { readonly notes: readonly Note[] };

/** From one shard to another: a line whose session lives there. */
export interface Relayed {
  readonly port: MessagePort;
  readonly ends: LineEnds;
  readonly door: number;
}
