/** A failure as its user sees it: the verdict, the plan in words, the picture of the run, and how to play it again. */
import { createHash } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Outside, userFrames, watchOutside } from './outside.ts';
import { PLAN_VERSION } from '../plan-form.ts';
import { alone } from './occupied.ts';
import type { KitPlan, SavedPlan } from './plan.ts';
import { play } from './play.ts';
import type { AnyScenario } from './scenario.ts';
import { planWords } from './story.ts';
import { isJson, tokenOf } from './token.ts';
import { Verdict, wordsOf } from './verdict.ts';

/** What a check, a torture or a replay rejects with. The cause is the error of the user's code, if there is one. */
export class SimulationFailed extends Error {
  readonly verdict: Verdict;
  readonly plan: KitPlan;
  /** Plays it again with `replay`, or as HOMING_REPLAY in the environment; empty for a story driven by hand. */
  readonly token: string;
  /** What crossed between the ends, with virtual times. */
  readonly picture: string;

  constructor(
    verdict: Verdict,
    plan: KitPlan,
    { token, picture, message }: { readonly token: string; readonly picture: string; readonly message: string },
  ) {
    super(message, verdict.place.cause === undefined ? undefined : { cause: verdict.place.cause });
    this.name = 'SimulationFailed';
    this.verdict = verdict;
    this.plan = plan;
    this.token = token;
    this.picture = picture;
  }
}

/** What is known of a failure before it is played once more for its picture. */
export interface Failure {
  readonly scenario: AnyScenario;
  readonly plan: KitPlan;
  readonly verdict: Verdict;
  readonly token: string;
  /** How it was found, in words. */
  readonly found: string;
  /** Where plans are saved; false: nowhere. */
  readonly saveTo: string | false;
}

const STACK_LINES = 6;

/** Plays a failure once more and makes the error of it. */
export async function describeFailure(failure: Failure): Promise<SimulationFailed> {
  const { scenario, plan, token, found, saveTo } = failure;
  let picture = '';
  const again = await verdictOf(scenario, plan, (text) => (picture = text));
  const verdict = await blameOutside(scenario, plan, again ?? failure.verdict);
  const unsteady =
    again?.oracle === failure.verdict.oracle
      ? []
      : [
          '',
          `Played once more it ${again === undefined ? 'passes' : `fails otherwise (${again.oracle})`}: it depends on something outside of the plan.`,
        ];
  const file = saveTo === false ? undefined : save(saveTo, { plan, verdict, token });
  const message = [
    ...verdictLines(verdict),
    ...unsteady,
    '',
    `the plan (${found}):`,
    planWords(plan, scenario.clients ?? 2),
    '',
    'what happened (virtual ms):',
    picture,
    '',
    `to play it again: HOMING_REPLAY=${token} in the environment, or replay(simulation, '${token}')`,
    ...(file === undefined ? [] : [`the plan is saved in ${file}`]),
  ].join('\n');
  return new SimulationFailed(verdict, plan, { token, picture, message });
}

/** What is known of a failure on real sockets. */
export interface RealFailure extends Omit<Failure, 'token'> {
  readonly picture: string;
}

/** Other chances that the simulator is given to show what happened on real sockets. */
const HUNT_SEEDS = 50;

/** The error of a run on real sockets: the plan is what was done there, and the simulator is asked whether it fails too. */
export async function describeReal(failure: RealFailure): Promise<SimulationFailed> {
  const { scenario, verdict, picture, found, saveTo } = failure;
  const caught = await hunt(failure);
  const plan = caught ?? failure.plan;
  const token = tokenOf(scenario, { type: 'listed', plan });
  const file = saveTo === false ? undefined : save(saveTo, { plan, verdict, token });
  const message = [
    ...verdictLines(verdict),
    '',
    `what was done (${found}):`,
    planWords(plan, scenario.clients ?? 2),
    '',
    'what happened (real ms):',
    picture,
    '',
    caught === undefined
      ? `the simulator does not fail by the same plan (${HUNT_SEEDS} seeds); to look there: replay(simulation, '${token}')`
      : `the simulator fails by the same plan: HOMING_REPLAY=${token} in the environment, or replay(simulation, '${token}')`,
    ...(file === undefined ? [] : [`the plan is saved in ${file}`]),
  ].join('\n');
  return new SimulationFailed(verdict, plan, { token, picture, message });
}

/** The plan with a seed by which it fails alike in the simulator, if there is one. */
async function hunt({ scenario, plan, verdict }: RealFailure): Promise<KitPlan | undefined> {
  return alone(scenario, async () => {
    for (let seed = 0; seed < HUNT_SEEDS; seed += 1) {
      const part = { ...plan, seed };
      if ((await verdictOf(scenario, part))?.oracle === verdict.oracle) return part;
    }
    return undefined;
  });
}

/** The error of a story that was driven by hand: nothing is played again for it. */
export function describeByHand(verdict: Verdict, plan: KitPlan, picture: string, clients: number): SimulationFailed {
  const message = [
    ...verdictLines(verdict),
    '',
    `what was done by hand (seed ${plan.seed}):`,
    planWords(plan, clients),
    '',
    'what happened (virtual ms):',
    picture,
  ].join('\n');
  return new SimulationFailed(verdict, plan, { token: '', picture, message });
}

/** A verdict in full: its line, what else it says, and where the user's code failed. */
export function verdictLines(verdict: Verdict): readonly string[] {
  const { cause } = verdict.place;
  const stack = cause instanceof Error ? userFrames(cause.stack ?? '').split('\n') : [];
  return [verdict.line, ...verdict.message.split('\n').slice(1), ...stack.slice(0, STACK_LINES)];
}

/** Plays a plan; gives what is wrong, undefined when nothing is. */
export async function verdictOf(
  scenario: AnyScenario,
  plan: KitPlan,
  draw?: (picture: string) => void,
): Promise<Verdict | undefined> {
  try {
    await play(scenario, plan, draw);
    return undefined;
  } catch (error) {
    return error instanceof Verdict ? error : new Verdict('world', wordsOf(error), { cause: error });
  }
}

/** When something of the user never ends: plays it again, to see whether it waits for something real. */
async function blameOutside(scenario: AnyScenario, plan: KitPlan, verdict: Verdict): Promise<Verdict> {
  if (verdict.oracle !== 'stuck') return verdict;
  const outside = await watchOutside(() => verdictOf(scenario, plan));
  const culprit = outside.find(({ who }) => who === verdict.place.who) ?? outside[0];
  if (culprit === undefined) return verdict;
  const blamed = new Verdict('outside', sentenceOf(culprit, verdict), verdict.place);
  blamed.atMs = verdict.atMs;
  return blamed;
}

function sentenceOf({ type, who, stack }: Outside, verdict: Verdict): string {
  const sentence = `${verdict.message}: ${who} waits for something outside the simulation (${type})`;
  return `${sentence}\nit began here:\n${stack}`;
}

/** Saves a plan that JSON can hold; gives the file. */
function save(
  folder: string,
  { plan, verdict, token }: { readonly plan: KitPlan; readonly verdict: Verdict; readonly token: string },
): string | undefined {
  if (!isJson(plan)) return undefined;
  const name = createHash('sha256').update(token).digest('hex').slice(0, 12);
  const file = join(folder, `${verdict.oracle}-${name}.json`);
  mkdirSync(folder, { recursive: true });
  const saved: SavedPlan = { version: PLAN_VERSION, verdict: verdict.line, token, plan };
  writeFileSync(file, `${JSON.stringify(saved, undefined, 2)}\n`);
  return file;
}
