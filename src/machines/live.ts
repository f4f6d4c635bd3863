/**
 * What runs a connection's machine: XState's actor, or the same machine worked out. The two behave alike; the actor can be
 * looked at by inspectors and costs some forty times as much for each event.
 */
import { createActor } from 'xstate';
import type { Actor, AnyMachineSnapshot, AnyStateMachine } from 'xstate';
import { type Program, type ProgramBranch, programOf } from './program.ts';

/** Timers for the delays of a machine, real or virtual. It never fires one while an effect is being carried out. */
export interface MachineClock {
  /** Calls `fire` once after `delayMs`; returns a ticket for `clearTimeout`. */
  setTimeout(fire: () => void, delayMs: number): unknown;
  /** Forgets the timer of this ticket; a ticket that has fired is no error. */
  clearTimeout(ticket: unknown): void;
}

/** What an engine needs. */
export interface EngineOptions {
  readonly input: unknown;
  readonly clock: MachineClock;
  /** A delay is over: `work` goes on when nothing else is under way. */
  due(work: () => void): void;
  /** An effect was commanded; it is carried out when the transition is complete. */
  emitted(effect: { readonly type: string }): void;
  /** Shown each event that meant something, once its transition is complete, before its effects are carried out. */
  readonly seen?: Seen | undefined;
}

/** Somebody who looks on. An object and not a function: there is one for each of very many connections. */
export interface Seen {
  /** What happened, the words of the state it led to, and what the machine remembers now. */
  step(event: { readonly type: string }, words: readonly string[], context: object): void;
}

/** A machine on the move. */
export interface Engine {
  start(): void;
  send(event: { readonly type: string }): void;
  /** The words of the state, from the outermost in. */
  words(): readonly string[];
  context(): object;
  /** Throws the machine's own error, if it had one. */
  isActive(): boolean;
  stop(): void;
  /** Of XState, where that runs it. */
  readonly actor: Actor<AnyStateMachine> | undefined;
}

/** What begins a machine. */
const INIT = { type: 'xstate.init' };

/** Runs a machine as an XState actor. */
export function actorEngine(machine: AnyStateMachine, options: EngineOptions): Engine {
  const { input, seen } = options;
  const clock: MachineClock = {
    setTimeout: (fire, delayMs) => options.clock.setTimeout(() => options.due(fire), delayMs),
    clearTimeout: (ticket) => options.clock.clearTimeout(ticket),
  };
  const actor: Actor<AnyStateMachine> = createActor(machine, {
    input,
    clock,
    inspect: (told) => {
      if (seen === undefined || told.type !== '@xstate.microstep') return;
      const snapshot = told.snapshot as AnyMachineSnapshot;
      seen.step(told.event, wordsOf(snapshot.value), snapshot.context as object);
    },
  });
  const snapshot = (): AnyMachineSnapshot => actor.getSnapshot() as AnyMachineSnapshot;
  actor.on('*', (effect) => options.emitted(effect as never));
  // Without an observer XState would throw a machine's own error from a real timer; `isActive` throws it instead.
  actor.subscribe({ error: () => {} });
  return {
    start: () => {
      actor.start();
      seen?.step(INIT, wordsOf(snapshot().value), snapshot().context as object);
    },
    send: (event) => actor.send(event),
    words: () => wordsOf(snapshot().value),
    context: () => snapshot().context as object,
    isActive: () => {
      const { status, error } = snapshot();
      if (status === 'error') throw error;
      return status === 'active';
    },
    stop: () => void actor.stop(),
    actor,
  };
}

/** The words of a state's value, from the outermost in. */
export function wordsOf(value: unknown): string[] {
  const words: string[] = [];
  while (typeof value === 'object' && value !== null) {
    const [word = '', inner] = Object.entries(value)[0] ?? [];
    words.push(word);
    value = inner;
  }
  words.push(String(value));
  return words;
}

const programs = new WeakMap<AnyStateMachine, Program>();

/** Runs a machine as it was worked out; throws for one that cannot be. */
export function quickEngine(machine: AnyStateMachine, options: EngineOptions): Engine {
  return new QuickEngine(sharedProgramOf(machine), options);
}

/** A machine worked out: the one program that all its quick engines in this thread run. Throws for one that cannot be. */
export function sharedProgramOf(machine: AnyStateMachine): Program {
  const program = programs.get(machine) ?? programOf(machine);
  programs.set(machine, program);
  return program;
}

class QuickEngine implements Engine {
  readonly actor = undefined;
  readonly #program: Program;
  readonly #options: EngineOptions;
  /** Timers that are armed: there are two at most. */
  #timers: { readonly id: string; readonly ticket: unknown }[] | undefined;
  #state: ProgramBranch['next'];
  #context: object;
  #isStopped = false;

  constructor(program: Program, options: EngineOptions) {
    this.#program = program;
    this.#options = options;
    this.#state = program.start.next;
    this.#context = program.context(options.input);
  }

  start(): void {
    this.#take(this.#program.start, INIT);
  }

  send(event: { readonly type: string }): void {
    if (this.#isStopped) return;
    const branches = this.#state.branches.get(event.type);
    if (branches === undefined) return;
    const scope = { context: this.#context, event };
    for (const branch of branches) {
      if (branch.guard === undefined || branch.guard(scope)) return this.#take(branch, event);
    }
  }

  words(): readonly string[] {
    return this.#state.words;
  }

  context(): object {
    return this.#context;
  }

  isActive(): boolean {
    return !this.#isStopped && !this.#state.isFinal;
  }

  stop(): void {
    this.#isStopped = true;
    for (const { ticket } of this.#timers?.splice(0) ?? []) this.#options.clock.clearTimeout(ticket);
  }

  #take({ disarms, steps, next }: ProgramBranch, event: { readonly type: string }): void {
    for (const id of disarms) this.#disarm(id);
    for (const step of steps) {
      const scope = { context: this.#context, event };
      if (step.type === 'assign') this.#context = step.next(scope);
      else if (step.type === 'emit') this.#options.emitted(step.effect(scope));
      else this.#arm(step.delay.id, step.delay.event, step.delay.forMs(scope));
    }
    this.#state = next;
    this.#options.seen?.step(event, next.words, this.#context);
    if (next.isFinal) this.stop();
  }

  #arm(id: string, event: { readonly type: string }, forMs: number): void {
    const fire = (): void => {
      this.#forget(id);
      this.send(event);
    };
    (this.#timers ??= []).push({ id, ticket: this.#options.clock.setTimeout(() => this.#options.due(fire), forMs) });
  }

  #disarm(id: string): void {
    const timer = this.#forget(id);
    if (timer !== undefined) this.#options.clock.clearTimeout(timer.ticket);
  }

  #forget(id: string): { readonly ticket: unknown } | undefined {
    const at = this.#timers?.findIndex((timer) => timer.id === id) ?? -1;
    if (at < 0) return undefined;
    const [timer] = this.#timers?.splice(at, 1) ?? [];
    // A state without a delay, where most connections are most of the time, keeps no list.
    if (this.#timers?.length === 0) this.#timers = undefined;
    return timer;
  }
}
