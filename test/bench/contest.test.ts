import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { compare, hold } from '../../bench/peers/contest.ts';
import { Pair } from '../../bench/peers/pair.ts';
import { contestantNames, obstacleOf, wantedBy } from '../../bench/peers/registry.ts';
import { peerRows } from '../../bench/peers/rows.ts';
import { coreRows, longRows, shardRows } from '../../bench/rows.ts';

describe('a contest', () => {
  it('runs all in turn, reversed each second time, and loses nothing that it counts', async () => {
    const turns: string[] = [];
    const reached = await hold({ tell: (text) => void turns.push(text) }, ['homing', 'plain'], {
      rounds: 2,
      async open(name) {
        const pair = await Pair.open(name);
        await pair.connect(2);
        return pair;
      },
      warm: () => Promise.resolve(),
      async slice(pair) {
        const up = await pair.stream({ direction: 'up', bytes: 90, milliseconds: 5 });
        const down = await pair.stream({ direction: 'down', bytes: 2_048, milliseconds: 5 });
        return { up, down, called: await pair.call({ inFlight: 4, milliseconds: 5 }) };
      },
    });
    expect(turns.slice(2)).toEqual([
      'homing: round 1 of 2',
      'plain: round 1 of 2',
      'plain: round 2 of 2',
      'homing: round 2 of 2',
    ]);
    for (const { up, down, called } of [...reached.values()].flat()) {
      expect([up.rate, down.rate, called.rate].every((rate) => rate > 0)).toBe(true);
      expect([up.faults, down.faults]).toEqual(Array(2).fill({ lost: 0, doubled: 0, reordered: 0 }));
    }
  });

  it('divides by the number of the same round', () => {
    const rounds = new Map([
      ['homing', [10, 20, 60]],
      ['ws', [5, 20, 20]],
    ]);
    const row = compare({ what: 'x', unit: '/s', goals: { ws: { atLeast: 3 } } }, rounds, { value: (one) => one });
    expect(row.map(({ contestant, value, ratio }) => [contestant, value, ratio])).toEqual([
      ['homing', 20, undefined],
      ['ws', 20, { value: 2, rounds: [2, 1, 3], goal: { atLeast: 3 } }],
    ]);
  });
});

describe('who takes part', () => {
  it('wants the versions that the checkout has', async () => {
    const manifest = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as Record<
      'dependencies' | 'devDependencies',
      Record<string, string>
    >;
    expect({ ...manifest.dependencies, ...manifest.devDependencies }).toMatchObject(
      Object.assign({}, ...contestantNames.map(wantedBy)),
    );
    expect(await obstacleOf('plain')).toBeUndefined();
  });

  it('has rows with names of their own', () => {
    const names = [peerRows, coreRows, shardRows, longRows].flatMap((rows) => Object.keys(rows));
    expect(names).toEqual([...new Set(names)]);
  });
});
