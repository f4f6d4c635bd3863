/**
 * Makes a plan that fails smaller, on its data alone: fewer faults, acts and clients, then milder ones, plain options, small
 * payloads, round times. What a property has shrunk goes through it once more, because fast-check changes one thing at a time.
 */
import type { Act, Closing, Fault, Plan, PlanOptions, When } from './plan.ts';
import type { PlanTrigger } from './triggers.ts';
import { shortest } from './shortest.ts';
import type { StorePlan } from './store-plan.ts';

/** A plan of a rehearsal, or of one of the store. */
type AnyPlan = Plan | StorePlan;

type AnyAct = Act | StorePlan['acts'][number];

/** What an option is when nobody has said anything. */
const plainOptions: PlanOptions = {
  checksum: true,
  lingerMs: 120_000,
  mailboxMessages: 1_024,
  mailboxBytes: 1_048_576,
  outboxMessages: 10_000,
  outboxBytes: 16_777_216,
  authMs: undefined,
  resends: false,
  discards: false,
  shards: undefined,
};

/** Bounds that are as tight as can be, where a plan needs them tight: what goes beyond is little then. */
const tightOptions: Partial<PlanOptions> = { mailboxMessages: 1, mailboxBytes: 100, outboxMessages: 2 };

/** Numbers of faults that say how much of it there is; the names are those of all kinds. */
const amounts = ['forMs', 'stayMs', 'afterBytes', 'times', 'everyMs', 'back'] as const;

/** How many messages or writes the users of a plan send. */
export function sendCountOf({ acts }: AnyPlan): number {
  return (acts as readonly AnyAct[]).reduce((sum, act) => sum + ('count' in act ? act.count : 1), 0);
}

/**
 * The smallest plan that still fails, as far as it is found before `isLate` says that the time is over; `fails` plays one. The plan
 * given fails.
 */
export async function smaller<Kind extends AnyPlan>(
  plan: Kind,
  fails: (plan: Kind) => Promise<boolean>,
  isLate: () => boolean,
): Promise<Kind> {
  const shrinking = new Shrinking(plan, fails, isLate);
  await shrinking.run();
  return shrinking.plan;
}

class Shrinking<Kind extends AnyPlan> {
  plan: Kind;
  readonly #fails: (plan: Kind) => Promise<boolean>;
  readonly #isLate: () => boolean;
  #hasChanged = false;

  constructor(plan: Kind, fails: (plan: Kind) => Promise<boolean>, isLate: () => boolean) {
    this.plan = plan;
    this.#fails = fails;
    this.#isLate = isLate;
  }

