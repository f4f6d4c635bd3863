/**
 * A machine worked out once, so that very many connections can run it: for each state and event the transitions that may
 * be taken, with the actions, the timers and the next state. The machine itself stays the truth: it is read as XState
 * resolved it, its guards, assignments and delays are called as they are, and a property holds both against each other.
 * A machine with anything that is not known here throws, and XState has to run it.
 */
import type { AnyStateMachine, AnyStateNode } from 'xstate';

/** What an action, guard or delay of a machine gets. */
interface Scope {
  readonly context: object;
  readonly event: { readonly type: string };
}

type Evaluate<Value> = (scope: Scope) => Value;

/** One action: it keeps something, or commands something. */
export type ProgramAction =
  | { readonly type: 'assign'; readonly next: Evaluate<object> }
  | { readonly type: 'emit'; readonly effect: Evaluate<{ readonly type: string }> };

/** A timer of a state. */
export interface ProgramDelay {
  readonly id: string;
  readonly forMs: Evaluate<number>;
  /** What comes when it is over. */
  readonly event: { readonly type: string };
}

/** One thing that a transition does, in its order. */
export type ProgramStep = ProgramAction | { readonly type: 'arm'; readonly delay: ProgramDelay };

/** A way from a state with an event. */
export interface ProgramBranch {
  readonly guard: Evaluate<boolean> | undefined;
  /** Timers that end with the states that are left. */
  readonly disarms: readonly string[];
  readonly steps: readonly ProgramStep[];
  readonly next: ProgramState;
}

/** An innermost state. */
export interface ProgramState {
  /** The words from the outermost in. */
  readonly words: readonly string[];
  readonly isFinal: boolean;
  /** By event: the ways in the order in which they are tried. */
  readonly branches: Map<string, readonly ProgramBranch[]>;
}

/** A whole machine. */
export interface Program {
  readonly context: (input: unknown) => object;
  /** What begins it. */
  readonly start: ProgramBranch;
}

/** Works a machine out. Throws for one that uses what is not known here. */
export function programOf(machine: AnyStateMachine): Program {
  return new Compiling(machine).program();
}

class Compiling {
  readonly #machine: AnyStateMachine;
  readonly #states = new Map<AnyStateNode, ProgramState>();

  constructor(machine: AnyStateMachine) {
    this.#machine = machine;
  }

