// How much is played in a run of the tests: lines that are lost again and again while messages are under way, with every oracle
// on, and what all of it reached of the faults and of the machines of connections. The numbers are asserted, and told.
import { setImmediate as breathe } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { acceptingMachine } from '../../src/machines/accepting.ts';
import { diallingMachine } from '../../src/machines/dialling.ts';
import { faultKinds } from '../../src/testing/kit/faults.ts';
import { type RehearsalReport, rehearse } from '../../src/testing/rehearsal.ts';
import { countEdges } from './edges.ts';
import { flappingPlan } from './flapping.ts';
import { wander } from './wanderers.ts';

/** Seeds of worlds whose users come and go. */
const WANDERERS = 95;

/** Seeds of plans that are played twice, and how much smaller these are. */
const TWICE = 1_000;
const small = { cuts: 6, others: 3, acts: 6, chaosMs: 600, clientsMax: 1 };

const DISCONNECTS = 300_000;
const OF_EACH_FAULT = 1_000;
const OF_EACH_WAY = 100;

const LONG_MS = 600_000;

/** Ways that nothing leads to, and why; the machine has an answer ready all the same. */
const unreachable: Readonly<Record<string, string>> = {
  'connecting REFUSED > backoff.planning': 'a line tells that it is open before it gives bytes',
  'connecting REFUSED > idle': 'a line tells that it is open before it gives bytes',
  'up REFUSED > backoff.planning': 'after WELCOME a REFUSED is a violation, which hangs up by itself',
  'up REFUSED > idle': 'after WELCOME a REFUSED is a violation, which hangs up by itself',
  'backoff.planning TERMINATED > closed': 'there is no line on which a server could say so, nor one that could end',
  'backoff.waiting TERMINATED > closed': 'there is no line on which a server could say so, nor one that could end',
  'backoff.planning after planning > connecting': 'the redial is planned in the turn in which that is commanded',
};

const { stackTraceLimit } = Error;
const edges = { dialling: countEdges(diallingMachine), accepting: countEdges(acceptingMachine) };
const faultCounts = new Map<string, number>(Object.keys(faultKinds).map((kind) => [kind, 0]));
const sum = { plans: 0, disconnects: 0, dials: 0, delivered: 0, gaps: 0, shardsLost: 0, virtualHours: 0 };

beforeAll(() => {
  // Each lost connection makes an error for its user, and nobody reads a stack here.
  Error.stackTraceLimit = 0;
});

afterAll(() => {
  Error.stackTraceLimit = stackTraceLimit;
  const numbers = Object.entries(sum).map(([name, count]) => `${name} ${Math.round(count).toLocaleString('en')}`);
  const faults = [...faultCounts].map(([kind, count]) => `${kind} ${count.toLocaleString('en')}`);
  const ways = (Object.entries(edges) as [string, ReadonlyMap<string, number>][]).flatMap(([machine, counts]) =>
    [...counts].map(([way, count]) => `  ${machine}: ${way}: ${count.toLocaleString('en')}`),
  );
  console.log(`volume: ${numbers.join(', ')}\nfaults: ${faults.join(', ')}\nways:\n${ways.join('\n')}`);
});

function add({ lossCount, dialCount, deliveredCount, gapCount, shards, virtualMs }: RehearsalReport): void {
  sum.plans += 1;
  sum.disconnects += lossCount;
  sum.dials += dialCount;
  sum.delivered += deliveredCount;
  sum.gaps += gapCount;
  sum.shardsLost += shards?.lossCount ?? 0;
  sum.virtualHours += virtualMs / 3_600_000;
}

describe('sessions whose lines are cut again and again', () => {
  it(
    'keep every promise through 300,000 disconnects, handshakes, shards, processes and goodbyes included',
    async () => {
      for (let seed = 1; sum.disconnects < DISCONNECTS; seed += 1) {
        const { family, plan } = flappingPlan(seed);
        const report = await rehearse(plan, { isWatched: seed % 16 === 0 }).catch((error: unknown) => {
          throw new Error(`the plan of seed ${seed}, of the family ${family}`, { cause: error });
        });
        add(report);
        for (const { type } of plan.faults) faultCounts.set(type, (faultCounts.get(type) ?? 0) + 1);
        const mayLose = family === 'memory' || family === 'shardMemory';
        if (!mayLose) expect(report.gapCount, `gaps of seed ${seed}, of the family ${family}`).toBe(0);
        await breathe();
      }
      // A cut that still waited for its byte at the end was none.
      faultCounts.set('cut', sum.disconnects);
      expect(sum.delivered).toBeGreaterThan(DISCONNECTS / 4);
      expect(sum.gaps).toBeGreaterThan(1_000);
      expect(sum.shardsLost).toBeGreaterThan(250);
    },
    LONG_MS,
  );

  it('meet every kind of fault a thousand times', () => {
    expect([...faultCounts].filter(([, count]) => count < OF_EACH_FAULT)).toEqual([]);
  });

  it(
    'leave nothing behind when their users let go, come back, redial or not, and end, also from inside listeners',
    async () => {
      for (let seed = 1; seed <= WANDERERS; seed += 1) {
        await wander(seed).catch((error: unknown) => {
          throw new Error(`the wanderers of seed ${seed}`, { cause: error });
        });
        await breathe();
      }
    },
    LONG_MS,
  );

  it.each(['dialling', 'accepting'] as const)(
    'take every way of the %s machine, except those that no way leads to',
    (name) => {
      const counts = [...edges[name]];
      expect(counts.filter(([way, count]) => way in unreachable && count > 0)).toEqual([]);
      expect(counts.filter(([way, count]) => !(way in unreachable) && count < OF_EACH_WAY)).toEqual([]);
    },
  );

  it('has no way in the list of those that nothing leads to which is not there', () => {
    expect(Object.keys(unreachable).filter((way) => !edges.dialling.has(way))).toEqual([]);
  });
});

describe('a thousand seeds', () => {
  it(
    'go the same way twice, step by step',
    async () => {
      const hashes = new Set<string>();
      for (let seed = 1; seed <= TWICE; seed += 1) {
        const { plan } = flappingPlan(seed, small);
        const first = await rehearse(plan);
        expect(await rehearse(plan), `seed ${seed}`).toEqual(first);
        hashes.add(first.hash);
        if (seed % 20 === 0) await breathe();
      }
      expect(hashes.size).toBe(TWICE);
    },
    LONG_MS,
  );
});
