/** `npm run bench`: the rows of this version, each with its goal beside it. Ratios come from one run on one machine. */
import { measureRecovery } from './recovery.ts';
import { measureSimulator } from './simulator.ts';
import { measureStream } from './stream/measure.ts';

const ROUNDS = 7;
const ROUND_MS = 3_000;
const SIMULATOR_MS = 4_000;

console.log(`Node ${process.version}, ${process.platform} ${process.arch}; ${ROUNDS} rounds of ${ROUND_MS} ms in turn`);

const stream = await measureStream(ROUNDS, ROUND_MS);
const [plain = [], homing = []] = stream.map(({ rates }) => rates);
for (const { name, rates } of stream) {
  console.log(`stream 90 B, ${name.padEnd(6)}  ${rateText(median(rates))}  rounds ${rates.map(rateText).join(', ')}`);
}
const ratios = homing.map((rate, round) => rate / (plain[round] ?? rate));
row('stream 90 B, homing ÷ plain', `${(median(homing) / median(plain)).toFixed(2)} of medians`, '0.90 or more');
row('stream 90 B, round by round', ratios.map((ratio) => ratio.toFixed(2)).join(', '), '0.90 or more');

const recovery = await measureRecovery();
row(`recovery after a cut, p50 of ${recovery.cuts}`, `${recovery.p50Ms.toFixed(1)} ms`, '15 ms or less');
row('recovery after a cut, p99', `${recovery.p99Ms.toFixed(1)} ms`, '60 ms or less');
row('half-open, beyond the heartbeat timeout', `${Math.ceil(recovery.halfOpenBeyondTimeoutMaxMs)} ms at most`, '1 s');

const simulator = await measureSimulator(SIMULATOR_MS);
row(
  'simulator, disconnects a second',
  Math.round(simulator.disconnectsPerSecond).toLocaleString('en'),
  '10,000 or more',
);
row('simulator, the same a processor second', Math.round(simulator.disconnectsPerCpuSecond).toLocaleString('en'), '');

function row(what: string, measured: string, goal: string): void {
  console.log(`${what.padEnd(42)}  ${measured.padEnd(22)}${goal === '' ? '' : `  goal ${goal}`}`);
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((left, right) => left - right);
  return sorted[Math.floor(sorted.length / 2)] ?? 0;
}

function rateText(rate: number): string {
  return `${Math.round(rate / 1_000)} k/s`;
}
