/** The main job as a command, for `npm start` and for `homing demo`: arguments, what is printed, exit code. */
import { type FileFacts, factsOf } from './file-facts.ts';
import { runJob } from './job.ts';
import { LiveView } from './live-view.ts';
import { type Called, type JobOptions, helpOf, optionsOf } from './options.ts';
import { type Row, paint } from './paint.ts';
import { optionRows, progressRow, summaryRows, titleRow } from './summary.ts';
import type { Tally } from './tally.ts';
import { verdictOf } from './verdict.ts';

/** Runs the main job with the words of a command line. Resolves to the exit code. */
export async function runMainJob(words: readonly string[], called: Called): Promise<number> {
  let options: JobOptions | 'help';
  let file: FileFacts;
  try {
    options = optionsOf(words);
    if (options === 'help') {
      process.stdout.write(helpOf(called));
      return 0;
    }
    file = await factsOf(options.file);
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\nTry: ${called.help}\n`);
    return 2;
  }
  print([titleRow(file), ...optionRows(options), []]);
  return ship(options, file);
}

async function ship(options: JobOptions, file: FileFacts): Promise<number> {
  const interruption = new AbortController();
  const interrupt = (): void => interruption.abort();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, interrupt);
  let view: Disposable | undefined;
  try {
    const begun = (tally: Tally): void => void (view = viewOf(tally));
    const tally = await runJob(options, file, { signal: interruption.signal, begun });
    view?.[Symbol.dispose]();
    print(summaryRows(tally));
    return verdictOf(file, tally.sent, tally.delivered, tally.digests).isGood ? 0 : 1;
  } catch (error) {
    view?.[Symbol.dispose]();
    if (interruption.signal.aborted) {
      process.stderr.write('interrupted: no verdict\n');
      return 130;
    }
    process.stderr.write(`the job broke: ${error instanceof Error ? error.message : String(error)}\n`);
    return 1;
  }
}

function viewOf(tally: Tally): Disposable {
  if (process.stdout.isTTY && !tally.options.isPlain) return new LiveView(process.stdout, tally);
  const telling = setInterval(() => print([progressRow(tally)]), 1_000);
  return { [Symbol.dispose]: () => clearInterval(telling) };
}

function print(rows: readonly Row[]): void {
  const isPainted = process.stdout.isTTY && process.stdout.getColorDepth() > 1;
  process.stdout.write(rows.map((row) => `${paint(row, Infinity, isPainted)}\n`).join(''));
}
