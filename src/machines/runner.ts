/**
 * How machines run: a connection's machine live, with its context and its timers, a session's or shard's life as a table of
 * pure steps. Effects are carried out after the transition that commanded them is complete, one after another;
 * events sent meanwhile wait their turn.
 */
import { initialTransition, transition } from 'xstate';
import type {
  Actor,
  AnyMachineSnapshot,
  AnyStateMachine,
  ContextFrom,
  EmittedFrom,
  EventFromLogic,
  InputFrom,
  StateValueFrom,
} from 'xstate';
import { type Engine, type EngineOptions, type MachineClock, type Seen, quickEngine, wordsOf } from './live.ts';

export type { MachineClock, Seen } from './live.ts';

/** The top-level state words of a machine. */
export type StateWord<M extends AnyStateMachine> =
  StateValueFrom<M> extends infer Value ? (Value extends string ? Value : Extract<keyof Value, string>) : never;

/** What a machine is run with. */
export interface RunOptions<M extends AnyStateMachine> {
  readonly input: InputFrom<M>;
  readonly clock: MachineClock;
  /** Carries one effect out, at once; may send events, which are handled after it. */
  onEffect(effect: EmittedFrom<M>): void;
  /** Told each change of the top-level state, before the effects of the same transition; may send events. */
  onState(state: StateWord<M>, previous: StateWord<M>): void;
  /** Shown each event that meant something, its initial one first; must not send events. */
  readonly seen?: Seen | undefined;
}

/** A machine that runs. After its final state, or `stop`, it has no timers, and events are ignored. */
export interface RunningMachine<M extends AnyStateMachine> {
  /** Hands an event in; it is handled before `send` returns, unless another one is being handled. */
  send(event: EventFromLogic<M>): void;
  /** The top-level state word. */
  state(): StateWord<M>;
  /** All words of the state, from the outermost in. */
  words(): readonly string[];
  /** What the machine remembers now; a value, never changed afterwards. */
  context(): ContextFrom<M>;
  /** Ends it where it stands: timers are cleared, no effect and no state comes any more. */
  stop(): void;
  /** The XState actor, where one runs it (`actorEngine`), for inspectors. */
  readonly actor: Actor<M> | undefined;
}

/**
 * Starts a machine. The effects of its initial state are carried out before this returns. What `onEffect` or `onState`
 * throws stops the machine and comes out of the `send`, or the timer, behind it. `begin` says what runs it: the machine
 * as it was worked out, unless an inspector wants to see XState's actor.
 */
export function runMachine<M extends AnyStateMachine>(
  machine: M,
  options: RunOptions<M>,
  begin: (machine: AnyStateMachine, options: EngineOptions) => Engine = quickEngine,
): RunningMachine<M> {
  return new Running(machine, options, begin);
}

/** A machine that runs, and what its engine works with: one object, because there may be very many. */
class Running<M extends AnyStateMachine> implements RunningMachine<M>, EngineOptions {
  readonly #options: RunOptions<M>;
  readonly #engine: Engine;
  /** Commanded by the transition that is under way. */
  #effects: EmittedFrom<M>[] | undefined;
  /** Came while something was being done. */
  #waiting: Work[] | undefined;
  #word: StateWord<M>;
  #isBusy = false;
  #isStopped = false;

  constructor(machine: M, options: RunOptions<M>, begin: (machine: AnyStateMachine, options: EngineOptions) => Engine) {
    this.#options = options;
    this.#engine = begin(machine, this);
    this.#word = this.#engine.words()[0] as StateWord<M>;
    this.#take(START);
  }

  // ---- what its holder does

  send(event: EventFromLogic<M>): void {
    this.#take(event);
  }

  state(): StateWord<M> {
    return this.#word;
  }

  words(): readonly string[] {
    return this.#engine.words();
  }

  context(): ContextFrom<M> {
    return this.#engine.context() as ContextFrom<M>;
  }

  stop(): void {
    this.#isStopped = true;
    this.#effects = undefined;
    this.#waiting = undefined;
    this.#engine.stop();
  }

  get actor(): Actor<M> | undefined {
    return this.#engine.actor as Actor<M> | undefined;
  }

  // ---- what its engine asks

  get input(): unknown {
    return this.#options.input;
  }

  get seen(): Seen | undefined {
    return this.#options.seen;
  }

  get clock(): MachineClock {
    return this.#options.clock;
  }

  due(work: () => void): void {
    this.#take(work);
  }

