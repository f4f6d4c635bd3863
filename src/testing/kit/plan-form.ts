/** Plans of scenarios as they are saved, and what is in a token, read again; anything else is refused with `BadOption`. */
import {
  type Form,
  anyForm,
  listForm,
  maybeForm,
  numberForm,
  recordForm,
  textForm,
  unionForm,
  wholeForm,
} from '../form.ts';
import { faultForm, versionForm, weatherForm } from '../plan-form.ts';
import type { KitPlan, SavedPlan } from './plan.ts';
import type { Ticket } from './token.ts';

const ms = numberForm();
const count = wholeForm();

const step = recordForm({ atMs: ms, client: count, name: textForm, value: anyForm });
const outline = { seed: count, weather: weatherForm, faults: listForm(faultForm), chaosMs: maybeForm(ms) } as const;

/** A plan of a scenario. */
export const kitPlanForm = recordForm({ ...outline, steps: listForm(step) }) as Form<KitPlan>;

/** What a failure saves. */
const savedForm: Form<SavedPlan> = recordForm({
  version: versionForm,
  verdict: textForm,
  token: textForm,
  plan: kitPlanForm,
});

const path: Form<string> = (value, at) => (value === '' ? value : textForm(value, at));
const kept = recordForm({ faults: listForm(count), steps: listForm(count) });

/** What a token says, beside the mark of its scenario. */
export const ticketForm = unionForm(
  { of: count },
  {
    drawn: { seed: count, path, kept: maybeForm(kept) },
    listed: { plan: recordForm({ ...outline, steps: maybeForm(listForm(step)) }) },
  },
) as Form<Ticket & { readonly of: number }>;

/** The plan of what a failure saved, or a plan as it is. Throws `BadOption` for anything else, also of another version. */
export function readPlan(given: KitPlan | SavedPlan): KitPlan {
  return 'version' in given ? savedForm(given, 'the saved plan').plan : kitPlanForm(given, 'the plan');
}
