/**
 * Plans that failed once. Each is a file of `regressions`, which `regressions.test.ts` plays again; a property that fails prints
 * its smallest plan in that form, so that it is one copy away from being kept.
 */
import { readFileSync, readdirSync } from 'node:fs';
import fc from 'fast-check';
import {
  type Form,
  anyForm,
  listForm,
  maybeForm,
  numberForm,
  recordForm,
  refuse,
  textForm,
  unionForm,
  wholeForm,
  wordForm,
} from '../../src/testing/form.ts';
import { kitPlanForm } from '../../src/testing/kit/plan-form.ts';
import { planForm, storePlanForm, versionForm } from '../../src/testing/plan-form.ts';
import type { GroupPlan } from './group-stage.ts';

const ms = numberForm();
const text: Form<string> = (value, at) => (typeof value === 'string' ? value : refuse(at, 'a text', value));
const scalar: Form<string | boolean> = (value, at) => (typeof value === 'boolean' ? value : text(value, at));

/** Texts, and what is true of a store. */
const values: Form<Readonly<Record<string, string | boolean>>> = (value, at) =>
  Object.fromEntries(Object.entries(recordLike(value, at)).map(([key, each]) => [key, scalar(each, `${at}.${key}`)]));

function recordLike(value: unknown, at: string): object {
  return typeof value === 'object' && value !== null ? value : refuse(at, 'an object', value);
}

const target = (value: unknown, at: string) =>
  'client' in recordLike(value, at)
    ? recordForm({ client: wholeForm() })(value, at)
    : recordForm({ values })(value, at);

const groupPlanForm = recordForm({
  plan: planForm,
  authorizeMs: ms,
  acts: listForm(
    unionForm(
      { atMs: ms, client: wholeForm(), by: wordForm('session', 'client') },
      {
        send: { target, except: maybeForm(wholeForm()), holdMs: maybeForm(ms), bytes: wholeForm(), count: wholeForm() },
        store: { key: text, value: maybeForm(text) },
      },
    ),
  ),
}) as Form<GroupPlan>;

/** A plan for customers of the shop in `test/kit/shop.ts`. */
const forms = { sessions: planForm, store: storePlanForm, groups: groupPlanForm, kit: kitPlanForm } as const;

/** What a plan is a plan of. */
export type Kind = keyof typeof forms;

/** A plan that failed once. */
export interface Regression {
  readonly file: string;
  /** One sentence: what happens in it. */
  readonly story: string;
  /** What it broke, and where. */
  readonly found: string;
  readonly plan: Plans;
}

/** A plan of any kind. */
export type Plans = {
  readonly [Each in Kind]: { readonly kind: Each; readonly plan: ReturnType<(typeof forms)[Each]> };
}[Kind];

const outline = recordForm({
  version: versionForm,
  kind: wordForm(...(Object.keys(forms) as Kind[])),
  story: textForm,
  found: textForm,
  plan: anyForm,
});

/** Reads what a regression file holds. Throws `BadOption` for anything else. */
export function readRegression(file: string, json: string): Regression {
  const { kind, story, found, plan } = outline(JSON.parse(json), file);
  const checked = forms[kind](plan, `${file}, its plan`);
  return { file, story, found, plan: { kind, plan: checked } as Plans };
}

const folder = new URL('./regressions/', import.meta.url);

/** All of them. */
export function regressions(): readonly Regression[] {
  const files = readdirSync(folder).filter((file) => file.endsWith('.json'));
  return files.toSorted().map((file) => readRegression(file, readFileSync(new URL(file, folder), 'utf8')));
}

/** A plan that fails, as the file that keeps it. */
export function regressionText({ kind, plan }: Plans, found: string): string {
  return `${JSON.stringify({ version: 1, kind, story: 'TELL WHAT HAPPENS', found, plan }, undefined, 2)}\n`;
}

/** Plays random plans; when one fails, the error has the smallest one as text for a file of `regressions`. */
export async function holds<Each extends Plans['kind'], Plan extends Extract<Plans, { kind: Each }>['plan']>(
  kind: Each,
  plans: fc.Arbitrary<Plan>,
  { numRuns, play }: { readonly numRuns: number; readonly play: (plan: Plan) => Promise<unknown> },
): Promise<void> {
  const result = await fc.check(
    fc.asyncProperty(plans, async (plan) => void (await play(plan))),
    { numRuns },
  );
  const [plan] = result.counterexample ?? [];
  if (!result.failed || plan === undefined) return;
  const { errorInstance: cause, seed, counterexamplePath, numShrinks } = result;
  const found = cause instanceof Error ? cause.message : String(cause);
  const kept = regressionText({ kind, plan } as unknown as Plans, found);
  const drawn = `seed ${seed}, path ${counterexamplePath}, ${numShrinks} times made smaller`;
  throw new Error(`${found}\n(${drawn}; to keep it, save this in test/property/regressions:)\n${kept}`, { cause });
}
