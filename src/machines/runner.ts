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
  readonly onEffect: (effect: EmittedFrom<M>) => void;
  /** Told each change of the top-level state, before the effects of the same transition; may send events. */
  readonly onState: (state: StateWord<M>, previous: StateWord<M>) => void;
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
  const { clock, onEffect, onState } = options;
  const effects: EmittedFrom<M>[] = [];
  const waiting: (() => void)[] = [];
  let isBusy = false;
  let isStopped = false;

  const timers = {
    setTimeout: (fire: () => void, delayMs: number) => clock.setTimeout(() => take(fire), delayMs),
    clearTimeout: (ticket: unknown) => clock.clearTimeout(ticket),
  };
  // XState's conditional types stay open while M does, so what comes out is named here once.
  const emitted = (effect: { readonly type: string }): void => void effects.push(effect as EmittedFrom<M>);
  const engine = begin(machine, { input: options.input, clock: timers, emitted, seen: options.seen });
  let word = engine.words()[0] as StateWord<M>;
  take(() => engine.start());
  return {
    send: (event) => take(() => engine.send(event)),
    state: () => word,
    words: () => engine.words(),
    context: () => engine.context() as ContextFrom<M>,
    stop,
    actor: engine.actor as Actor<M> | undefined,
  };

  function take(work: () => void): void {
    if (isStopped) return;
    waiting.push(work);
    if (isBusy) return;
    isBusy = true;
    try {
      for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
        next();
        settle();
      }
    } catch (error) {
      stop();
      throw error;
    } finally {
      isBusy = false;
    }
  }

  function settle(): void {
    const isActive = engine.isActive();
    const now = engine.words()[0] as StateWord<M>;
    if (now !== word) {
      const previous = word;
      word = now;
      onState(word, previous);
    }
    for (let effect = effects.shift(); effect !== undefined; effect = effects.shift()) onEffect(effect);
    if (!isActive) stop();
  }

  function stop(): void {
    isStopped = true;
    effects.length = 0;
    waiting.length = 0;
    engine.stop();
  }
}

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
