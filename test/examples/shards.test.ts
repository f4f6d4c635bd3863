import { afterEach, describe, expect, it } from 'vitest';
import { Program, endPrograms, portOf } from './program.ts';

afterEach(endPrograms);

/** What one line of the client says of each session: counts answered and sent. */
function countsIn(line: string): Map<string, { answered: number; sent: number }> {
  const found = line.matchAll(/(\w+) (\d+) of (\d+)/g);
  return new Map(
    Array.from(found, ([, name = '', answered, sent]) => [name, { answered: Number(answered), sent: Number(sent) }]),
  );
}

describe('the shards example', () => {
  it('spreads sessions over two shards; heavy work and a crash touch no session of the other', async () => {
    const server = new Program('shards/server.ts', ['0']);
    const client = new Program('shards/client.ts', [await portOf(server)]);
    expect(await client.end).toBe(0);
    expect(client.text).toContain('there are 3001134 primes below 50 million');

    const homes = [...server.text.matchAll(/^session \w+ is in shard (\d), epoch 1$/gm)].map(([, shard]) => shard);
    expect([homes.filter((shard) => shard === '0').length, homes.length]).toEqual([2, 4]);
    await server.says(/^ShardCrashed: shard \d .* ended by itself, with exit code 1$/);
    expect(server.text.match(/has ended \(shard-lost\)$/gm)).toHaveLength(2);

    // Ada's shard had her and one other; both are told, and go on in a new session.
    const anew = [...client.text.matchAll(/^(\w+) starts anew: [\w-]+, \d+ unconfirmed$/gm)].map(
      ([, name]) => name ?? '',
    );
    expect(anew).toHaveLength(2);
    expect(anew).toContain('ada');
    const [begin, busy, end] = client.lines.filter((line) => line.startsWith('  ')).map(countsIn);
    expect([begin?.size, busy?.size, end?.size]).toEqual([4, 4, 4]);
    // While ada's own handler waited for the result, nothing that she sent later was handled.
    expect(busy?.get('ada')?.answered).toBeLessThanOrEqual(begin?.get('ada')?.sent ?? NaN);
    for (const name of ['ben', 'cyd', 'dan']) {
      expect(busy?.get(name)?.answered).toBeGreaterThanOrEqual((begin?.get(name)?.answered ?? NaN) + 3);
    }
    for (const [name, { answered }] of busy ?? []) expect(end?.get(name)?.answered).toBeGreaterThan(answered);
  });

  it('finishes with every client on SIGTERM', async () => {
    const server = new Program('shards/server.ts', ['0']);
    const client = new Program('shards/client.ts', [await portOf(server)]);
    await client.says(/^ {2}ada/);
    server.signal('SIGTERM');
    expect(await server.end).toBe(0);
    expect(server.text.match(/has ended \(going-away\)$/gm)).toHaveLength(4);
    expect(server.lines.at(-1)).toBe('closed');
  });
});
