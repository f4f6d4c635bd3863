/**
 * A simulation that a test drives by hand. Virtual time goes on while the test awaits something, whatever it is, and stands
 * still while the test's own code runs; so handles are used as ever, and a fault comes exactly where it stands in the test.
 */
import type { Client } from '../../client/client.ts';
import type { Contract } from '../../contract.ts';
import { HomingError } from '../../errors.ts';
import type { ClientNode } from '../client-node.ts';
import type { Fault, FaultAction } from '../plan.ts';
import type { ServerNode } from '../server-node.ts';
import { Ensemble } from './ensemble.ts';
import { type SimulationFailed, describeByHand } from './failure.ts';
import { occupy } from './occupied.ts';
import type { KitPlan, PlannedStep } from './plan.ts';
import { Run } from './play.ts';
import { Pump } from './pump.ts';
import { inspectRest, takeLeave, unrestOf } from './rest.ts';
import type { AnyScenario, SimulatedServer } from './scenario.ts';
import type { Sim, StartOptions, Who } from './sim.ts';
import { type LinkVerbs, verbsOf } from './verbs.ts';
import { Verdict, wordsOf } from './verdict.ts';

const UNTIL_MS = 60_000;

/** The object behind `Sim`. */
export class HandDriven implements Sim<Contract, Record<string, unknown>, unknown> {
  readonly #scenario: AnyScenario;
  readonly #all: Ensemble;
  readonly #run: Run;
  readonly #plan: KitPlan;
  readonly #faults: Fault[] = [];
  readonly #steps: PlannedStep[] = [];
  readonly #leave: () => void;
  /** Where in the list of faults the death of each stands who is down until somebody says otherwise. */
  readonly #down = new Map<Who, number>();
  /** What happens after each event beside the invariant of the scenario. */
  readonly #look: () => void;
  #failure: SimulationFailed | undefined;
  #isFailureTold = false;
  #isOver = false;
  readonly #pump: Pump;

