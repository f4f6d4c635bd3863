/**
 * Plays one plan of a scenario on real sockets, and on threads if there are shards: chaos, heal, quiet, the user's last look,
 * goodbye. It is judged as a simulated run is, as far as that can be seen from outside. Throws a `Verdict`.
 */
import type { Fault } from '../plan.ts';
import { Chronicle } from './chronicle.ts';
import { WORK_MS, optionsOf, timed } from './end-options.ts';
import type { RealNetwork } from './network.ts';
import type { KitPlan, PlannedStep } from './plan.ts';
import type { RealClient } from './real-client.ts';
import { RealEnsemble } from './real-ensemble.ts';
import { RealJudge } from './real-judge.ts';
import { unrestOfReal } from './real-rest.ts';
import { RealTime } from './real-time.ts';
import type { AnyScenario } from './scenario.ts';
import { faultWords, valueWords } from './story.ts';
import { Verdict, wordsOf } from './verdict.ts';
import { isPromise } from './work.ts';

/** What a run on real sockets was like. */
export interface RealRunReport {
  readonly disconnects: number;
  readonly messages: number;
}

/** What a run is made with. */
export interface RealRunOptions {
  /** With the numbers of clients and shards that are played. */
  readonly scenario: AnyScenario;
  readonly plan: KitPlan;
  readonly network: RealNetwork;
  /** Chaos ends then, by `performance.now()`, if it has not ended by itself. */
  readonly endMs: number;
  /** Told of each fault: whether it could be had here. */
  readonly told: (fault: Fault, isDone: boolean) => void;
}

/** For a machine that has other things to do. */
const SLACK_MS = 10_000;
/** The user's code gets so long after the last fault, if the scenario does not give it less. */
const WORK_MAX_MS = 10_000;
/** A shard that died is noticed and replaced. */
const SHARDS_MS = 5_000;
/** What waits for a byte gets so long after the last thing that is planned. */
const TAIL_MS = 100;

/** One run. */
export class RealRun {
  readonly #options: RealRunOptions;
  readonly #scenario: AnyScenario;
  readonly #time = new RealTime();
  readonly #story = new Chronicle(() => this.#time.nowMs);
  readonly #judge: RealJudge;
  readonly #all: RealEnsemble;
  /** Faults and steps as they came. */
  readonly #faults: Fault[] = [];
  readonly #steps: PlannedStep[] = [];

