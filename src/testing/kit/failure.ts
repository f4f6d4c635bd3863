/** A failure as its user sees it: the verdict, the plan in words, the picture of the run, and how to play it again. */
import { createHash } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Outside, userFrames, watchOutside } from './outside.ts';
import { PLAN_VERSION } from '../plan-form.ts';
import type { KitPlan, SavedPlan } from './plan.ts';
import { play } from './play.ts';
import type { AnyScenario } from './scenario.ts';
import { planWords } from './story.ts';
import { isJson } from './token.ts';
import { Verdict, wordsOf } from './verdict.ts';

/** What a check, a torture or a replay rejects with. The cause is the error of the user's code, if there is one. */
export class SimulationFailed extends Error {
  readonly verdict: Verdict;
  readonly plan: KitPlan;
  /** Plays it again with `replay`, or as HOMING_REPLAY in the environment. */
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
  const { cause } = verdict.place;
  const stack =
    cause instanceof Error
      ? userFrames(cause.stack ?? '')
          .split('\n')
          .slice(0, STACK_LINES)
      : [];
  const message = [
    verdict.line,
    ...verdict.message.split('\n').slice(1),
    ...stack,
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
