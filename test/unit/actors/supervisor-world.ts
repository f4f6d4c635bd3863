/**
 * A supervisor on virtual time with threads that do what a test tells them. Whatever breaks the contract between the
 * two throws out of the world: a second thread in a place, a thread that is lost twice, an effect without its reason.
 */
import {
  type ShardThread,
  Supervisor,
  type SupervisorOwner,
  type SupervisorSettings,
} from '../../../src/actors/supervisor.ts';
import type { HomingError } from '../../../src/errors.ts';
import { Loop } from '../../../src/testing/loop.ts';
import { SimHost } from '../../../src/testing/sim-host.ts';

/** How threads behave if nobody says otherwise; times in milliseconds. */
export interface Manners {
  /** From the start until a thread is ready; Infinity: it never is. */
  startMs: number;
  /** From the kill until it is gone. */
  goneMs: number;
  /** From the order until it has finished; Infinity: it never has. */
  drainMs: number;
}

/** A thread that beats while it lives and does not hang. */
export class FakeThread implements ShardThread {
  readonly place: number;
  readonly generation: number;
  readonly exited: Promise<Error | undefined>;
  isGone = false;
  isKilled = false;
  isLost = false;
  isHung = false;
  readonly #world: SupervisorWorld;
  readonly #exit: (error: Error | undefined) => void;
  #beats = 0;

  constructor(world: SupervisorWorld, place: number, generation: number) {
    this.#world = world;
    this.place = place;
    this.generation = generation;
    const { promise, resolve } = Promise.withResolvers<Error | undefined>();
    this.exited = promise;
    this.#exit = resolve;
    world.later(world.manners.startMs, () => this.#ifWorking(() => world.supervisor.ready(place, generation)));
  }

  /** Rises with every look while its loop turns. */
  get beats(): number {
    if (!this.isHung && !this.isGone) this.#beats += 1;
    return this.#beats;
  }

  kill(): void {
    if (this.isKilled) return;
    this.isKilled = true;
    this.#world.later(this.#world.manners.goneMs, () => this.#leave(undefined));
  }

  /** Ends by itself. */
  crash(message = 'boom'): void {
    this.#leave(new Error(message));
  }

  /** Shall finish. */
  drain(): void {
    const { manners, supervisor } = this.#world;
    this.#world.later(manners.drainMs, () => this.#ifWorking(() => supervisor.drained(this.place, this.generation)));
  }

  #ifWorking(task: () => void): void {
    if (!this.isGone && !this.isHung) task();
  }

  #leave(error: Error | undefined): void {
    if (this.isGone) return;
    this.isGone = true;
    this.#exit(error);
  }
}

/** A supervisor, its threads, and all it told. */
export class SupervisorWorld implements SupervisorOwner {
  readonly loop = new Loop();
  readonly host = new SimHost(this.loop, 'main', 1);
  readonly manners: Manners = { startMs: 10, goneMs: 5, drainMs: 20 };
  readonly supervisor: Supervisor;
  readonly threads: FakeThread[] = [];
  /** What the owner was told, each with its time: `12 opened 0`. */
  readonly told: string[] = [];
  readonly errors: (HomingError | undefined)[] = [];
  readonly open = new Set<number>();
  readonly leftPlaces = new Set<number>();
  readonly stoppedPlaces = new Set<number>();

  constructor(settings: Partial<SupervisorSettings> = {}) {
    this.loop.held();
    const given = { places: 1, watchdogMs: 1_000, restarts: { max: 3, withinMs: 60_000 }, ...settings };
    this.supervisor = new Supervisor(this.host.clock, given, this);
  }

  get nowMs(): number {
    return this.loop.clock.now();
  }

  /** Starts the supervisor and lets this much time pass. */
  async begin(forMs = 50): Promise<void> {
    this.supervisor.start();
    await this.run(forMs);
  }

  run(forMs: number): Promise<void> {
    return this.loop.run(this.nowMs + forMs);
  }

  /** The newest thread of a place. */
  thread(place = 0): FakeThread {
    const thread = this.threads.findLast((each) => each.place === place);
    if (thread === undefined) throw new Error(`expected a thread in place ${place}`);
    return thread;
  }

  /** What was told since the last look, without times. */
  words(): string[] {
    return this.told.splice(0).map((line) => line.slice(line.indexOf(' ') + 1));
  }

  later(forMs: number, task: () => void): void {
    if (forMs !== Infinity) this.loop.clock.at(this.nowMs + forMs, task);
  }

  // ---- the owner

  spawn(place: number, generation: number): ShardThread {
    const before = this.threads.filter((each) => each.place === place);
    this.#expect(
      before.every(({ isGone, isLost }) => isGone && isLost),
      `place ${place} has two threads`,
    );
    this.#expect(
      before.every((each) => each.generation < generation),
      `generation ${generation} is not new`,
    );
    this.#expect(!this.leftPlaces.has(place) && !this.stoppedPlaces.has(place), `place ${place} starts after its end`);
    const thread = new FakeThread(this, place, generation);
    this.threads.push(thread);
    this.#tell(`spawn ${place}.${generation}`);
    return thread;
  }

  opened(place: number): void {
    this.#expect(!this.open.has(place), `place ${place} opens twice`);
    this.open.add(place);
    this.#tell(`opened ${place}`);
  }

  shut(place: number): void {
    this.#expect(this.open.delete(place), `place ${place} shuts and was not open`);
    this.#tell(`shut ${place}`);
  }

  drainPlace(place: number): void {
    this.#tell(`drain ${place}`);
    this.thread(place).drain();
  }

  lost(place: number, error: HomingError | undefined): void {
    const thread = this.thread(place);
    this.#expect(thread.isGone, `thread ${place}.${thread.generation} is lost and not gone`);
    this.#expect(!thread.isLost, `thread ${place}.${thread.generation} is lost twice`);
    thread.isLost = true;
    this.errors.push(error);
    this.#tell(`lost ${place}${error === undefined ? '' : ` ${error.code}`}`);
  }

  left(place: number): void {
    this.#expect(!this.leftPlaces.has(place), `place ${place} is left twice`);
    this.leftPlaces.add(place);
    this.#tell(`left ${place}`);
  }

  stopped(place: number): void {
    this.#expect(!this.stoppedPlaces.has(place), `place ${place} stops twice`);
    const threads = this.threads.filter((each) => each.place === place);
    this.#expect(
      threads.every(({ isLost }) => isLost),
      `place ${place} stops with a thread`,
    );
    this.stoppedPlaces.add(place);
    this.#tell(`stopped ${place}`);
  }

  beatsOf(place: number): number {
    return this.thread(place).beats;
  }

  #tell(what: string): void {
    this.told.push(`${this.nowMs} ${what}`);
  }

  #expect(isSo: boolean, sentence: string): void {
    if (!isSo) this.loop.fail(new Error(sentence));
  }
}
