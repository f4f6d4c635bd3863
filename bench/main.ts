/** `npm run bench`: the rows of this version, each with its goal beside it. Ratios come from one run on one machine. */
import { measureStream } from './stream/measure.ts';

const ROUNDS = 5;
const ROUND_MS = 2_000;

const stream = await measureStream(ROUNDS, ROUND_MS);
const [plain = 0, homing = 0] = stream.map(({ rates }) => median(rates));
for (const { name, rates } of stream) {
  console.log(`stream 90 B, ${name.padEnd(7)} ${rateText(median(rates))}  rounds ${rates.map(rateText).join(' ')}`);
}
console.log(`stream 90 B, homing / plain = ${(homing / plain).toFixed(2)} (goal 0.90 or more)`);

function median(values: readonly number[]): number {
  const sorted = values.toSorted((left, right) => left - right);
  return sorted[Math.floor(sorted.length / 2)] ?? 0;
}

function rateText(rate: number): string {
  return `${Math.round(rate / 1_000)} k/s`;
}
