/**
 * Keeps the shards of a server running: starts a thread for each place, another one when it crashed or hung, and gives a
 * place up that fails too often. One machine a place (`machines/shard-life.ts`); what it commands is carried out here.
 * A place never has two threads: the next one starts when the one before is really gone.
 */
import { HomingError } from '../errors.ts';
import { type ShardEffect, type ShardEvent, shardMachine } from '../machines/shard-life.ts';
import { type Step, stepper } from '../machines/runner.ts';
import { Alarm } from './alarm.ts';
import type { Clock } from './ports.ts';

/** A thread that fills a place. */
export interface ShardThread {
  /** Resolves when the thread is gone, with what ended it; undefined after `kill`. */
  readonly exited: Promise<Error | undefined>;
  /** Ends it at once, whatever it does. */
  kill(): void;
}

/** How often a place may fail before it is given up, and within which time. */
export interface RestartBudget {
  readonly max: number;
  readonly withinMs: number;
}

/** What the supervisor is told to do with a place and tells of it. */
export interface SupervisorOwner {
  /** Starts a thread; its `ready`, `unfit` and `drained` are passed on to the supervisor with this generation. */
  spawn(place: number, generation: number): ShardThread;
  /** Sockets may be dealt to it. */
  opened(place: number): void;
  shut(place: number): void;
  /** Its sessions shall finish. */
  drainPlace(place: number): void;
  /** Its thread is gone, and all it held with it; without an error it was meant to go. */
  lost(place: number, error: HomingError | undefined): void;
  /** It failed too often, or cannot work at all: its place is out of the hash. */
  left(place: number): void;
  /** It has no thread any more and gets none. */
  stopped(place: number): void;
  /** A counter that rises while the shard's loop turns. */
  beatsOf(place: number): number;
}

/** Settings of the supervisor; times in milliseconds. */
export interface SupervisorSettings {
  readonly places: number;
  /** A shard whose loop stood still for so long is ended. */
  readonly watchdogMs: number;
  readonly restarts: RestartBudget;
}

/** How long a thread may take to load its behavior. */
const STARTUP_MS = 30_000;

/** Looks of the watchdog within its time: a shard that hangs is found at most one look too late. */
const LOOKS = 10;

/** After the second failure in a row a place waits before it tries again. */
const RESTART_BASE_MS = 100;
const RESTART_MAX_MS = 5_000;

const life = stepper(shardMachine);

interface Place {
  readonly number: number;
  readonly alarm: Alarm;
  state: string;
  generation: number;
  thread: ShardThread | undefined;
  /** The thread before, until it is gone. */
  leaving: Promise<unknown>;
  /** When it failed, oldest first, within the time of the budget. */
  failedAtMs: number[];
  restartDelayMs: number;
  beats: number;
  stillLooks: number;
  /** Why it was ended, if the watchdog or the start-up time did it. */
  fault: string | undefined;
}

/** A thread that had a place. */
interface Past {
  readonly place: Place;
  readonly thread: ShardThread;
  readonly generation: number;
}

/** The supervisor of one server's shards. */
export class Supervisor {
  readonly #clock: Clock;
  readonly #settings: SupervisorSettings;
  readonly #owner: SupervisorOwner;
  readonly #places: readonly Place[];
  #watch: unknown;
  #drainEndsAtMs = 0;

