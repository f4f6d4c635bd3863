/**
 * Many sessions dialled from two shards to headquarters, all their lines cut at once, and a table of what was seen.
 * Arguments: how many sessions (100; 10,000 make a soak), seconds of work before and after the cut (2).
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { createServer } from 'homing';
import agent from './agent.ts';
import { startHeadquarters } from './headquarters.ts';

const [count, seconds] = [Number(process.argv[2] ?? 100), Number(process.argv[3] ?? 2)];
const inShard = [0, 0];
const isUp = new Set<string>();
let allUp = (): void => {};

const fleet = createServer(agent, { shards: 2 });
fleet.on('session', ({ shard }) => void (inShard[shard] = (inShard[shard] ?? 0) + 1));
fleet.on('down', ({ id }) => isUp.delete(id));
fleet.on('up', ({ id }) => {
  isUp.add(id);
  if (isUp.size === count) allUp();
});

/** Runs one part and tells every second how far it is; resolves with its seconds. */
async function time(part: string, run: () => Promise<unknown>): Promise<string> {
  console.log(part);
  const startMs = performance.now();
  const timer = setInterval(() => console.log(`  ${isUp.size} up`), 1_000);
  await run();
  clearInterval(timer);
  return `${((performance.now() - startMs) / 1_000).toFixed(2)} s`;
}

const headquarters = await startHeadquarters(Math.max(100, count / 2));
const dialTime = await time(`dialling ${count} sessions`, async () => {
  for (let first = 0; first < count; first += 200) {
    const names = Array.from({ length: Math.min(200, count - first) }, (_, at) => `agent ${first + at}`);
    await Promise.all(names.map((name) => fleet.dial(headquarters.port, { credentials: { name } })));
  }
});
const begin = await headquarters.tell('count');
await time('all are up', () => sleep(seconds * 1_000));
const cut = await headquarters.tell('cut');
const returnTime = await time(`${cut.lines} lines are cut`, () => new Promise<void>((resolve) => (allUp = resolve)));
await time('all are up again', () => sleep(seconds * 1_000));
console.log('headquarters finishes with every agent');
const end = await headquarters.tell('finish');
const memory = process.resourceUsage().maxRSS / 1_024;
await fleet.close({ drainMs: 0 });
headquarters.end();

const table = {
  'sessions, by shard': inShard.join(' + '),
  'until all were up': dialTime,
  'reports a second': ((cut.reports - begin.reports) / seconds).toFixed(0),
  'lines cut at once': String(cut.lines),
  'until all were up again': returnTime,
  'asked and reported': `${end.asked} and ${end.reports}`,
  'twice or not in order': String(end.faults),
  'most memory of the fleet': `${memory.toFixed(0)} MiB`,
};
for (const [what, result] of Object.entries(table)) console.log(what.padEnd(26) + result);
process.exitCode = end.faults === 0 && end.asked === end.reports ? 0 : 1;