  constructor(scenario: AnyScenario, { seed = 1, weather = {} }: StartOptions) {
    this.#scenario = scenario;
    this.#plan = { seed, weather, faults: this.#faults, steps: this.#steps };
    this.#leave = occupy(scenario);
    try {
      this.#all = new Ensemble(scenario, this.#plan, true);
      this.#run = new Run(scenario, this.#plan, this.#all);
    } catch (error) {
      this.#leave();
      throw error;
    }
    const all = this.#all;
    const { world } = all;
    this.#pump = new Pump({
      world,
      get startedCount() {
        return all.startedCount;
      },
      failed: (error) => void this.#failed(error),
      idle: (forMs) => this.#idle(forMs),
    });
    const { loop } = world;
    const before = loop.onStep;
    this.#look = () => {
      before?.();
      this.#pump.answer();
    };
    loop.onStep = this.#look;
    this.#run.watchInvariant();
    void this.#pump.drive();
  }

  get server(): SimulatedServer<Contract> {
    return this.#all.view.server;
  }

  get notes(): unknown {
    return this.#all.view.notes;
  }

  get nowMs(): number {
    return this.#all.world.nowMs;
  }

  client(number = 0): Client<Contract, unknown> {
    this.#requireOpen();
    const node = this.#node(number);
    if (!node.isUp) throw new HomingError('BadOption', `client ${number} is down: restart(${number}) or heal() first`);
    return node.client;
  }

  link(number = 0): LinkVerbs {
    this.#node(number);
    return verbsOf((fault) => this.#befall(fault, number));
  }

  step(name: string, value?: unknown, client = 0): void {
    this.#requireOpen();
    this.#node(client);
    if (!Object.hasOwn(this.#scenario.steps, name))
      throw new HomingError('BadOption', `expected a step of the scenario, got ${name}`);
    const step = { atMs: this.nowMs, client, name, value };
    this.#steps.push(step);
    this.#run.perform(step);
  }

  crash(who: Who, { forMs, isSilent = false }: { readonly forMs?: number; readonly isSilent?: boolean } = {}): void {
    const { side, client } = this.#sideOf(who);
    if (forMs !== undefined) return this.#befall({ type: 'crash', side, isSilent, forMs }, client);
    this.#requireOpen();
    this.#down.set(who, this.#faults.length);
    const fault: Fault = { type: 'crash', atMs: this.nowMs, client, side, isSilent, forMs: 0 };
    this.#faults.push(fault);
    this.#all.gallery.befallen(fault, this.#all.test);
    this.#nodeOf(who).crash(isSilent);
  }

  restart(who: Who): void {
    this.#requireOpen();
    this.#noteUp(who);
    this.#nodeOf(who).restart();
  }

  freeze(who: Who, forMs: number): void {
    const { side, client } = this.#sideOf(who);
    this.#befall({ type: 'freeze', side, forMs }, client);
  }

  async run(ms: number): Promise<void> {
    this.#requireWell();
    const endMs = this.nowMs + ms;
    const { clock } = this.#all.world.loop;
    // The timer makes an event of that moment, so that nothing later comes before it.
    const begin = (): void => void clock.at(endMs, () => {});
    await this.#pump.ask(() => this.nowMs >= endMs, begin);
  }

  async until(isThere: () => boolean, withinMs = UNTIL_MS): Promise<void> {
    this.#requireWell();
    const { loop } = this.#all.world;
    const sentence = `until(${String(isThere)}) has not come to be within ${withinMs} ms`;
    let isOver = false;
    const giveUp = (): void => {
      if (!isOver) loop.fail(new Verdict('stuck', sentence));
    };
    const begin = (): void => void loop.clock.at(this.nowMs + withinMs, giveUp);
    await this.#pump.ask(() => (isOver ||= isThere()), begin);
  }

  heal(): this {
    this.#requireOpen();
    for (const who of this.#down.keys()) this.#noteUp(who);
    this.#all.world.heal();
    this.#all.picture?.note('', '-- the network is healed, and who was down starts again --');
    return this;
  }

  async settled(): Promise<void> {
    await this.#alone(async () => {
      await this.#run.rest();
      inspectRest(this.#all.world, this.#all.server);
    });
  }

  expectExactlyOnce(): void {
    const { world, server } = this.#all;
    if (this.#failure === undefined && !this.#isOver && unrestOf(world, server) === undefined) {
      try {
        inspectRest(world, server);
      } catch (error) {
        this.#failed(error);
      }
    }
    this.#isFailureTold = true;
    if (this.#failure !== undefined) throw this.#failure;
  }

  picture(): string {
    return this.#all.picture?.text ?? '';
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#isOver) return;
    try {
      // Who was told of a failure is spared the rest.
      if (this.#failure !== undefined && this.#isFailureTold) return;
      this.heal();
      await this.settled();
      await this.#alone(() => takeLeave(this.#all.world, this.#all.server));
    } finally {
      this.#end();
    }
  }

  // ---- who there is

  #node(number: number): ClientNode {
    const node = this.#all.world.clients[number];
    if (node !== undefined) return node;
    const { length } = this.#all.world.clients;
    throw new HomingError('BadOption', `expected a client from 0 to ${length - 1}, got ${number}`);
  }

  #nodeOf(who: Who): ClientNode | ServerNode {
    return who === 'server' ? this.#all.server : this.#node(who);
  }

  #sideOf(who: Who): { readonly side: 'server' | 'client'; readonly client: number } {
    if (who === 'server') return { side: 'server', client: 0 };
    this.#node(who);
    return { side: 'client', client: who };
  }

  #befall(action: FaultAction, client: number): void {
    this.#requireOpen();
    // What comes after a heal counts as before it.
    this.#all.world.isHealed = false;
    const fault: Fault = { atMs: this.nowMs, client, ...action };
    this.#faults.push(fault);
    this.#run.befall(fault);
  }

  /** How long somebody was down is known now. */
  #noteUp(who: Who): void {
    const index = this.#down.get(who);
    const fault = index === undefined ? undefined : this.#faults[index];
    this.#down.delete(who);
    if (index === undefined || fault?.type !== 'crash') return;
    this.#faults[index] = { ...fault, forMs: this.nowMs - (fault.atMs ?? 0) };
  }

  // ---- what is wrong

  async #alone(work: () => Promise<void>): Promise<void> {
    this.#requireWell();
    await this.#pump.alone(async () => {
      try {
        await work();
      } catch (error) {
        const failure = this.#failed(error);
        this.#isFailureTold = true;
        throw failure;
      }
    });
  }

  #idle(forMs: number): void {
    const sentence = `for ${forMs} virtual ms nothing was asked of the simulation, and no message came`;
    const reason = "the test awaits something that does not come, or forgot 'await using'";
    const failure = this.#failed(new Verdict('stuck', `${sentence}: ${reason}`));
    this.#end();
    // Nobody is there who could be told otherwise.
    void Promise.reject(failure);
  }

  #failed(error: unknown): SimulationFailed {
    const { world } = this.#all;
    world.loop.forgive();
    if (this.#failure !== undefined) return this.#failure;
    // One broken invariant is enough.
    world.loop.onStep = this.#look;
    const verdict = error instanceof Verdict ? error : new Verdict('world', wordsOf(error), { cause: error });
    verdict.atMs = Math.round(world.nowMs);
    this.#all.picture?.note(verdict.place.who ?? '', `-- ${verdict.oracle} --`);
    const failure = this.#describe(verdict);
    this.#failure = failure;
    this.#isFailureTold = this.#pump.isAsked;
    this.#pump.rejectAll(failure);
    return failure;
  }

  #describe(verdict: Verdict): SimulationFailed {
    for (const who of this.#down.keys()) this.#noteUp(who);
    const plan = { ...this.#plan, faults: [...this.#faults], steps: [...this.#steps] };
    return describeByHand(verdict, plan, this.picture(), this.#all.world.clients.length);
  }

  #requireOpen(): void {
    this.#pump.touch();
    if (this.#isOver) throw new HomingError('Closed', 'the simulation is over');
  }

  /** A failure is told by all that comes next. */
  #requireWell(): void {
    this.#requireOpen();
    if (this.#failure === undefined) return;
    this.#isFailureTold = true;
    throw this.#failure;
  }

  #end(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#pump.stop();
    this.#all.kill();
    this.#leave();
  }
}
