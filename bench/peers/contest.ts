/** How contestants are compared: all of them stay up and take turns in short slices, so that a slow moment meets them all. */
import { median, ratios } from '../statistics.ts';
import type { Faults, Measured } from '../table.ts';
import type { Goals } from './goals.ts';
import type { Pair } from './pair.ts';

/** A run of rows. */
export interface Run {
  /** Who takes part, Homing first; all of them can run here. */
  readonly contestants: readonly string[];
  readonly scale: 'full' | 'quick';
  /** Says how far it is, to somebody who waits. */
  tell(progress: string): void;
}

/** A row of the peers' benchmark. */
export type PeerRow = (run: Run) => Promise<readonly Measured[]>;

/** What each contestant reached in each round, by name. */
export type Rounds<Reached> = ReadonlyMap<string, readonly Reached[]>;

/** How a contest goes. */
export interface Contest<Reached, Up extends AsyncDisposable = Pair> {
  readonly rounds: number;
  /** Starts a contestant and gets it ready to be measured. */
  open(name: string): Promise<Up>;
  /** Not counted: what the engine compiles in this time is compiled. */
  warm(pair: Up): Promise<unknown>;
  /** One round of one contestant. */
  slice(pair: Up): Promise<Reached>;
}

/** Runs all contestants in turn, round after round, in the opposite order each second round. */
export async function hold<Reached, Up extends AsyncDisposable = Pair>(
  run: Pick<Run, 'tell'>,
  names: readonly string[],
  contest: Contest<Reached, Up>,
) {
  await using stack = new AsyncDisposableStack();
  const pairs: (readonly [name: string, pair: Up])[] = [];
  for (const name of names) {
    run.tell(`${name}: warming up`);
    const pair = stack.use(await contest.open(name));
    await contest.warm(pair);
    pairs.push([name, pair]);
  }
  const reached = new Map<string, Reached[]>(names.map((name) => [name, []]));
  for (let round = 0; round < contest.rounds; round += 1) {
    for (const [name, pair] of round % 2 === 0 ? pairs : pairs.toReversed()) {
      run.tell(`${name}: round ${round + 1} of ${contest.rounds}`);
      reached.get(name)?.push(await contest.slice(pair));
    }
  }
  return reached as Rounds<Reached>;
}

/** What is compared. */
export interface Figure {
  /** As the table names it: `stream 90 B to the server`. */
  readonly what: string;
  readonly unit: string;
  /** By contestant: Homing's value divided by that contestant's, to be reached. */
  readonly goals?: Goals | undefined;
}

/** One number of each contestant, with Homing's divided by it, round by round. */
export function compare<Reached>(
  { what, unit, goals = {} }: Figure,
  reached: Rounds<Reached>,
  of: { readonly value: (one: Reached) => number; readonly faults?: (last: Reached) => Faults | undefined },
): readonly Measured[] {
  const homing = (reached.get('homing') ?? []).map(of.value);
  return [...reached].map(([contestant, all]) => {
    const rounds = all.map(of.value);
    const last = all.at(-1);
    const quotients = ratios(homing, rounds);
    const ratio =
      contestant === 'homing' || homing.length === 0
        ? undefined
        : { value: median(quotients), rounds: quotients, goal: goals[contestant] };
    const faults = last === undefined ? undefined : of.faults?.(last);
    return { what, value: median(rounds), rounds, unit, contestant, ratio, faults };
  });
}
