/**
 * The floor of work in shards: bare worker threads that do nothing but the same work, again and again.
 * Arguments: threads, steps of one piece, milliseconds.
 */
import { Worker, isMainThread, parentPort, workerData } from 'node:worker_threads';
import { churn } from './arithmetic.ts';

/** Not counted: threads start, the engine compiles. */
const WARM_MS = 700;

interface Piece {
  readonly steps: number;
  readonly milliseconds: number;
}

if (isMainThread) await lead();
else work(workerData as Piece);

async function lead(): Promise<void> {
  process.on('disconnect', () => process.exit());
  const [threads = 0, steps = 0, milliseconds = 0] = process.argv.slice(2).map(Number);
  const rates = await Promise.all(Array.from({ length: threads }, () => rateOf({ steps, milliseconds })));
  process.send?.({ rates });
}

function rateOf(piece: Piece): Promise<number> {
  return new Promise((resolve, reject) => {
    new Worker(new URL(import.meta.url), { workerData: piece }).once('message', resolve).once('error', reject);
  });
}

function work({ steps, milliseconds }: Piece): void {
  churnFor(steps, WARM_MS);
  parentPort?.postMessage(churnFor(steps, milliseconds));
}

/** Pieces a second. */
function churnFor(steps: number, milliseconds: number): number {
  const startMs = performance.now();
  let count = 0;
  while (performance.now() - startMs < milliseconds) {
    churn(steps);
    count += 1;
  }
  return (count / (performance.now() - startMs)) * 1_000;
}
