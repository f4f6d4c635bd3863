/**
 * The one file that knows how XState runs: a connection's machine as a live actor, a session's or shard's life as a
 * table of pure steps. Effects are carried out after the transition that commanded them is complete, one after another;
 * events sent meanwhile wait their turn.
 */
import { createActor, initialTransition, transition } from 'xstate';
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

/** Timers for the delays of a machine, real or virtual. It never fires one while an effect is being carried out. */
export interface MachineClock {
  /** Calls `fire` once after `delayMs`; returns a ticket for `clearTimeout`. */
  setTimeout(fire: () => void, delayMs: number): unknown;
  /** Forgets the timer of this ticket; a ticket that has fired is no error. */
  clearTimeout(ticket: unknown): void;
}

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
}

/** A machine that runs. After its final state, or `stop`, it has no timers, and events are ignored. */
export interface RunningMachine<M extends AnyStateMachine> {
  /** Hands an event in; it is handled before `send` returns, unless another one is being handled. */
  send(event: EventFromLogic<M>): void;
  /** The top-level state word. */
  state(): StateWord<M>;
  /** What the machine remembers now; a value, never changed afterwards. */
  context(): ContextFrom<M>;
  /** Ends it where it stands: timers are cleared, no effect and no state comes any more. */
  stop(): void;
  /** The XState actor, for inspectors only. */
  readonly actor: Actor<M>;
}

/**
 * Starts a machine. The effects of its initial state are carried out before this returns. What `onEffect` or `onState`
 * throws stops the machine and comes out of the `send`, or the timer, behind it.
 */
export function runMachine<M extends AnyStateMachine>(machine: M, options: RunOptions<M>): RunningMachine<M> {
  const { clock, onEffect, onState } = options;
  const effects: EmittedFrom<M>[] = [];
  const waiting: (() => void)[] = [];
  let isBusy = false;
  let isStopped = false;

  const actorClock = {
    setTimeout: (fire: () => void, delayMs: number) => clock.setTimeout(() => take(fire), delayMs),
    clearTimeout: (ticket: unknown) => clock.clearTimeout(ticket),
  };
  // XState's conditional types stay open while M does, so what goes in and comes out is named here once.
  const actor = createActor(machine, { input: options.input, clock: actorClock });
  const snapshot = (): AnyMachineSnapshot => actor.getSnapshot();

  actor.on('*', (effect) => void effects.push(effect));
  // Without an observer XState would throw a machine's own error from a real timer; `settle` throws it instead.
  actor.subscribe({ error: () => {} });
  let lastValue: unknown = snapshot().value;
  let word = topWord<M>(lastValue);
  take(() => void actor.start());
  return {
    send: (event) => take(() => actor.send(event)),
    state: () => word,
    context: () => snapshot().context as ContextFrom<M>,
    stop,
    actor,
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
    const now = snapshot();
    if (now.status === 'error') throw now.error;
    const value: unknown = now.value;
    if (value !== lastValue) {
      lastValue = value;
      const previous = word;
      word = topWord<M>(value);
      if (word !== previous) onState(word, previous);
    }
    for (let effect = effects.shift(); effect !== undefined; effect = effects.shift()) onEffect(effect);
    if (now.status !== 'active') stop();
  }

  function stop(): void {
    isStopped = true;
    effects.length = 0;
    waiting.length = 0;
    actor.stop();
  }
}

function topWord<M extends AnyStateMachine>(value: unknown): StateWord<M> {
  const word = typeof value === 'object' ? Object.keys(value as object)[0] : value;
  return word as StateWord<M>;
}

function wordsOf(snapshot: AnyMachineSnapshot): string[] {
  const words: string[] = [];
  let value: unknown = snapshot.value;
  while (typeof value === 'object' && value !== null) {
    const [word = '', inner] = Object.entries(value)[0] ?? [];
    words.push(word);
    value = inner;
  }
  words.push(String(value));
  return words;
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
  return wordsOf(snapshot).join('.');
}

function unfit(machine: AnyStateMachine, why: string): Error {
  return new Error(`${machine.id} cannot be stepped: it ${why}`);
}