  async run(): Promise<void> {
    do {
      this.#hasChanged = false;
      await this.#fewer();
      await this.#plainer();
      await this.#milder();
    } while (this.#hasChanged && !this.#isLate());
  }

  /** Takes a change if the plan still fails with it. */
  async #try(change: Partial<AnyPlan>): Promise<boolean> {
    if (this.#isLate()) return false;
    const next: Kind = { ...this.plan, ...change };
    if (!(await this.#fails(next))) return false;
    this.plan = next;
    this.#hasChanged = true;
    return true;
  }

  // ---- fewer of everything

  async #fewer(): Promise<void> {
    await shortest<Fault>(this.plan.faults, (faults) => this.#try({ faults }));
    await shortest<AnyAct>(this.plan.acts, (acts) => this.#try({ acts } as Partial<AnyPlan>));
    const { closings = [] } = this.plan as Plan;
    if (closings.length > 1)
      await shortest<Closing>(closings, async (rest) => rest.length > 0 && this.#try({ closings: rest }));
    await this.#oneClient();
    await this.#fewerClients();
    for (const [index, act] of this.plan.acts.entries()) {
      if (!('count' in act)) continue;
      for (const count of [1, 2, act.count >> 1, act.count - 1])
        if (count > 0 && count < act.count && (await this.#act(index, { count }))) break;
    }
  }

  /** All that happens, happens to the first client. */
  async #oneClient(): Promise<void> {
    if (this.plan.clients === 1) return;
    const first = <Each extends { readonly client: number }>(each: Each): Each => ({ ...each, client: 0 });
    const closings = (this.plan as Plan).closings?.filter(({ who }) => who === 'server' || who === 0);
    await this.#try({
      clients: 1,
      faults: this.plan.faults.map(first),
      acts: (this.plan.acts as readonly AnyAct[]).map(first),
      ...(closings === undefined ? {} : { closings }),
    } as Partial<AnyPlan>);
  }

  /** Without those to whom nothing happens. */
  async #fewerClients(): Promise<void> {
    const { faults, acts, clients } = this.plan;
    const named = [...faults, ...acts].map(({ client }) => client);
    const closing = ((this.plan as Plan).closings ?? []).map(({ who }) => who).filter((who) => who !== 'server');
    const used = [...new Set([...named, ...closing])].toSorted((one, other) => one - other);
    if (used.length === clients || used.length === 0) return;
    const renamed = <Each extends { readonly client: number }>(each: Each): Each => ({
      ...each,
      client: used.indexOf(each.client),
    });
    const closings = (this.plan as Plan).closings?.map((each) =>
      each.who === 'server' ? each : { ...each, who: used.indexOf(each.who) },
    );
    await this.#try({
      clients: used.length,
      faults: faults.map(renamed),
      acts: (acts as readonly AnyAct[]).map(renamed),
      ...(closings === undefined ? {} : { closings }),
    } as Partial<AnyPlan>);
  }

  // ---- plainer

  async #plainer(): Promise<void> {
    if (Object.keys(this.plan.weather).length > 0) await this.#try({ weather: {} });
    for (const name of Object.keys(plainOptions) as (keyof PlanOptions)[]) {
      if (this.plan.options[name] === plainOptions[name]) continue;
      if (await this.#try({ options: { ...this.plan.options, [name]: plainOptions[name] } })) continue;
      const tight = tightOptions[name];
      if (tight === undefined || this.plan.options[name] === tight) continue;
      await this.#try({ options: { ...this.plan.options, [name]: tight } });
    }
    for (const [index, act] of this.plan.acts.entries()) {
      if (act.type !== 'say') continue;
      const { saying } = act;
      if (saying.task.type !== 'nothing') await this.#act(index, { saying: { ...saying, task: { type: 'nothing' } } });
      await this.#saying(index, 'how', 'send');
      await this.#saying(index, 'patienceMs', undefined);
      for (const bytes of [0, 4, 100, 2_048]) if (await this.#saying(index, 'bytes', bytes)) break;
    }
  }

  async #saying(index: number, name: 'how' | 'bytes' | 'patienceMs', value: unknown): Promise<boolean> {
    const act = this.plan.acts[index] as Act;
    if (act.type !== 'say' || act.saying[name] === value) return act.type === 'say';
    if (name === 'bytes' && act.saying.bytes <= Number(value)) return true;
    return this.#act(index, { saying: { ...act.saying, [name]: value } });
  }

  // ---- milder

  async #milder(): Promise<void> {
    for (const [index, fault] of this.plan.faults.entries()) {
      const { client } = fault;
      const when: When = fault.on === undefined ? { atMs: fault.atMs } : { on: fault.on };
      if (fault.type !== 'reconnect') await this.#fault(index, { type: 'reconnect', client, ...when });
      for (const name of amounts) await this.#lessen(index, name);
      await this.#sooner(index);
    }
    for (const [index, { atMs }] of this.plan.acts.entries())
      await this.#earlier(atMs, (at) => this.#act(index, { atMs: at }));
    const last = Math.max(0, ...[...this.plan.faults, ...this.plan.acts].map(({ atMs = 0 }) => atMs));
    if (this.plan.chaosMs > 2 * last + 100) await this.#try({ chaosMs: last + 50 });
  }

  async #sooner(index: number): Promise<void> {
    const { atMs, on } = this.plan.faults[index] as Fault;
    const now = (): Fault => this.plan.faults[index] as Fault;
    if (on === undefined) return this.#earlier(atMs, (at) => this.#fault(index, { ...now(), on: undefined, atMs: at }));
    const moved = (change: Partial<PlanTrigger>): Promise<boolean> => {
      const { on: latest = on } = now();
      return this.#fault(index, { ...now(), atMs: undefined, on: { ...latest, ...change } });
    };
    if (on.nth > 1) await moved({ nth: 1 });
    if (on.afterBytes > 0) await moved({ afterBytes: 0 });
  }

  async #lessen(index: number, name: (typeof amounts)[number]): Promise<void> {
    const fault = this.plan.faults[index] as Fault;
    const amount: unknown = (fault as unknown as Readonly<Record<string, unknown>>)[name];
    if (typeof amount !== 'number' || amount === 0) return;
    for (const less of [0, 1, amount >> 2, amount >> 1, Math.floor(amount / 100) * 100]) {
      if (less >= amount) continue;
      if (await this.#fault(index, { ...fault, [name]: less })) return;
    }
  }

  async #earlier(atMs: number, move: (atMs: number) => Promise<boolean>): Promise<void> {
    for (const earlier of [
      0,
      Math.floor(atMs / 1_000) * 1_000,
      Math.floor(atMs / 100) * 100,
      Math.floor(atMs / 10) * 10,
    ]) {
      if (earlier < atMs && (await move(earlier))) return;
    }
  }

  #fault(index: number, fault: Fault): Promise<boolean> {
    return this.#try({ faults: this.plan.faults.with(index, fault) });
  }

  #act(index: number, change: object): Promise<boolean> {
    const acts = (this.plan.acts as readonly AnyAct[]).with(index, { ...this.plan.acts[index], ...change } as AnyAct);
    return this.#try({ acts } as Partial<AnyPlan>);
  }
}
