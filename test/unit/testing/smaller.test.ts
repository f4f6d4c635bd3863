import { describe, expect, it } from 'vitest';
import type { Act, Fault, Plan } from '../../../src/testing/plan.ts';
import { shortest } from '../../../src/testing/shortest.ts';
import { sendCountOf, smaller } from '../../../src/testing/smaller.ts';

const options = {
  checksum: false,
  lingerMs: 800,
  mailboxMessages: 16,
  mailboxBytes: 8_192,
  outboxMessages: 40,
  outboxBytes: 5_000,
  authMs: 20,
  resends: true,
  discards: true,
};

function say(client: number, atMs: number, count: number): Act {
  const task = { type: 'works' as const, forMs: 9 };
  return {
    type: 'say',
    client,
    by: 'client',
    atMs,
    count,
    saying: { how: 'deliver', bytes: 2_048, task, patienceMs: 5 },
  };
}

const faults: readonly Fault[] = [
  { type: 'reconnect', client: 2, atMs: 900 },
  { type: 'stall', client: 1, toward: 'server', forMs: 777, atMs: 1_234 },
  { type: 'cut', client: 2, toward: 'client', afterBytes: 333, by: 'reset', atMs: 2_345 },
  { type: 'swallow', client: 0, toward: 'both', atMs: 3_456 },
];

const plan: Plan = {
  seed: 1,
  clients: 3,
  weather: { latencyMs: 9 },
  options,
  chaosMs: 4_000,
  faults,
  acts: [say(0, 5, 7), say(1, 1_567, 9), say(2, 2_000, 4)],
};

const never = (): boolean => false;

describe('a list', () => {
  it('is left with what is needed together, wherever that stands', async () => {
    const items = Array.from({ length: 40 }, (_each, index) => index);
    const needs = async (rest: readonly number[]): Promise<boolean> => [3, 4, 31].every((each) => rest.includes(each));
    expect(await shortest(items, needs)).toEqual([3, 4, 31]);
  });

  it('is asked about in far fewer parts than it has items when little of it is needed', async () => {
    let asked = 0;
    const items = Array.from({ length: 1_000 }, (_each, index) => index);
    await shortest(items, async (rest) => {
      asked += 1;
      return rest.includes(500);
    });
    expect(asked).toBeLessThan(100);
  });

  it('stays as it is when nothing may go', async () => {
    expect(await shortest([1, 2, 3], async () => false)).toEqual([1, 2, 3]);
  });
});

describe('a plan that fails', () => {
  it('keeps what it fails by, and becomes plain in all else', async () => {
    const fails = async ({ faults: left, acts }: Plan): Promise<boolean> =>
      left.some((fault) => fault.type === 'cut' && fault.afterBytes > 100) &&
      acts.some((act) => act.type === 'say' && act.count > 1);
    const small = await smaller(plan, fails, never);
    expect(small.faults).toEqual([{ type: 'cut', client: 0, toward: 'client', afterBytes: 166, by: 'reset', atMs: 0 }]);
    const saying = { how: 'send', bytes: 0, task: { type: 'nothing' }, patienceMs: undefined };
    expect(small.acts).toEqual([{ type: 'say', client: 0, by: 'client', atMs: 0, count: 2, saying }]);
    expect(small).toMatchObject({ clients: 1, weather: {}, chaosMs: 50 });
    expect(small.options).toMatchObject({ checksum: true, lingerMs: 120_000, mailboxMessages: 1_024, resends: false });
    expect(sendCountOf(small)).toBe(2);
  });

  it('keeps both clients when it takes two, under the first numbers', async () => {
    const fails = async ({ acts }: Plan): Promise<boolean> => new Set(acts.map(({ client }) => client)).size > 1;
    const { clients, acts, faults: left } = await smaller({ ...plan, acts: plan.acts.slice(1) }, fails, never);
    expect([clients, acts.map(({ client }) => client), left]).toEqual([2, [0, 1], []]);
  });

  it('has its bounds as tight as can be where it needs them tight', async () => {
    const fails = async (each: Plan): Promise<boolean> => each.options.mailboxMessages < 100;
    expect((await smaller(plan, fails, never)).options.mailboxMessages).toBe(1);
  });

  it('is given back as far as it is once the time is over', async () => {
    let left = 3;
    const fails = async (): Promise<boolean> => true;
    const part = await smaller(plan, fails, () => (left -= 1) < 0);
    expect(part).not.toEqual(plan);
    expect(sendCountOf(part)).toBeGreaterThan(0);
  });
});
