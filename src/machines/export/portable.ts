/**
 * A machine without its functions: the config it was made with, in which every action, guard and actor stands by its
 * name, and what is behind the names. It is read from `machine.config`; `machine.definition` is what XState made of that
 * and cannot be imported again.
 */
import type { AnyStateMachine } from 'xstate';
import { HomingError } from '../../errors.ts';
import { actionCreation, guardCreation } from './creators.ts';
import { Names, type Reference, referred } from './names.ts';
import { type Plain, type PlainObject, isRecord, plainOf } from './values.ts';

/** A machine that can be written down. */
export interface Portable {
  readonly id: string;
  readonly config: PlainObject;
  readonly actions: Names;
  readonly guards: Names;
  readonly actors: Names;
  /** By name: how long, where a number was given or the context of the beginning says so. */
  readonly delays: ReadonlyMap<string, number | undefined>;
  /** A sentence for each thing that is not in the config any more. */
  readonly losses: readonly string[];
  /** How a guard is called in a diagram. */
  guardLabel(guard: unknown): string;
  /** How an action, or what is invoked, is called in a diagram. */
  actionLabel(action: unknown): string;
  actorLabel(source: unknown): string;
}

/** What a machine is read with. */
export interface ReadOptions {
  /** What a context that is a function is made with; without it such a context is left out. */
  readonly input?: unknown;
}

/** Reads a machine. Throws `BadOption` for what is none, and for a context that cannot be made with this input. */
export function portableOf(machine: AnyStateMachine, options: ReadOptions): Portable {
  return new Reading(checked(machine), options).portable();
}

function checked(machine: AnyStateMachine): AnyStateMachine {
  const given: unknown = machine;
  const isMachine =
    typeof given === 'object' &&
    given !== null &&
    'config' in given &&
    isRecord(given.config) &&
    'implementations' in given &&
    'root' in given &&
    typeof given.root === 'object';
  if (isMachine) return machine;
  const what = typeof given === 'object' && given !== null ? 'another object' : `${typeof given} ${String(given)}`;
  throw new HomingError('BadOption', `machine: expected a machine of XState 5, from createMachine(), got ${what}`);
}

type Given = Readonly<Record<string, unknown>>;

const INITIAL = { type: 'xstate.init' };

class Reading {
  readonly #machine: AnyStateMachine;
  readonly #options: ReadOptions;
  readonly #losses: string[] = [];
  readonly #delays = new Map<string, number | undefined>();
  readonly #actions = new Names(actionCreation);
  readonly #actors = new Names(() => undefined);
  readonly #guards: Names = new Names((guard) => guardCreation(guard, (inner) => this.#guard(inner, 'guard')));

  constructor(machine: AnyStateMachine, options: ReadOptions) {
    this.#machine = machine;
    this.#options = options;
  }