  constructor(options: RealRunOptions) {
    const { scenario, plan, network } = options;
    this.#options = options;
    this.#scenario = scenario;
    const isAltered = plan.faults.some(({ type }) => type === 'flip');
    this.#judge = new RealJudge(scenario, isAltered, () => this.#time.nowMs);
    const around = { story: this.#story, judge: this.#judge, time: this.#time };
    this.#all = new RealEnsemble({ scenario, network, seed: plan.seed, ...around });
  }

  /** The story so far, with real milliseconds. */
  get picture(): string {
    return this.#story.text;
  }

  /** What was done, as a plan that the simulator plays. */
  get plan(): KitPlan {
    return { seed: this.#options.plan.seed, weather: {}, faults: [...this.#faults], steps: [...this.#steps] };
  }

  /** Plays it. */
  async play(): Promise<RealRunReport> {
    const judge = this.#judge;
    try {
      await this.#all.start();
      await judge.race(this.#chaos());
      await judge.race(this.#heal());
      await judge.race(this.#rest());
      await judge.race(this.#finally());
      await judge.race(this.#leave());
      this.#all.gallery.end();
      return { disconnects: this.#all.disconnects, messages: this.#all.gallery.startedCount };
    } catch (error) {
      const verdict = error instanceof Verdict ? error : new Verdict('world', wordsOf(error), { cause: error });
      verdict.atMs = Math.round(this.#time.nowMs);
      throw verdict;
    } finally {
      this.#time.clear();
      await this.#all.end();
    }
  }

  // ---- chaos

  async #chaos(): Promise<void> {
    const { faults, steps } = this.#options.plan;
    const time = this.#time;
    time.nowAndThen(() => this.#lookAtInvariant());
    // What waits for a frame counts frames from the beginning.
    for (const fault of faults) time.later(fault.atMs ?? 0, () => this.#befall(fault));
    for (const step of steps) time.later(step.atMs, () => this.#perform(step));
    const lastMs = Math.max(0, ...[...faults, ...steps].map(({ atMs = 0 }) => atMs)) + TAIL_MS;
    await time.wait(Math.max(TAIL_MS, Math.min(lastMs, this.#options.endMs - performance.now())));
  }

  #befall(fault: Fault): void {
    const client = this.#all.clients[fault.client % this.#all.clients.length];
    if (client === undefined) return;
    const isOfServer = fault.type === 'shardCrash' || (fault.type === 'crash' && fault.side === 'server');
    // Nobody is there whom it could befall.
    if (!isOfServer && client.life === undefined) return;
    const isDone = isOfServer ? this.#endThreads(fault, client.number) : this.#carryOut(fault, client);
    this.#options.told(fault, isDone);
    if (!isDone) return;
    if (client.life !== undefined) this.#all.gallery.befallen(fault.type, client.life.host);
    const { number } = client;
    this.#faults.push(
      fault.on === undefined
        ? { ...fault, atMs: Math.round(this.#time.nowMs), client: number }
        : { ...fault, client: number },
    );
    this.#story.note(`c${client.number}`, `-- fault: ${faultWords(fault)} --`);
  }

  #carryOut(fault: Fault, client: RealClient): boolean {
    if (fault.type === 'disconnect') this.#time.later(fault.forMs, () => client.life?.client.connect());
    if (fault.type !== 'crash') return client.befall(fault);
    client.crash();
    this.#time.later(fault.forMs, () => {
      if (client.life === undefined) client.start().catch((error: unknown) => this.#judge.fail(error));
    });
    return true;
  }

  /** Sessions of a dead thread are gone before anybody has noticed. */
  #endThreads({ type }: Fault, number: number): boolean {
    const { threads } = this.#all;
    const isDone = type === 'crash' ? threads.endAll() : threads.end(number);
    if (isDone) this.#all.deathCount += 1;
    return isDone;
  }

  #perform(step: PlannedStep): void {
    const client = this.#all.clients[step.client % this.#all.clients.length];
    if (client?.life === undefined) return;
    const { number, life } = client;
    const what = `step '${step.name}'`;
    this.#steps.push({ ...step, atMs: Math.round(this.#time.nowMs), client: number });
    this.#story.note(life.host.name, `${what} ${valueWords(step.value)}`);
    const context = this.#all.contextOf(number, life, `${step.name} ${step.atMs} ${number}`);
    const failed = (error: unknown): void => this.#judge.judge('step', error, life.host, undefined);
    try {
      const result = this.#scenario.steps[step.name]?.run(step.value, context);
      if (!isPromise(result)) return;
      this.#all.work.track(life.host, what, undefined, result);
      result.then(undefined, failed);
    } catch (error) {
      failed(error);
    }
  }

  // ---- quiet

  async #heal(): Promise<void> {
    this.#time.clear();
    this.#time.nowAndThen(() => this.#lookAtInvariant());
    this.#story.note('', '-- the network is healed, and who was down starts again --');
    await Promise.all(this.#all.clients.map((client) => client.heal()));
  }

  async #rest(): Promise<void> {
    const withinMs = this.#restMs;
    if (await this.#time.until(() => this.#unrest() === undefined, withinMs)) return;
    const [job] = this.#all.work.open;
    if (job === undefined)
      throw new Verdict('rest', `no rest within ${withinMs} ms after the last fault: ${this.#unrest()}`);
    const sentence = `the ${job.what} has not ended ${withinMs} ms after the last fault`;
    throw new Verdict('stuck', sentence, { who: job.host.name, messageId: job.messageId });
  }

  get #workMs(): number {
    return Math.min(this.#scenario.workMs ?? WORK_MS, WORK_MAX_MS) + SLACK_MS;
  }

  /** The longest that it may take to come to rest: what the timers of both ends say, and some more. */
  get #restMs(): number {
    const { shards = 0, server = {} } = this.#scenario;
    const ends = this.#all.clients.map(({ number }) => optionsOf(this.#scenario, number));
    const { heartbeat, handshakeMs } = timed(server);
    const silentMs = Math.max(heartbeat.timeoutMs, ...ends.map((each) => each.heartbeat.timeoutMs));
    const shakeMs = Math.max(handshakeMs, ...ends.map((each) => each.handshakeMs));
    const dialMs = Math.max(...ends.map(({ backoff }) => backoff.maxMs));
    return silentMs + 2 * shakeMs + dialMs + this.#workMs + (shards > 0 ? SHARDS_MS : 0);
  }

  #unrest(): string | undefined {
    const [job] = this.#all.work.open;
    if (job !== undefined) return `the ${job.what} at ${job.host.name} runs`;
    return unrestOfReal(this.#all.wanting, this.#all.server, (this.#scenario.shards ?? 0) === 0);
  }

  async #finally(): Promise<void> {
    if (this.#scenario.finally === undefined) return;
    const late = Promise.withResolvers<never>();
    this.#time.later(this.#workMs, () => late.reject(new Verdict('stuck', 'finally() has not ended')));
    try {
      await Promise.race([late.promise, this.#scenario.finally(this.#all.view)]);
    } catch (error) {
      throw error instanceof Verdict ? error : new Verdict('finally', wordsOf(error), { cause: error });
    }
  }

  /** Everybody says goodbye; then nothing is left. */
  async #leave(): Promise<void> {
    const { server, wanting } = this.#all;
    await Promise.all(wanting.map(async ({ life }) => life?.client.close({ drainMs: SLACK_MS })));
    const areGone = await this.#time.until(() => server.counts.connections + server.counts.handshakes === 0, SLACK_MS);
    const { connections } = server.counts;
    if (!areGone) throw new Verdict('leftover', `connections after the end: ${connections}`, { who: 'server' });
    await server.close({ drainMs: 0 });
    const { sessions } = server.counts;
    if (sessions > 0) throw new Verdict('leftover', `sessions after the end: ${sessions}`, { who: 'server' });
  }

  #lookAtInvariant(): void {
    try {
      this.#scenario.invariant?.(this.#all.view);
    } catch (error) {
      this.#judge.fail(new Verdict('invariant', wordsOf(error), { cause: error }));
    }
  }
}
