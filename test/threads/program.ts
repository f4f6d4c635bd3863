/** Programs of their own, with shards: what only a process can show, which is whether it ends and what it has open. */
import { type Exit, exitOfFile } from '../loopback/program.ts';

/** Runs a program of `programs/` until it ends by itself, or for a minute. */
export function exitOf(
  program: 'closes-shards.ts' | 'counts-files.ts' | 'unfit-shards.ts',
  ...args: readonly string[]
): Promise<Exit> {
  return exitOfFile(new URL(`./programs/${program}`, import.meta.url), args, 60_000);
}
