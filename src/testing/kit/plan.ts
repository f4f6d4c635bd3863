/** A run of a scenario as data. */
import type { Weather } from '../flow.ts';
import type { Fault } from '../plan.ts';

/** Somebody does something. */
export interface PlannedStep {
  readonly atMs: number;
  readonly client: number;
  readonly name: string;
  readonly value: unknown;
}

/** One run of a scenario, as data, unless the values of its steps are something else. */
export interface KitPlan {
  readonly seed: number;
  readonly weather: Partial<Weather>;
  readonly faults: readonly Fault[];
  readonly steps: readonly PlannedStep[];
  /** When chaos ends, if nothing is planned for later; a second after the last fault or step unless said otherwise. */
  readonly chaosMs?: number;
}

/** A failure as it is saved in `.sim-failures`. */
export interface SavedPlan {
  /** Of this form; others are refused. */
  readonly version: 1;
  /** What was wrong, in one line. */
  readonly verdict: string;
  readonly token: string;
  readonly plan: KitPlan;
}
