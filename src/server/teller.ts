/** What a server tells on the thread that made it: its events to listeners, the same on channels, and lines to its log. */
import { channels } from '../actors/channels.ts';
import { describeError } from '../actors/describe.ts';
import { Listeners, warn } from '../actors/listeners.ts';
import { Log, type Logger } from '../actors/log.ts';
import type { ShardNews } from '../actors/news.ts';
import { publishNews } from '../actors/told.ts';
import { HomingError } from '../errors.ts';
import { tellNews } from './news-events.ts';
import type { ServerEvents } from './server.ts';

/** Tells what happens to a server. */
export class Teller {
  readonly listeners = new Listeners<ServerEvents>((error) => this.#listenerFailed(error));
  readonly #log: Log | undefined;

  /** Throws `BadOption` for what is no logger. */
  constructor(logger: Logger | undefined, nowMs: () => number) {
    this.#log = logger === undefined ? undefined : new Log(logger, nowMs);
  }

  /** Something happened to a session, or went wrong. An error that nobody listens to becomes a process warning. */
  news(news: ShardNews): void {
    publishNews('homing:server', news);
    this.#log?.news(news);
    if (news.type === 'error' && !this.listeners.has('error')) warn(news.error);
    else tellNews(this.listeners, news);
  }

  /** A shard's thread serves. */
  shardStarted(shard: number, generation: number): void {
    const channel = channels['homing:server:shard:started'];
    if (channel.hasSubscribers) channel.publish({ shard, generation });
    this.#log?.shardStarted(shard, generation);
  }

  /** A shard's thread is gone; without an error it was meant to go. */
  shardLost(shard: number, generation: number, error: HomingError | undefined): void {
    const channel = channels['homing:server:shard:lost'];
    if (channel.hasSubscribers) channel.publish({ shard, generation, error });
    this.#log?.shardLost(shard, generation, error);
  }

  /** Nothing comes any more. */
  close(): void {
    this.#log?.close();
  }

  #listenerFailed(error: unknown): void {
    const sentence = `a listener of server events threw: ${describeError(error).message}`;
    warn(new HomingError('HandlerFailed', sentence, { cause: error }));
  }
}
