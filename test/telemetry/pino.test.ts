// The log of real servers and clients, written by the real pino.
import { Writable } from 'node:stream';
import { createClient, createServer } from 'homing';
import { type Logger as PinoLogger, pino } from 'pino';
import { describe, expect, it } from 'vitest';
import { until } from '../loopback/world.ts';
import logged, { type Logged } from './logged.behavior.ts';

type Line = Record<string, unknown> & { readonly msg: string; readonly level: number };

function writer(): { readonly logger: PinoLogger; readonly lines: Line[]; readonly text: () => string } {
  const lines: Line[] = [];
  let text = '';
  const stream = new Writable({
    write: (chunk: Buffer, _, done) => {
      text += chunk.toString();
      for (const line of chunk.toString().trimEnd().split('\n')) lines.push(JSON.parse(line) as Line);
      done();
    },
  });
  return { logger: pino({ level: 'trace' }, stream), lines, text: () => text };
}

const levels = { debug: 20, info: 30, warn: 40, error: 50 };
const backoff = { firstMs: 1, baseMs: 5, maxMs: 20 };

describe.each([0, 2])('a server with %i shards and a client, each with a pino', (shards) => {
  it('write lines with level, shard and session, and no secret', async () => {
    const [atServer, atClient] = [writer(), writer()];
    const server = createServer<Logged>(logged, { shards, logger: atServer.logger });
    server.on('error', () => {});
    const { port } = await server.listen(0);
    const credentials = { token: 'hush-hush' };
    const client = createClient<Logged>(port, { logger: atClient.logger, backoff, credentials });
    await client.up();
    await client.deliver('fail', 'hush-payload').catch(() => {});
    const { id } = client;
    const resumed = new Promise((resolve) => {
      client.connection.on('up', (detail) => resolve(detail));
    });
    client.reconnect();
    expect(await resumed).toEqual({ resumed: true });
    await client.close();
    await server.close();
    await until(() => atServer.lines.some(({ msg }) => msg === 'session ended'), 'the last line');

    const shard = Number(atServer.lines.find(({ msg }) => msg === 'session up')?.['shard']);
    expect(shard).toBeLessThan(Math.max(1, shards));
    const ofSession = atServer.lines.filter(({ session }) => session === id);
    expect(ofSession.map(({ msg, level }) => [msg, level])).toEqual([
      ['session began', levels.debug],
      ['session up', levels.debug],
      ['an error that no promise carries', levels.error],
      ['session down', levels.debug],
      ['session up', levels.debug],
      ['session down', levels.debug],
      ['session ended', levels.debug],
    ]);
    for (const line of ofSession) expect(line).toMatchObject({ shard, epoch: 1, identity: 'ann' });
    expect(ofSession[2]?.['err']).toMatchObject({ type: 'HomingError', code: 'HandlerFailed' });
    const ofShards = atServer.lines.filter(({ msg }) => msg.startsWith('shard '));
    expect(ofShards.map(({ msg }) => msg).toSorted()).toEqual([
      ...Array.from({ length: shards }, () => 'shard ended'),
      ...Array.from({ length: shards }, () => 'shard started'),
    ]);

    expect(atClient.lines.map(({ msg }) => msg)).toEqual([
      'session began',
      'session up',
      'session down',
      'session up',
      'session down',
      'session ended',
    ]);
    for (const { text } of [atServer, atClient]) expect(text()).not.toMatch(/hush|secret/iu);
  });
});