  program(): Program {
    const { root } = this.#machine;
    const entered = [root, ...descentOf(root)];
    const leaf = entered.at(-1) ?? root;
    const steps = entered.flatMap((node) => this.#entryOf(node));
    const next = this.#stateOf(leaf);
    const { context } = this.#machine.config as { context?: unknown };
    return {
      context:
        typeof context === 'function'
          ? (input) => (context as Evaluate<object>)({ input } as never)
          : () => ({ ...(context as object | undefined) }),
      start: { guard: undefined, disarms: [], steps, next },
    };
  }

  #stateOf(leaf: AnyStateNode): ProgramState {
    const known = this.#states.get(leaf);
    if (known !== undefined) return known;
    const chain = chainOf(leaf);
    const [, top] = chain;
    const state: ProgramState = {
      words: chain.slice(1).map(({ key }) => key),
      isFinal: top?.type === 'final',
      branches: new Map(),
    };
    this.#states.set(leaf, state);
    if (state.isFinal) return state;
    const types = new Set(chain.flatMap((node) => [...node.transitions.keys()]));
    for (const type of types) state.branches.set(type, this.#branchesOf(leaf, chain, type));
    return state;
  }

  /** The innermost state is asked first, then those around it. */
  #branchesOf(leaf: AnyStateNode, chain: readonly AnyStateNode[], type: string): ProgramBranch[] {
    const branches: ProgramBranch[] = [];
    for (const node of chain.toReversed()) {
      for (const each of node.transitions.get(type) ?? []) {
        branches.push(this.#branchOf(leaf, chain, each));
        if (each.guard === undefined) return branches;
      }
    }
    return branches;
  }

  #branchOf(
    leaf: AnyStateNode,
    chain: readonly AnyStateNode[],
    { source, target, reenter, actions, guard }: AnyTransition,
  ): ProgramBranch {
    const own = actions.map((action) => this.#actionOf(action));
    const judge = guard === undefined ? undefined : this.#guardOf(guard);
    const [aim] = target ?? [];
    if (aim === undefined) return { guard: judge, disarms: [], steps: own, next: this.#stateOf(leaf) };
    if ((target ?? []).length > 1) throw this.#unfit('goes to several states at once');
    if (aim === source && !reenter) throw this.#unfit(`goes from ${source.id} to itself without reenter`);
    const domain = domainOf(source, aim, reenter);
    const left = chain.filter((node) => isInside(node, domain)).toReversed();
    const entered = [...chainOf(aim).filter((node) => isInside(node, domain)), ...descentOf(aim)];
    const steps = [
      ...left.flatMap((node) => actionsOf(node.config.exit).map((action) => this.#actionOf(action))),
      ...own,
      ...entered.flatMap((node) => this.#entryOf(node)),
    ];
    const disarms = left.flatMap((node) => node.after.map((delay) => String(delay.eventType)));
    return { guard: judge, disarms, steps, next: this.#stateOf(entered.at(-1) ?? aim) };
  }

  #entryOf(node: AnyStateNode): ProgramStep[] {
    const { always, invoke, onDone } = node.config as { always?: unknown; invoke?: unknown; onDone?: unknown };
    if (
      always !== undefined ||
      invoke !== undefined ||
      onDone !== undefined ||
      node.type === 'parallel' ||
      node.type === 'history'
    ) {
      throw this.#unfit(`has more in ${node.id} than states, events, delays and effects`);
    }
    // XState arms a delay once for each transition behind it, under one name.
    const delays = new Map(node.after.map((delay) => [String(delay.eventType), delay.delay]));
    return [
      ...actionsOf(node.config.entry).map((action) => this.#actionOf(action)),
      ...[...delays].map(([id, delay]): ProgramStep => ({
        type: 'arm',
        delay: { id, event: { type: id }, forMs: this.#delayOf(delay) },
      })),
    ];
  }

  #actionOf(action: unknown): ProgramAction {
    const { actions } = this.#machine.implementations;
    const name = nameOf(action);
    const found = (name === undefined ? action : actions[name]) as KnownAction | undefined;
    if (found?.type === 'xstate.assign') return { type: 'assign', next: assignmentOf(found.assignment) };
    if (found?.type === 'xstate.emit') {
      const { event } = found;
      return {
        type: 'emit',
        effect: typeof event === 'function' ? event : () => event,
      };
    }
    throw this.#unfit(`has the action ${name ?? 'of a kind'} that neither assigns nor emits`);
  }

  #guardOf(guard: unknown): Evaluate<boolean> {
    const found = this.#machine.implementations.guards[nameOf(guard) ?? ''] as unknown;
    if (typeof found !== 'function' || 'check' in found) throw this.#unfit('has a guard of guards');
    return found as Evaluate<boolean>;
  }

  #delayOf(delay: unknown): Evaluate<number> {
    if (typeof delay === 'number') return () => delay;
    const found = this.#machine.implementations.delays[String(delay)] as unknown;
    if (typeof found === 'number') return () => found;
    if (typeof found !== 'function') throw this.#unfit(`has the delay ${String(delay)}, which is not there`);
    return found as Evaluate<number>;
  }

  #unfit(why: string): Error {
    return new Error(`${this.#machine.id} cannot be worked out: it ${why}`);
  }
}

interface AnyTransition {
  readonly source: AnyStateNode;
  readonly target: readonly AnyStateNode[] | undefined;
  readonly reenter: boolean;
  readonly actions: readonly unknown[];
  readonly guard?: unknown;
}

/** What `assign` and `emit` of XState make. */
type KnownAction =
  | { readonly type: 'xstate.assign'; readonly assignment: unknown }
  | { readonly type: 'xstate.emit'; readonly event: { readonly type: string } | Evaluate<{ readonly type: string }> };

/** From the root in. */
function chainOf(node: AnyStateNode): AnyStateNode[] {
  const chain: AnyStateNode[] = [];
  for (let at: AnyStateNode | undefined = node; at !== undefined; at = at.parent) chain.unshift(at);
  return chain;
}

/** The states that are entered with this one, inward. */
function descentOf(node: AnyStateNode): AnyStateNode[] {
  const first = node.type === 'compound' ? node.initial.target[0] : undefined;
  return first === undefined ? [] : [first, ...descentOf(first)];
}

function isInside(node: AnyStateNode, outer: AnyStateNode | undefined): boolean {
  return outer === undefined || (node !== outer && chainOf(node).includes(outer));
}

/** The innermost state that a transition does not leave; undefined: it leaves even the root. */
function domainOf(source: AnyStateNode, target: AnyStateNode, reenter: boolean): AnyStateNode | undefined {
  if (!reenter && isInside(target, source)) return source;
  const around = chainOf(source).slice(0, -1);
  return around.findLast((node) => target !== node && chainOf(target).includes(node));
}

function actionsOf(config: unknown): readonly unknown[] {
  if (config === undefined) return [];
  return Array.isArray(config) ? config : [config];
}

function nameOf(reference: unknown): string | undefined {
  if (typeof reference === 'string') return reference;
  const { type } = (reference ?? {}) as { type?: unknown };
  return typeof reference === 'object' && typeof type === 'string' ? type : undefined;
}

function assignmentOf(assignment: unknown): Evaluate<object> {
  if (typeof assignment === 'function') {
    return (scope) => ({ ...scope.context, ...(assignment as Evaluate<object>)(scope) });
  }
  const entries = Object.entries(assignment as Readonly<Record<string, unknown>>);
  return (scope) => {
    const next: Record<string, unknown> = { ...scope.context };
    for (const [key, value] of entries)
      next[key] = typeof value === 'function' ? (value as Evaluate<unknown>)(scope) : value;
    return next;
  };
}
