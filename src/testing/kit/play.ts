/** Plays one plan of a scenario: chaos, heal, rest, the user's last look, goodbye. Throws a `Verdict` when it goes wrong. */
import { befall, schedule } from '../befall.ts';
import type { Fault } from '../plan.ts';
import type { World } from '../world.ts';
import { Ensemble } from './ensemble.ts';
import type { KitPlan, PlannedStep } from './plan.ts';
import { processes } from './processes.ts';
import { inspectRest, lastEndOf, restMsOf, settleMsOf, takeLeave, unrestOf } from './rest.ts';
import type { AnyScenario } from './scenario.ts';
import { faultWords, valueWords } from './story.ts';
import { Verdict, wordsOf } from './verdict.ts';
import { isPromise } from './work.ts';

/** What a run was like. */
export interface PlayReport {
  readonly hash: string;
  /** Connections that a fault took. */
  readonly disconnects: number;
  /** Handlers and methods of the user that were started. */
  readonly messages: number;
  readonly virtualMs: number;
  /** When all was at rest for the first time. */
  readonly restMs: number;
  /** Bytes that passed until then in each direction, by client. */
  readonly passed: readonly { readonly server: number; readonly client: number }[];
}

/** Plays a plan; with `draw` it gives the picture, also of a run that goes wrong. */
export async function play(
  scenario: AnyScenario,
  plan: KitPlan,
  draw?: (picture: string) => void,
): Promise<PlayReport> {
  const ensemble = new Ensemble(scenario, plan, draw !== undefined);
  try {
    return await new Run(scenario, plan, ensemble).play();
  } catch (error) {
    const verdict = error instanceof Verdict ? error : new Verdict('world', wordsOf(error), { cause: error });
    verdict.atMs = Math.round(ensemble.world.nowMs);
    throw verdict;
  } finally {
    ensemble.kill();
    if (ensemble.picture !== undefined) draw?.(ensemble.picture.text);
  }
}

/** What waits for a byte gets so long after the last thing that is planned. */
const CHAOS_TAIL_MS = 1_000;

/** One run in parts, for whoever decides what comes when. */
export class Run {
  readonly #scenario: AnyScenario;
  readonly #plan: KitPlan;
  readonly #all: Ensemble;
  readonly #world: World;

  constructor(scenario: AnyScenario, plan: KitPlan, ensemble: Ensemble) {
    this.#scenario = scenario;
    this.#plan = plan;
    this.#all = ensemble;
    this.#world = ensemble.world;
  }

  async play(): Promise<PlayReport> {
    const world = this.#world;
    const { server, picture, gallery } = this.#all;
    const { faults, steps } = this.#plan;
    this.watchInvariant();
    for (const fault of faults) this.#schedule(fault);
    for (const step of steps) world.loop.clock.at(step.atMs, () => this.perform(step));
    await world.run(this.#chaosMs);
    world.heal();
    picture?.note('', '-- the network is healed, and who was down starts again --');
    const calm = await this.#calm();
    await this.rest();
    inspectRest(world, server);
    await this.#finally();
    picture?.stop();
    await takeLeave(world, server);
    gallery.end();
    return {
      hash: `${world.trace.hash}/${gallery.judge.hash}`,
      disconnects: world.clients.reduce((sum, { path }) => sum + path.lossCount, 0),
      messages: this.#all.startedCount,
      virtualMs: world.nowMs,
      ...calm,
    };
  }

  get #chaosMs(): number {
    const { faults, steps, chaosMs } = this.#plan;
    const last = Math.max(0, ...[...faults, ...steps].map(({ atMs = 0 }) => atMs));
    return chaosMs === undefined ? last + CHAOS_TAIL_MS : Math.max(chaosMs, last + 1);
  }

