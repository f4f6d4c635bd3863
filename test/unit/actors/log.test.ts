// What is said to a logger: which line at which level, how many of one peer, and what a logger may do wrong.
import { describe, expect, it } from 'vitest';
import type { SessionFacts } from '../../../src/actors/channels.ts';
import { Log, type Logger, logLines } from '../../../src/actors/log.ts';
import type { ShardNews } from '../../../src/actors/news.ts';
import { HomingError } from '../../../src/errors.ts';
import { Warnings } from '../../loopback/world.ts';

type Line = readonly [level: string, fields: Record<string, unknown>, message: string];

/** A logger that keeps its lines. */
function keeper(lines: Line[] = [], bound: object = {}) {
  const level = (name: string) => (fields: object, message: string) =>
    void lines.push([name, { ...bound, ...fields }, message]);
  const logger: Logger = {
    debug: level('debug'),
    info: level('info'),
    warn: level('warn'),
    error: level('error'),
    child: (bindings) => keeper(lines, { ...bound, child: true, ...bindings }).logger,
  };
  return { lines, logger };
}

function logAt() {
  const { lines, logger } = keeper();
  const at = { nowMs: 0 };
  return { lines, at, log: new Log(logger, () => at.nowMs) };
}

const info: SessionFacts = { id: 's-1', epoch: 3, shard: 1, identityId: 'ann', dialled: false };
const client: SessionFacts = { ...info, shard: undefined, identityId: undefined };
const error = new HomingError('HandlerFailed', 'a handler threw');

describe('a log', () => {
  const who = { child: true, shard: 1, session: 's-1', epoch: 3, identity: 'ann' };

  it.each<[ShardNews<SessionFacts>, Line]>([
    [{ type: 'session', info }, ['debug', who, 'session began']],
    [{ type: 'up', info, resumed: true }, ['debug', { ...who, resumed: true }, 'session up']],
    [{ type: 'down', info, code: 'silent' }, ['debug', { ...who, code: 'silent' }, 'session down']],
    [
      { type: 'gap', info, oldId: 's-0', unconfirmed: 2, carried: 1 },
      ['warn', { ...who, oldSession: 's-0', unconfirmed: 2, carried: 1 }, 'history lost'],
    ],
    [
      { type: 'end', info, code: 'closed', unconfirmed: 0, carried: 0 },
      ['debug', { ...who, code: 'closed', unconfirmed: 0, carried: 0 }, 'session ended'],
    ],
    [{ type: 'error', info, error }, ['error', { ...who, err: error }, 'an error that no promise carries']],
    [
      { type: 'up', info: client, resumed: false },
      ['debug', { session: 's-1', epoch: 3, resumed: false }, 'session up'],
    ],
    [{ type: 'error', info: undefined, error }, ['error', { err: error }, 'an error that no promise carries']],
  ])('says of $type what happened to whom', (news, line) => {
    const { lines, log } = logAt();
    log.news(news);
    expect(lines).toEqual([line]);
  });

  it('says of a shard that it serves, that it is lost, and that it has ended; its error is told once', () => {
    const { lines, log } = logAt();
    const crash = new HomingError('ShardCrashed', 'shard 0 (thread 1) is gone');
    log.shardStarted(0, 1);
    log.shardLost(0, 1, crash);
    log.news({ type: 'error', error: crash, info: undefined });
    log.shardLost(0, 2, undefined);
    expect(lines).toEqual([
      ['info', { child: true, shard: 0, generation: 1 }, 'shard started'],
      ['error', { child: true, shard: 0, generation: 1, err: crash }, 'shard lost'],
      ['info', { child: true, shard: 0, generation: 2 }, 'shard ended'],
    ]);
  });

  it('makes one child for each shard', () => {
    const { logger } = keeper();
    const made: unknown[] = [];
    const log = new Log({ ...logger, child: (bindings) => (made.push(bindings), keeper().logger) }, () => 0);
    for (let i = 0; i < 3; i++) log.shardStarted(0, i);
    log.shardStarted(1, 1);
    expect(made).toEqual([{ shard: 0 }, { shard: 1 }]);
  });

  it('names the shard in its lines where a logger has no children', () => {
    const { lines, logger } = keeper();
    const { debug, info: inform, warn, error: fail } = logger;
    const log = new Log({ debug, info: inform, warn, error: fail }, () => 0);
    log.shardStarted(4, 1);
    expect(lines).toEqual([['info', { shard: 4, generation: 1 }, 'shard started']]);
  });

  it('writes ten lines of a peer in a second, whatever its sessions are, and counts the rest', () => {
    const { lines, at, log } = logAt();
    for (let i = 0; i < 35; i++) log.news({ type: 'session', info: { ...info, id: `s-${i}` } });
    expect(lines).toHaveLength(10);
    log.news({ type: 'session', info: { ...info, identityId: 'bob' } });
    expect(lines.at(-1)?.[1]).toMatchObject({ identity: 'bob', suppressed: 25 });
    at.nowMs = 1_000;
    log.news({ type: 'session', info });
    expect(lines).toHaveLength(12);
    expect(lines.at(-1)?.[1]).not.toHaveProperty('suppressed');
  });

  it('writes a thousand lines of all peers in a second, and those of shards whatever else there is', () => {
    const { lines, log } = logAt();
    for (let i = 0; i < 1_500; i++) log.news({ type: 'session', info: { ...info, identityId: `peer ${i}` } });
    expect(lines).toHaveLength(1_000);
    log.shardLost(1, 1, error);
    expect(lines.at(-1)?.[1]).toMatchObject({ err: error, suppressed: 500 });
  });

  it('says at its end what was left out, if nothing has said it', () => {
    const { lines, log } = logAt();
    log.close();
    expect(lines).toEqual([]);
    for (let i = 0; i < 12; i++) log.refused(client, 'refused', 'no');
    log.close();
    expect(lines).toHaveLength(11);
    expect(lines.at(-1)).toEqual(['warn', { suppressed: 2 }, 'lines were left out']);
  });

  it('goes on when the logger throws, and says so once', async () => {
    using warnings = new Warnings();
    const { logger } = keeper();
    const broken = (): never => {
      throw new Error('disk full');
    };
    const log = new Log({ ...logger, child: broken }, () => 0);
    log.shardStarted(0, 1);
    log.shardStarted(0, 2);
    await new Promise((resolve) => {
      setImmediate(resolve);
    });
    expect(warnings.list.map(({ message }) => message)).toEqual(['the logger threw: disk full']);
  });

  it('refuses what is no logger at once', () => {
    const { logger } = keeper();
    const { warn: _, ...lacking } = logger;
    expect(() => new Log(lacking as Logger, () => 0)).toThrow('it lacks warn');
    expect(() => new Log(undefined as unknown as Logger, () => 0)).toThrow(HomingError);
  });

  it('has all its lines in one table', () => {
    expect(Object.keys(logLines)).toHaveLength(11);
  });
});
