/** Random plans of a scenario, and how a plan becomes smaller once it fails. */
import fc from 'fast-check';
import { CHAOS_MS, faults as presets, weather } from './faults.ts';
import { shortest } from '../shortest.ts';
import type { KitPlan, PlannedStep } from './plan.ts';
import type { AnyScenario } from './scenario.ts';

const STEPS_MAX = 16;

/** Within so many milliseconds everything happens: in a crowd, where it meets, or at leisure. */
const SPANS_MS = [60, 400, CHAOS_MS];

/** An arbitrary of the plans of a scenario. The seed of the draws does not shrink, all else does. */
export function plansOf(scenario: AnyScenario): fc.Arbitrary<KitPlan> {
  const { clients = 2, steps, stepsMax = STEPS_MAX, faults = presets.reconnect() } = scenario;
  const deeds = Object.entries(steps).map(([name, step]) =>
    fc.tuple(fc.constant(name), step.with ?? fc.constant(undefined)),
  );
  const step = fc
    .tuple(fc.nat({ max: CHAOS_MS }), fc.nat({ max: clients - 1 }), fc.oneof(...deeds))
    .map(([atMs, client, [name, value]]): PlannedStep => ({ atMs, client, name, value }));
  return fc
    .record({
      seed: fc.noShrink(fc.nat()),
      weather,
      spanMs: fc.constantFrom(...SPANS_MS),
      faults,
      steps: fc.array(step, { minLength: 1, maxLength: stepsMax }),
    })
    .map(({ spanMs, faults: list, steps: deedsDone, ...rest }) => {
      const timed = <Each extends { readonly atMs?: number | undefined }>(each: Each): Each =>
        each.atMs === undefined ? each : { ...each, atMs: Math.round((each.atMs * spanMs) / CHAOS_MS) };
      return { ...rest, faults: list.map(timed), steps: deedsDone.map(timed) };
    });
}

/** Which faults and steps of a plan are kept, by index. */
export interface Kept {
  readonly faults: readonly number[];
  readonly steps: readonly number[];
}

/** All of a plan. */
export function allOf({ faults, steps }: KitPlan): Kept {
  return { faults: [...faults.keys()], steps: [...steps.keys()] };
}

/** The part of a plan that is kept. */
export function partOf(plan: KitPlan, kept: Kept): KitPlan {
  return {
    ...plan,
    faults: plan.faults.filter((_fault, index) => kept.faults.includes(index)),
    steps: plan.steps.filter((_step, index) => kept.steps.includes(index)),
  };
}

/**
 * The smallest part that still fails, as far as leaving out faults and steps leads there; `fails` plays a part and
 * answers false when there is no time left.
 */
export async function minimize(plan: KitPlan, fails: (part: KitPlan) => Promise<boolean>): Promise<Kept> {
  let kept = allOf(plan);
  for (let before = -1; before !== sizeOf(kept);) {
    before = sizeOf(kept);
    for (const lane of ['faults', 'steps'] as const) {
      const list = await shortest(kept[lane], (rest) => fails(partOf(plan, { ...kept, [lane]: rest })));
      kept = { ...kept, [lane]: list };
    }
  }
  return kept;
}

function sizeOf(kept: Kept): number {
  return kept.faults.length + kept.steps.length;
}