  portable(): Portable {
    const { config, id, implementations } = this.#machine;
    this.#actions.adopt(implementations.actions);
    this.#guards.adopt(implementations.guards);
    this.#actors.adopt(implementations.actors);
    const given = config as unknown as Given;
    const context = this.#context(given['context']);
    for (const [name, delay] of Object.entries(implementations.delays)) this.#delays.set(name, known(delay, context));
    const { id: own, version, ...node } = this.#node(given, { isRoot: true, place: id });
    return {
      id,
      config: defined({ id: own, version, context, ...node }),
      actions: this.#actions,
      guards: this.#guards,
      actors: this.#actors,
      delays: this.#delays,
      losses: this.#losses,
      guardLabel: (guard) => labelOf(this.#guard(guard, id)),
      actionLabel: (action) => labelOf(this.#action(action, id)),
      actorLabel: (source) => labelOf(this.#source(source, id)),
    };
  }

  #context(context: unknown): Plain {
    const place = `${this.#machine.id}.context`;
    if (typeof context !== 'function') return this.#plain(context, place);
    if (!('input' in this.#options)) {
      this.#lose(place, 'a function of the input: give an input to have the context it makes');
      return undefined;
    }
    const spawn = (): never => {
      throw new TypeError('it spawns an actor');
    };
    try {
      const make = context as (scope: { input: unknown; spawn: () => never; self: object }) => unknown;
      return this.#plain(make({ input: this.#options.input, spawn, self: {} }), place);
    } catch (cause) {
      const why = cause instanceof Error ? cause.message : String(cause);
      throw new HomingError('BadOption', `input: expected one that the context of ${place} is made with, got: ${why}`, {
        cause,
      });
    }
  }

  #node(
    node: Given,
    { place, isRoot = false }: { place: string; isRoot?: boolean },
  ): { readonly [key: string]: Plain } {
    const plain = (key: string): Plain => this.#plain(node[key], `${place}.${key}`);
    const states = Object.entries((node['states'] ?? {}) as Readonly<Record<string, Given>>);
    const ways = (key: string): Plain => this.#transitions(node[key], `${place}#${key}`);
    return defined({
      id: plain('id'),
      version: isRoot ? plain('version') : undefined,
      options: isRoot ? plain('options') : undefined,
      description: plain('description'),
      type: plain('type'),
      history: plain('history'),
      target: plain('target'),
      tags: plain('tags'),
      meta: plain('meta'),
      initial: typeof node['initial'] === 'object' ? ways('initial') : plain('initial'),
      entry: this.#several(node['entry'], `${place}#entry`, (each, at) => this.#action(each, at)),
      exit: this.#several(node['exit'], `${place}#exit`, (each, at) => this.#action(each, at)),
      invoke: this.#several(node['invoke'], `${place}#invoke`, (each, at) => this.#invocation(each as Given, at)),
      on: this.#table(node['on'], `${place}#on`),
      always: ways('always'),
      after: this.#table(node['after'], `${place}#after`, (delay) => this.#useDelay(delay)),
      onDone: ways('onDone'),
      route: ways('route'),
      output: plain('output'),
      states:
        node['states'] === undefined
          ? undefined
          : Object.fromEntries(states.map(([key, each]) => [key, this.#node(each, { place: `${place}.${key}` })])),
    });
  }

  #table(table: unknown, place: string, seen: (key: string) => void = () => {}): Plain {
    if (table === undefined) return undefined;
    const rows = Object.entries(table as Given).map(([key, given]): [string, Plain] => {
      seen(key);
      // An event that is named with nothing at all is forbidden here; JSON would lose the key.
      return [key, given === undefined ? {} : this.#transitions(given, `${place}.${key}`)];
    });
    return Object.fromEntries(rows);
  }

  #transitions(given: unknown, place: string): Plain {
    return this.#several(given, place, (each, at) => this.#transition(each, at));
  }

  #transition(given: unknown, place: string): Plain {
    if (given === undefined) return {};
    if (typeof given === 'string') return given;
    const { target, guard, actions, reenter, description, meta } = given as Given;
    return defined({
      guard: guard === undefined ? undefined : this.#guard(guard, `${place}#guard`),
      target: this.#several(target, place, (each) =>
        typeof each === 'string' ? each : idTarget(each as { readonly id: string }),
      ),
      reenter: this.#plain(reenter, place),
      actions: this.#several(actions, `${place}#actions`, (each, at) => this.#action(each, at)),
      description: this.#plain(description, place),
      meta: this.#plain(meta, `${place}.meta`),
    });
  }

  #invocation(given: Given, place: string): Plain {
    const { src, id, systemId, input, onDone, onError, onSnapshot } = given;
    return defined({
      src: this.#source(src, place),
      id: this.#plain(id, place),
      systemId: this.#plain(systemId, place),
      input: this.#plain(input, `${place}.input`),
      onDone: this.#transitions(onDone, `${place}#onDone`),
      onError: this.#transitions(onError, `${place}#onError`),
      onSnapshot: this.#transitions(onSnapshot, `${place}#onSnapshot`),
    });
  }

  #source(source: unknown, place: string): string {
    return typeof source === 'string' ? this.#actors.use(source) : this.#actors.nameOf(source, place);
  }

  #action(action: unknown, place: string): Reference {
    return this.#reference(action, { place, names: this.#actions });
  }

  #guard(guard: unknown, place: string): Reference {
    return this.#reference(guard, { place, names: this.#guards });
  }

  #reference(given: unknown, { place, names }: { place: string; names: Names }): Reference {
    if (typeof given === 'string') return names.use(given);
    if (!isRecord(given) || typeof given['type'] !== 'string') return names.nameOf(given, place);
    const { type, params } = given;
    const kept = this.#plain(params, `${place} ${type}.params`);
    return { type: names.use(type), ...(kept === undefined ? {} : { params: kept }) };
  }

  #useDelay(delay: string): void {
    if (Number.isNaN(Number(delay)) && !this.#delays.has(delay)) this.#delays.set(delay, undefined);
  }

  /** One of something, or a list, as it was given. */
  #several(given: unknown, place: string, read: (each: unknown, place: string) => Plain): Plain {
    if (given === undefined) return undefined;
    if (!Array.isArray(given)) return read(given, place);
    return given.map((each, at) => read(each, `${place}[${at}]`));
  }

  #plain(value: unknown, place: string): Plain {
    return plainOf(value, { place, lose: (where, what) => this.#lose(where, what) });
  }

  #lose(place: string, what: string): void {
    this.#losses.push(`${place}: ${what}`);
  }
}

/** How long a delay is: as given, or as its function says twice of the context of the beginning. */
function known(delay: unknown, context: Plain): number | undefined {
  if (typeof delay === 'number') return delay;
  if (typeof delay !== 'function' || !isRecord(context)) return undefined;
  try {
    const reckon = delay as (scope: { context: unknown; event: unknown }) => unknown;
    const [first, second] = [reckon({ context, event: INITIAL }), reckon({ context, event: INITIAL })];
    return typeof first === 'number' && first === second && first > 0 && first < Infinity ? first : undefined;
  } catch {
    return undefined;
  }
}

/** A target by id; a dot in an id would begin a path. */
function idTarget({ id }: { readonly id: string }): string {
  return `#${id.replaceAll(/[.\\]/g, '\\$&')}`;
}

function labelOf(reference: Reference): string {
  const name = referred(reference);
  return name.startsWith('inline:') ? 'inline' : name;
}

function defined(object: { readonly [key: string]: Plain }): PlainObject {
  return Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined));
}