  // XState's conditional types stay open while M does, so what comes out is named here once.
  emitted(effect: { readonly type: string }): void {
    (this.#effects ??= []).push(effect as EmittedFrom<M>);
  }

  // ---- below

  #take(work: Work): void {
    if (this.#isStopped) return;
    if (this.#isBusy) {
      (this.#waiting ??= []).push(work);
      return;
    }
    this.#isBusy = true;
    try {
      for (let next: Work | undefined = work; next !== undefined; next = this.#waiting?.shift()) {
        if (typeof next === 'function') next();
        else if (next === START) this.#engine.start();
        else this.#engine.send(next);
        this.#settle();
      }
    } catch (error) {
      this.stop();
      throw error;
    } finally {
      this.#isBusy = false;
    }
  }

  #settle(): void {
    const isActive = this.#engine.isActive();
    const now = this.#engine.words()[0] as StateWord<M>;
    if (now !== this.#word) {
      const previous = this.#word;
      this.#word = now;
      this.#options.onState(now, previous);
    }
    for (let effect = this.#effects?.shift(); effect !== undefined; effect = this.#effects?.shift()) {
      this.#options.onEffect(effect);
    }
    if (!isActive) this.stop();
  }
}

/** An event, the end of a delay, or the beginning. */
type Work = { readonly type: string } | (() => void);

const START: Work = { type: 'start' };

/** What a step leads to. The same object is handed out each time. */
export interface Step<M extends AnyStateMachine> {
  /** The words of the state, from the outermost in, joined by dots: `detached.held`. */
  readonly state: string;
  /** What to carry out, in order. */
  readonly effects: readonly EmittedFrom<M>['type'][];
  /** The name of the delay that limits this state: arm it when the state is entered, `expire` when it is over. */
  readonly deadline: string | undefined;
}

/** A machine as a table of pure steps. */
export interface Stepper<M extends AnyStateMachine> {
  /** The state before the first step. */
  readonly initial: string;
  /** What the initial state commands, for machines whose first state has effects. */
  readonly start: Step<M>;
  /** What an event leads to from a state; an event that means nothing there leads to the same state, without effects. */
  step(state: string, event: EventFromLogic<M>['type']): Step<M>;
  /** What the end of the delay of this state leads to. */
  expire(state: string): Step<M>;
}

const EXPIRED = 'expired';

/**
 * Works a machine out into a table with a step for each state and event. Only for machines whose next state depends on
 * nothing but these two: one with a guard, a context or an action other than `emit` throws.
 */
export function stepper<M extends AnyStateMachine>(machine: M): Stepper<M> {
  if (machine.config.context !== undefined) throw unfit(machine, 'has a context');
  const table = new Map<string, Map<string, Step<M>>>();
  const [first, firstActions] = initialTransition(machine, undefined as never);
  const start = stepOf<M>(machine, first, firstActions);
  const waiting: AnyMachineSnapshot[] = [first];
  for (let snapshot = waiting.pop(); snapshot !== undefined; snapshot = waiting.pop()) {
    const state = pathOf(snapshot);
    if (table.has(state)) continue;
    const row = new Map<string, Step<M>>();
    table.set(state, row);
    for (const [type, event] of eventsIn(machine, snapshot)) {
      // A final state is left alone: `transition` would still follow the transitions of the machine's root.
      const [next, actions] =
        snapshot.status === 'active' ? transition(machine, snapshot as never, event) : [snapshot, []];
      row.set(type, stepOf<M>(machine, next, actions));
      waiting.push(next);
    }
  }

  function step(state: string, event: string): Step<M> {
    const found = table.get(state)?.get(event);
    if (found !== undefined) return found;
    throw new Error(`${machine.id}: expected a state and an event of the machine, got ${state} and ${event}`);
  }
  return { initial: start.state, start, step, expire: (state) => step(state, EXPIRED) };
}

function eventsIn(machine: AnyStateMachine, snapshot: AnyMachineSnapshot): [type: string, event: never][] {
  const types = machine.events.map(String).filter((type) => !type.startsWith('xstate.'));
  const named = types.map((type): [string, never] => [type, { type } as never]);
  const after = delayOf(machine, snapshot);
  return after === undefined ? named : [...named, [EXPIRED, { type: after.event } as never]];
}

interface Delay {
  readonly name: string;
  readonly event: string;
}

function delayOf(machine: AnyStateMachine, snapshot: AnyMachineSnapshot): Delay | undefined {
  const delays: Delay[] = [];
  for (const node of snapshot._nodes) {
    for (const each of node.after) delays.push({ name: String(each.delay), event: String(each.eventType) });
    const transitions = [...node.transitions.values()].flat().concat(node.always ?? []);
    if (transitions.some((each) => each.guard !== undefined)) throw unfit(machine, 'has a guard');
  }
  if (delays.length > 1) throw unfit(machine, `has two delays in ${pathOf(snapshot)}`);
  return delays[0];
}

function stepOf<M extends AnyStateMachine>(
  machine: M,
  snapshot: AnyMachineSnapshot,
  actions: readonly unknown[],
): Step<M> {
  if (snapshot.status === 'error') throw snapshot.error;
  if (Object.keys(snapshot.context as object).length > 0) throw unfit(machine, 'keeps a context');
  const effects: string[] = [];
  for (const action of actions as readonly { type: string; params?: { event?: { type: string }; delay?: number } }[]) {
    if (action.type === 'xstate.emit' && action.params?.event !== undefined) effects.push(action.params.event.type);
    else if (action.type !== 'xstate.cancel' && action.params?.delay === undefined) {
      throw unfit(machine, `has the action ${action.type}`);
    }
  }
  return { state: pathOf(snapshot), effects, deadline: delayOf(machine, snapshot)?.name };
}

function pathOf(snapshot: AnyMachineSnapshot): string {
  return wordsOf(snapshot.value).join('.');
}

function unfit(machine: AnyStateMachine, why: string): Error {
  return new Error(`${machine.id} cannot be stepped: it ${why}`);
}