  /** A client does this step now. */
  perform(step: PlannedStep): void {
    const number = step.client % this.#world.clients.length;
    const node = this.#world.clients[number];
    if (node === undefined) return;
    if (!node.isUp) return this.#all.picture?.note(node.name, `is not there to do step ${step.name}`);
    const { host, client } = node;
    host.bring(() => {
      const what = `step '${step.name}'`;
      this.#all.picture?.note(host.name, `${what} ${valueWords(step.value)}`);
      const context = this.#all.contextOf(number, client, host, `${step.name} ${step.atMs} ${number}`);
      try {
        const result = this.#scenario.steps[step.name]?.run(step.value, context);
        if (!isPromise(result)) return;
        this.#all.work.track(host, what, undefined, result);
        result.then(undefined, (error: unknown) => this.#all.judge('step', error, host, undefined));
      } catch (error) {
        this.#all.judge('step', error, host, undefined);
      }
    });
  }

  /** A fault comes true now. */
  befall(fault: Fault): void {
    const struck = this.#struck(fault);
    this.#tell(struck);
    befall(this.#world, struck);
  }

  #schedule(fault: Fault): void {
    const struck = this.#struck(fault);
    schedule(this.#world, struck, () => this.#tell(struck));
  }

  /** A plan may name more clients than there are. */
  #struck(fault: Fault): Fault {
    return { ...fault, client: fault.client % this.#world.clients.length };
  }

  #tell(fault: Fault): void {
    this.#all.picture?.note(`c${fault.client}`, `-- fault: ${faultWords(fault)} --`);
    this.#all.gallery.befallen(fault, this.#all.test);
  }

  /** From now on the invariant of the scenario is looked at after each event. */
  watchInvariant(): void {
    const { loop } = this.#world;
    const scenario = this.#scenario;
    if (scenario.invariant === undefined) return;
    const view = this.#all.view;
    const look = loop.onStep;
    loop.onStep = () => {
      look?.();
      try {
        scenario.invariant?.(view);
      } catch (error) {
        throw new Verdict('invariant', wordsOf(error), { cause: error });
      }
    };
  }

  /** Without faults: when all is at rest for the first time, and what has passed until then. */
  async #calm(): Promise<Pick<PlayReport, 'restMs' | 'passed'>> {
    const world = this.#world;
    if (this.#plan.faults.length === 0)
      await world.until(() => this.#unrest() === undefined, restMsOf(this.#all.timing, this.#plan.faults));
    const passed = world.clients.map(({ path }) => ({
      server: path.passedBytes('server'),
      client: path.passedBytes('client'),
    }));
    return { restMs: world.nowMs, passed };
  }

  /** Waits until all is at rest; throws a `Verdict` when that takes longer than it may. */
  async rest(): Promise<void> {
    const world = this.#world;
    const timing = this.#all.timing;
    const { faults } = this.#plan;
    // Before that, a fault may last, and an end may still believe in a connection that is dead.
    const lastMs = lastEndOf(faults, this.#chaosMs);
    const beforeMs = Math.max(0, lastMs - world.nowMs) + timing.timeoutMs + 1_000;
    const withinMs = restMsOf(timing, faults);
    const { gallery, test } = this.#all;
    // All rest has to last; who works on meanwhile gets the same time again.
    gallery.tell(test, { type: 'healed', withinMs: beforeMs + 2 * withinMs + settleMsOf(timing) });
    await world.run(beforeMs);
    const isThere = await world.until(() => this.#unrest() === undefined, withinMs);
    if (isThere) await world.run(settleMsOf(timing));
    if (await world.until(() => this.#unrest() === undefined, isThere ? withinMs : 0))
      return gallery.tell(test, { type: 'rest' });
    const [job] = this.#all.work.open;
    if (job === undefined)
      throw new Verdict('rest', `no rest within ${withinMs} ms after the last fault: ${this.#unrest()}`);
    const { what, host, messageId, sinceMs } = job;
    const sentence = `the ${what}, begun at ${Math.round(sinceMs)} ms, has not ended ${withinMs} ms after the last fault`;
    throw new Verdict('stuck', sentence, { who: host.name, messageId });
  }

  #unrest(): string | undefined {
    const [job] = this.#all.work.open;
    return job === undefined ? unrestOf(this.#world, this.#all.server) : `the ${job.what} at ${job.host.name} runs`;
  }

  async #finally(): Promise<void> {
    const world = this.#world;
    const scenario = this.#scenario;
    if (scenario.finally === undefined) return;
    const test = this.#all.test;
    const looking: { state: 'open' | 'done' | 'failed'; error?: unknown } = { state: 'open' };
    const failed = (error: unknown): void => void Object.assign(looking, { state: 'failed', error });
    processes.run(test, () => {
      try {
        const result = scenario.finally?.(this.#all.view);
        if (isPromise(result)) result.then(() => (looking.state = 'done'), failed);
        else looking.state = 'done';
      } catch (error) {
        failed(error);
      }
    });
    await world.until(() => looking.state !== 'open', this.#all.timing.workMs);
    if (looking.state === 'open')
      throw new Verdict('stuck', `finally() has not ended within ${this.#all.timing.workMs} ms`);
    if (looking.state === 'failed') throw new Verdict('finally', wordsOf(looking.error), { cause: looking.error });
  }
}
