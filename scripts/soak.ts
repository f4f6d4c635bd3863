/**
 * Long runs. Simulated: plans whose lines are cut again and again, by seed, in as many threads as there are cores, until so many
 * disconnects have been survived. Real: the lane of test/real over sockets and threads for so many minutes, whose resident
 * memory and heaps must not have grown. Ends with one line of JSON; exit code 1 when anything broke, with the seed that did it.
 *
 *   npm run soak -- --disconnects 10000000      simulated; --threads 2, --from 1 (the first seed)
 *   npm run soak -- --from 20001                goes on where another run ended: it tells the next seed
 *   npm run soak -- --real --minutes 10         --sessions 150, --seed 1
 */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { Worker, isMainThread, parentPort } from 'node:worker_threads';
import { rehearse } from '../src/testing/rehearsal.ts';
import { flappingPlan } from '../test/property/flapping.ts';
import type { RealLaneReport } from '../test/real/lane.ts';
import type { EarlyAndLate } from '../test/real/memory.ts';

/** Seeds that a thread plays before it reports. */
const BATCH = 20;
const TELL_MS = 10_000;

/** Resident memory and heaps may be larger by so much in the last tenth than in the second. */
const DRIFT_MAX = 0.05;

const lane = fileURLToPath(new URL('../test/real/lane.ts', import.meta.url));

/** What a thread says of the seeds it has played. */
interface Batch {
  readonly first: number;
  readonly plans: number;
  readonly disconnects: number;
  readonly delivered: number;
  readonly gaps: number;
  readonly virtualMs: number;
  readonly failure: { readonly seed: number; readonly why: string } | undefined;
}

if (isMainThread) await main();
else serve();

/** In a thread: plays the batches that it is told the first seeds of. */
function serve(): void {
  // Each lost connection makes an error for its user, and nobody reads a stack here.
  Error.stackTraceLimit = 0;
  parentPort?.on('message', (first: number) => {
    void playBatch(first).then((batch) => parentPort?.postMessage(batch));
  });
}

async function playBatch(first: number): Promise<Batch> {
  const sum = { first, plans: 0, disconnects: 0, delivered: 0, gaps: 0, virtualMs: 0 };
  for (let seed = first; seed < first + BATCH; seed += 1) {
    const { family, plan } = flappingPlan(seed);
    try {
      const { lossCount, deliveredCount, gapCount, virtualMs } = await rehearse(plan);
      sum.plans += 1;
      sum.disconnects += lossCount;
      sum.delivered += deliveredCount;
      sum.gaps += gapCount;
      sum.virtualMs += virtualMs;
      const mayLose = family === 'memory' || family === 'shardMemory';
      if (gapCount > 0 && !mayLose) throw new Error(`${gapCount} gaps, and nobody had died`);
    } catch (error) {
      return { ...sum, failure: { seed, why: `${family}: ${String(error)}` } };
    }
  }
  return { ...sum, failure: undefined };
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      disconnects: { type: 'string', default: '10000000' },
      threads: { type: 'string', default: String(availableParallelism()) },
      from: { type: 'string', default: '1' },
      real: { type: 'boolean', default: false },
      minutes: { type: 'string', default: '10' },
      sessions: { type: 'string', default: '150' },
      seed: { type: 'string', default: '1' },
    },
  });
  const isGood = values.real
    ? await soakReal(Number(values.minutes) * 60, ['--sessions', values.sessions, '--seed', values.seed])
    : await soakSimulated(Number(values.disconnects), Number(values.threads), Number(values.from));
  process.exitCode = isGood ? 0 : 1;
}

async function soakSimulated(wanted: number, threads: number, from: number): Promise<boolean> {
  const beganAt = performance.now();
  const sum = { plans: 0, disconnects: 0, delivered: 0, gaps: 0, virtualHours: 0 };
  const failures: { readonly seed: number; readonly why: string }[] = [];
  let next = from;
  let toldAt = 0;
  const tell = (): void => {
    const perSecond = Math.round(sum.disconnects / ((performance.now() - beganAt) / 1_000));
    console.error(
      `${sum.disconnects.toLocaleString('en')} disconnects, ${perSecond.toLocaleString('en')}/s, next seed ${next}`,
    );
  };
  const take = ({ plans, disconnects, delivered, gaps, virtualMs, failure }: Batch): void => {
    sum.plans += plans;
    sum.disconnects += disconnects;
    sum.delivered += delivered;
    sum.gaps += gaps;
    sum.virtualHours += virtualMs / 3_600_000;
    if (failure !== undefined) failures.push(failure);
    if (performance.now() - toldAt < TELL_MS) return;
    toldAt = performance.now();
    tell();
  };
  await Promise.all(
    Array.from({ length: Math.max(1, threads) }, async () => {
      const worker = new Worker(new URL(import.meta.url));
      while (sum.disconnects < wanted && failures.length === 0) {
        const first = next;
        next += BATCH;
        take(await answerOf(worker, first));
      }
      await worker.terminate();
    }),
  );
  tell();
  const seconds = (performance.now() - beganAt) / 1_000;
  console.log(
    JSON.stringify({
      kind: 'simulated',
      ...sum,
      virtualHours: Math.round(sum.virtualHours),
      seconds: Math.round(seconds),
      perSecond: Math.round(sum.disconnects / seconds),
      threads,
      from,
      next,
      failures,
    }),
  );
  return failures.length === 0;
}

function answerOf(worker: Worker, first: number): Promise<Batch> {
  return new Promise((resolve, reject) => {
    worker.once('error', reject);
    worker.once('message', (batch: Batch) => {
      worker.off('error', reject);
      resolve(batch);
    });
    worker.postMessage(first);
  });
}

/** Runs the lane as a program, so that the memory is its own, and looks at what it reports. */
async function soakReal(seconds: number, args: readonly string[]): Promise<boolean> {
  if (!existsSync(lane)) throw new Error('expected test/real/lane.ts');
  const child = spawn(process.execPath, ['--conditions=homing-source', lane, '--seconds', String(seconds), ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => {
    output += chunk.toString();
    process.stderr.write(chunk);
  });
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve));
  const report = reportIn(output);
  const drift = { resident: driftOf(report?.rssBytes), heaps: driftOf(report?.heapBytes) };
  console.log(JSON.stringify({ kind: 'real', ...report, drift, code }));
  return code === 0 && drift.resident < DRIFT_MAX && drift.heaps < DRIFT_MAX;
}

/** A share, rounded; Infinity when there is nothing to compare. */
function driftOf(bytes: EarlyAndLate | undefined): number {
  if (bytes === undefined || bytes.early === 0) return Infinity;
  return Math.round((bytes.late / bytes.early - 1) * 1_000) / 1_000;
}

type LaneReport = Pick<RealLaneReport, 'rssBytes' | 'heapBytes'>;

/** The report is the last JSON that the program writes, on one line or several. */
function reportIn(output: string): LaneReport | undefined {
  for (let from = output.lastIndexOf('{'); from >= 0; from = output.lastIndexOf('{', from - 1)) {
    try {
      const report = JSON.parse(output.slice(from)) as Partial<LaneReport>;
      if (report.rssBytes !== undefined && report.heapBytes !== undefined)
        return { ...report, rssBytes: report.rssBytes, heapBytes: report.heapBytes };
    } catch {
      // It begins further ahead.
    }
    if (from === 0) break;
  }
  return undefined;
}
