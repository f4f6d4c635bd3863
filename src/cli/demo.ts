/**
 * `homing demo`: the main job of `examples/main-job`, in the package as well. It is asked for by a name of package.json, as
 * it lies elsewhere when built and is no part of `src`.
 */

/** What the main job exports. */
interface MainJob {
  readonly runMainJob: (words: readonly string[], called: Called) => Promise<number>;
}

/** How it was called: what its help shows, and how to get that help. */
interface Called {
  readonly usage: string;
  readonly help: string;
}

/** Runs the main job with the words that follow `demo`. Resolves to its exit code. */
export async function demo(words: readonly string[]): Promise<number> {
  const { runMainJob } = (await import(import.meta.resolve('#main-job'))) as MainJob;
  return runMainJob(words, { usage: 'homing demo [file] [options]', help: 'homing demo --help' });
}
