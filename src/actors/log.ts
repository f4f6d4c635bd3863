/**
 * What a server or a client says to its user's logger. A peer cannot fill a disk: each is good for ten lines a second, all
 * together for a thousand, and what is left out is counted. Ids of sessions are in lines, secrets and payloads never.
 */
import { HomingError } from '../errors.ts';
import { Pace } from '../session/pace.ts';
import type { SessionFacts } from './channels.ts';
import { describeError } from './describe.ts';
import { warn } from './listeners.ts';
import type { ShardNews } from './news.ts';

/** Writes a line: its fields first, its message second. */
export type LogLine = (fields: object, message: string) => void;

/** A logger in the shape of pino's; `console` has it as well. */
export interface Logger {
  readonly debug: LogLine;
  readonly info: LogLine;
  readonly warn: LogLine;
  readonly error: LogLine;
  /** Makes a logger whose lines all have these fields; each shard gets one. */
  child?(bindings: { readonly shard: number }): Logger;
}

/** Lines of one peer in a second. */
const PEER_LINES_PER_SECOND = 10;

/** Lines of all peers in a second. */
const LINES_PER_SECOND = 1_000;

/** Peers whose lines are counted at a time. */
const PEERS_MAX = 10_000;

type Level = 'debug' | 'info' | 'warn' | 'error';

/** Every line there is: its level and its message. */
export const logLines = {
  began: ['debug', 'session began'],
  up: ['debug', 'session up'],
  down: ['debug', 'session down'],
  gap: ['warn', 'history lost'],
  ended: ['debug', 'session ended'],
  refused: ['warn', 'connection refused'],
  failed: ['error', 'an error that no promise carries'],
  shardStarted: ['info', 'shard started'],
  shardLost: ['error', 'shard lost'],
  shardGone: ['info', 'shard ended'],
  suppressed: ['warn', 'lines were left out'],
} as const satisfies Readonly<Record<string, readonly [Level, string]>>;

/** The log of one server or client. */
export class Log {
  readonly #logger: Logger;
  readonly #nowMs: () => number;
  readonly #ofShards = new Map<number, Logger>();
  readonly #peers = new Pace(PEER_LINES_PER_SECOND, PEERS_MAX);
  readonly #all = new Pace(LINES_PER_SECOND, 1);
  #suppressed = 0;
  #hasFailed = false;

  constructor(logger: Logger, nowMs: () => number) {
    for (const level of ['debug', 'info', 'warn', 'error'] as const) {
      if (typeof logger?.[level] !== 'function')
        throw new HomingError('BadOption', `expected a logger with debug, info, warn and error, it lacks ${level}`);
    }
    this.#logger = logger;
    this.#nowMs = nowMs;
  }

  /** Something happened to a session, or went wrong. A lost shard has a line of its own. */
  news(news: ShardNews<SessionFacts>): void {
    const { info } = news;
    if (news.type === 'error' && news.error.code === 'ShardCrashed') return;
    if (this.#mayWrite(info?.identityId ?? info?.id ?? '')) this.#write(lineOf(news), info, fieldsOf(news));
  }

  /** The server refused a client's connection. */
  refused(info: SessionFacts, code: string, reason: string): void {
    if (this.#mayWrite(info.id)) this.#write('refused', info, { code, reason });
  }

  /** A shard serves. */
  shardStarted(shard: number, generation: number): void {
    this.#line('shardStarted', shard, { generation });
  }

  /** A shard's thread is gone; without an error it was meant to go. */
  shardLost(shard: number, generation: number, error: HomingError | undefined): void {
    if (error === undefined) this.#line('shardGone', shard, { generation });
    else this.#line('shardLost', shard, { generation, err: error });
  }

  /** Nothing comes any more: says how many lines were left out, if nobody was told yet. */
  close(): void {
    if (this.#suppressed > 0) this.#line('suppressed', undefined, {});
  }

  // ---- below

  #mayWrite(peer: string): boolean {
    const nowMs = this.#nowMs();
    if (this.#peers.allows(peer, nowMs) && this.#all.allows('', nowMs)) {
      this.#peers.spend(peer, nowMs);
      this.#all.spend('', nowMs);
      return true;
    }
    this.#suppressed += 1;
    return false;
  }

  #write(name: keyof typeof logLines, info: SessionFacts | undefined, fields: object): void {
    if (info === undefined) return this.#line(name, undefined, fields);
    const { id: session, epoch, identityId: identity } = info;
    const who = identity === undefined ? { session, epoch } : { session, epoch, identity };
    this.#line(name, info.shard, { ...who, ...fields });
  }

  #line(name: keyof typeof logLines, shard: number | undefined, fields: object): void {
    const [level, message] = logLines[name];
    const suppressed = this.#suppressed;
    const told = suppressed === 0 ? fields : { ...fields, suppressed };
    this.#suppressed = 0;
    try {
      if (shard === undefined) this.#logger[level](told, message);
      else if (this.#logger.child === undefined) this.#logger[level]({ shard, ...told }, message);
      else this.#ofShard(shard)[level](told, message);
    } catch (error) {
      this.#loggerFailed(error);
    }
  }

  #ofShard(shard: number): Logger {
    const known = this.#ofShards.get(shard);
    if (known !== undefined) return known;
    const child = this.#logger.child?.({ shard }) ?? this.#logger;
    this.#ofShards.set(shard, child);
    return child;
  }

  /** A logger that throws stops nothing; that it does is said once. */
  #loggerFailed(cause: unknown): void {
    if (this.#hasFailed) return;
    this.#hasFailed = true;
    warn(new HomingError('HandlerFailed', `the logger threw: ${describeError(cause).message}`, { cause }));
  }
}

function lineOf({ type }: ShardNews<SessionFacts>): keyof typeof logLines {
  return ({ session: 'began', up: 'up', down: 'down', gap: 'gap', end: 'ended', error: 'failed' } as const)[type];
}

function fieldsOf(news: ShardNews<SessionFacts>): object {
  switch (news.type) {
    case 'session':
      return {};
    case 'up':
      return { resumed: news.resumed };
    case 'down':
      return { code: news.code };
    case 'gap':
      return { oldSession: news.oldId, unconfirmed: news.unconfirmed, carried: news.carried };
    case 'end':
      return { code: news.code, unconfirmed: news.unconfirmed, carried: news.carried };
    case 'error':
      return { err: news.error };
  }
}
