// Small stories, told again for every byte of them: the line is cut there, by RST and by FIN, in each direction.
import { describe, expect, it } from 'vitest';
import { Draws } from '../../src/testing/draws.ts';
import type { Act, Fault, Plan, PlanOptions } from '../../src/testing/plan.ts';
import { rehearse } from '../../src/testing/rehearsal.ts';
import type { Toward } from '../../src/testing/sim-line.ts';
import type { Saying } from '../../src/testing/speaker.ts';

const options: PlanOptions = {
  checksum: true,
  lingerMs: 120_000,
  mailboxMessages: 1_024,
  mailboxBytes: 1_048_576,
  outboxMessages: 10_000,
  outboxBytes: 16_777_216,
  resends: false,
  discards: false,
};

const plain: Saying = { how: 'send', bytes: 4, task: { type: 'nothing' } };
const receipt: Saying = { how: 'deliver', bytes: 4, task: { type: 'nothing' } };
const failing: Saying = { how: 'deliver', bytes: 4, task: { type: 'throws', afterMs: 0 } };
const slow: Saying = { how: 'deliver', bytes: 4, task: { type: 'works', forMs: 20 } };

function says(by: Toward, atMs: number, saying: Saying, count = 1): Act {
  return { type: 'say', client: 0, by, atMs, count, saying };
}

function story(acts: readonly Act[], faults: readonly Fault[] = [], change: Partial<PlanOptions> = {}): Plan {
  return { seed: 7, clients: 1, weather: {}, options: { ...options, ...change }, chaosMs: 400, faults, acts };
}

/** Stories, and the bytes that go in each direction before they come to rest. */
const stories: Readonly<Record<string, Plan>> = {
  'a first handshake, and a word from each end': story([says('client', 0, plain), says('server', 10, plain)]),
  'delivers in both directions, one of which fails': story([
    says('client', 0, receipt),
    says('client', 0, failing),
    says('server', 6, receipt),
    { type: 'flush', client: 0, by: 'client', atMs: 8 },
  ]),
  'a reconnect with messages on their way and a handler at work': story(
    [says('client', 5, slow, 2), says('server', 6, slow), says('client', 12, plain)],
    [{ type: 'reconnect', client: 0, atMs: 10 }],
  ),
  'a server that loses its memory, and a client that sends again': story(
    [says('client', 5, slow, 2), says('server', 6, plain), says('client', 40, receipt)],
    [{ type: 'crash', client: 0, side: 'server', isSilent: false, forMs: 5, atMs: 20 }],
    { resends: true },
  ),
  'a small mailbox and messages larger than its window': story(
    [says('client', 0, { ...plain, bytes: 120 }, 3), says('server', 6, { ...receipt, bytes: 120 }, 2)],
    [],
    { mailboxMessages: 2, mailboxBytes: 100 },
  ),
};

/** Bytes read in a direction until the story is over, without any cut. */
async function lengthOf(plan: Plan, toward: Toward): Promise<number> {
  let low = 1;
  let high = 4_096;
  const { lossCount } = await rehearse(plan);
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    const cut = { type: 'cut', client: 0, atMs: 0, toward, afterBytes: middle, by: 'reset' } as const;
    if ((await rehearse({ ...plan, faults: [cut, ...plan.faults] })).lossCount > lossCount) low = middle;
    else high = middle - 1;
  }
  return low;
}

describe.each(Object.entries(stories))('%s', (_title, plan) => {
  it.each(['server', 'client'] as const)('survives a cut after every byte toward the %s', async (toward) => {
    const length = await lengthOf(plan, toward);
    expect(length).toBeGreaterThan(150);
    for (let afterBytes = 1; afterBytes <= length; afterBytes += 1) {
      const by = afterBytes % 2 === 0 ? 'reset' : 'finish';
      const cut: Fault = { type: 'cut', client: 0, atMs: 0, toward, afterBytes, by };
      try {
        await rehearse({ ...plan, faults: [cut, ...plan.faults] });
      } catch (error) {
        throw new Error(`cut by ${by} after ${afterBytes} bytes toward the ${toward}`, { cause: error });
      }
    }
  });

  it('survives two cuts, and three, at random bytes of either direction', async () => {
    const draws = new Draws(1, 'pairs of cuts');
    for (let count = 0; count < 150; count += 1) {
      const cuts = Array.from({ length: 2 + (count % 2) }, (): Fault => ({
        type: 'cut',
        client: 0,
        atMs: 0,
        toward: draws.below(2) === 0 ? 'server' : 'client',
        afterBytes: 1 + draws.below(700),
        by: draws.below(2) === 0 ? 'reset' : 'finish',
      }));
      try {
        await rehearse({ ...plan, faults: [...cuts, ...plan.faults] });
      } catch (error) {
        throw new Error(`cuts ${JSON.stringify(cuts)}`, { cause: error });
      }
    }
  });
});

describe('a message in fragments', () => {
  it('survives a cut around the edges of each of its frames, and anywhere else', async () => {
    const big: Saying = { how: 'deliver', bytes: 150_000, task: { type: 'nothing' } };
    const plan = story([says('client', 5, big), says('client', 5, plain), says('server', 6, plain)]);
    const draws = new Draws(2, 'cuts of fragments');
    const edges = Array.from({ length: 4 }, (_each, frame) => 200 + frame * 65_560);
    for (let count = 0; count < 160; count += 1) {
      const near = (edges[count % 4] ?? 0) + draws.below(260);
      const afterBytes = count % 5 === 4 ? 1 + draws.below(150_000) : near;
      await rehearse({
        ...plan,
        faults: [{ type: 'cut', client: 0, atMs: 0, toward: 'server', afterBytes, by: 'reset' }],
      });
    }
  });
});