  constructor(clock: Clock, settings: SupervisorSettings, owner: SupervisorOwner) {
    this.#clock = clock;
    this.#settings = settings;
    this.#owner = owner;
    this.#places = Array.from({ length: settings.places }, (_, number) => {
      const place: Place = {
        number,
        alarm: new Alarm(clock, () => this.#expire(place)),
        state: life.initial,
        generation: 0,
        thread: undefined,
        leaving: Promise.resolve(),
        failedAtMs: [],
        restartDelayMs: 0,
        beats: -1,
        stillLooks: 0,
        fault: undefined,
      };
      return place;
    });
  }

  /** Starts all places. */
  start(): void {
    for (const place of this.#places) this.#take(place, life.start);
    if (this.#settings.watchdogMs > 0) this.#look();
  }

  /** The state of a place: `starting`, `serving`, `draining`, `restarting` or `stopped`. */
  stateOf(number: number): string {
    return this.#places[number]?.state ?? 'stopped';
  }

  /** How many threads a place has had. */
  generationOf(number: number): number {
    return this.#places[number]?.generation ?? 0;
  }

  /** The thread has loaded the behavior. */
  ready(number: number, generation: number): void {
    this.#send(number, generation, 'READY');
  }

  /** The thread says that no thread could do it: the place is given up at once. */
  unfit(number: number, generation: number): void {
    const place = this.#current(number, generation);
    if (place !== undefined) place.failedAtMs = Array.from({ length: this.#settings.restarts.max }, () => Infinity);
  }

  /** All sessions of the thread have finished. */
  drained(number: number, generation: number): void {
    this.#send(number, generation, 'DRAINED');
  }

  /**
   * Lets every shard finish; then, or when it crashes meanwhile, it is not started again. What has not finished after
   * `limitMs` is ended; called again, the new limit counts.
   */
  drain(limitMs: number): void {
    this.#drainEndsAtMs = this.#clock.now() + limitMs;
    for (const place of this.#places) {
      if (place.state === 'draining') place.alarm.set(this.#drainEndsAtMs);
      else this.#step(place, 'DRAIN');
    }
  }

  /** Ends all threads at once. */
  stop(): void {
    for (const place of this.#places) this.#step(place, 'STOP');
  }

  // ---- below

  #current(number: number, generation: number): Place | undefined {
    const place = this.#places[number];
    return place?.generation === generation ? place : undefined;
  }

  #send(number: number, generation: number, type: ShardEvent['type']): void {
    const place = this.#current(number, generation);
    if (place !== undefined) this.#step(place, type);
  }

  #step(place: Place, type: ShardEvent['type']): void {
    if (place.state !== 'stopped') this.#take(place, life.step(place.state, type));
  }

  /** The state and its deadline first, then the effects: an effect may step on. */
  #take(place: Place, { state, effects, deadline }: Step<typeof shardMachine>): void {
    const isNew = state !== place.state || effects.length > 0;
    place.state = state;
    const steps = [...effects];
    if (isNew) place.alarm.stop();
    for (const effect of steps) this.#effect(place, effect);
    if (isNew && place.state === state) this.#arm(place, deadline);
    if (state === 'stopped' && isNew) this.#stopped(place);
  }

  #expire(place: Place): void {
    if (place.state === 'starting') place.fault = `it was not ready within ${STARTUP_MS} ms`;
    this.#take(place, life.expire(place.state));
  }

  #arm(place: Place, deadline: string | undefined): void {
    const nowMs = this.#clock.now();
    if (deadline === 'startup') place.alarm.set(nowMs + STARTUP_MS);
    else if (deadline === 'drain') place.alarm.set(this.#drainEndsAtMs);
    else if (deadline === 'restartDelay') place.alarm.set(nowMs + place.restartDelayMs);
  }

  #effect(place: Place, type: ShardEffect['type']): void {
    switch (type) {
      case 'spawn':
        return this.#spawn(place);
      case 'kill':
        return place.thread?.kill();
      case 'open':
        return this.#owner.opened(place.number);
      case 'shut':
        return this.#owner.shut(place.number);
      case 'drain':
        return this.#owner.drainPlace(place.number);
      case 'planRestart':
        return this.#planRestart(place);
      case 'leaveHash':
        return this.#owner.left(place.number);
    }
  }

  #spawn(place: Place): void {
    place.generation += 1;
    const { generation } = place;
    void place.leaving.then(() => {
      if (place.generation !== generation || place.state !== 'starting') return;
      place.beats = -1;
      place.stillLooks = 0;
      const thread = this.#owner.spawn(place.number, generation);
      place.thread = thread;
      place.leaving = thread.exited.then((error) => this.#exited({ place, thread, generation }, error));
    });
  }

  #exited({ place, thread, generation }: Past, error: Error | undefined): void {
    if (place.thread !== thread) return;
    place.thread = undefined;
    const because = error?.message ?? place.fault;
    place.fault = undefined;
    const wasStopped = place.state === 'stopped';
    const fault = because === undefined ? undefined : crashed(place.number, generation, because, error);
    this.#owner.lost(place.number, fault);
    if (wasStopped) this.#owner.stopped(place.number);
    // One that was killed, and ended by itself before it was gone, has been counted, and its place has gone on.
    else if (error !== undefined && place.generation === generation) this.#step(place, 'CRASHED');
  }

  #planRestart(place: Place): void {
    const { max, withinMs } = this.#settings.restarts;
    const nowMs = this.#clock.now();
    place.failedAtMs = place.failedAtMs.filter((atMs) => atMs > nowMs - withinMs);
    place.failedAtMs.push(nowMs);
    const failures = place.failedAtMs.length;
    if (failures > max) return this.#step(place, 'BUDGET_SPENT');
    place.restartDelayMs = failures === 1 ? 0 : Math.min(RESTART_MAX_MS, RESTART_BASE_MS * 2 ** (failures - 2));
  }

  /** Without a thread it is over now; otherwise when the thread is gone. */
  #stopped(place: Place): void {
    if (this.#places.every(({ state }) => state === 'stopped')) this.#clock.clearTimeout(this.#watch);
    if (place.thread === undefined) this.#owner.stopped(place.number);
  }

  /**
   * The watchdog counts looks instead of time: if this thread itself stood still, or the whole process did, one late
   * look is one look, and the shard has until the next ones to show that its loop turns.
   */
  #look(): void {
    for (const place of this.#places) {
      if (place.state !== 'serving' && place.state !== 'draining') continue;
      const beats = this.#owner.beatsOf(place.number);
      place.stillLooks = beats === place.beats ? place.stillLooks + 1 : 0;
      place.beats = beats;
      if (place.stillLooks < LOOKS) continue;
      place.fault = `its loop stood still for ${this.#settings.watchdogMs} ms`;
      this.#step(place, 'HUNG');
    }
    if (this.#places.every(({ state }) => state === 'stopped')) return;
    this.#watch = this.#clock.setTimeout(() => this.#look(), this.#settings.watchdogMs / LOOKS);
  }
}

function crashed(place: number, generation: number, because: string, cause: Error | undefined): HomingError {
  const sentence = `shard ${place} (thread ${generation}) is gone: ${because}`;
  return new HomingError('ShardCrashed', sentence, cause === undefined ? {} : { cause });
}
