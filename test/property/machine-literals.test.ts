// Every machine must open in Stately's editor as its source stands, and must have no state that it can be stuck in.
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { assign, createMachine, emit, setup } from 'xstate';
import type { AnyStateMachine, AnyStateNode } from 'xstate';
import { acceptingMachine } from '../../src/machines/accepting.ts';
import { diallingMachine } from '../../src/machines/dialling.ts';
import { sessionMachine } from '../../src/machines/session-life.ts';
import { shardMachine } from '../../src/machines/shard-life.ts';

interface Subject {
  readonly file: string;
  readonly machine: AnyStateMachine;
  readonly words: readonly string[];
  /** States without a delay of their own, and the words with which their description names the deadline outside. */
  readonly outerDeadlines: Readonly<Record<string, string>>;
}

const subjects: readonly Subject[] = [
  {
    file: 'dialling.ts',
    machine: diallingMachine,
    words: ['idle', 'connecting', 'authenticating', 'up', 'backoff', 'closed'],
    outerDeadlines: { idle: 'No socket and none wanted', up: 'heartbeat timeout' },
  },
  {
    file: 'accepting.ts',
    machine: acceptingMachine,
    words: ['authenticating', 'up', 'closed'],
    outerDeadlines: { up: 'heartbeat timeout' },
  },
  {
    file: 'session-life.ts',
    machine: sessionMachine,
    words: ['attached', 'detached', 'ended'],
    outerDeadlines: {
      attached: 'A connection carries the session',
      'detached.lingering': 'linger clock runs',
      'detached.held': 'has a deadline',
    },
  },
  {
    file: 'shard-life.ts',
    machine: shardMachine,
    words: ['starting', 'serving', 'draining', 'restarting', 'stopped'],
    outerDeadlines: { serving: 'watchdog' },
  },
];

describe.each(subjects)('$file', ({ file, machine, words, outerDeadlines }) => {
  test('is made of the states of the design, and no others', () => {
    expect(Object.keys(machine.states)).toEqual(words);
  });

  test('has no function in its config but context', () => {
    expect(functionsIn(machine.config)).toEqual([]);
  });

  test('defines every action, guard and delay it names, and names every one it defines', () => {
    expect(namesIn(machine)).toEqual(definedIn(machine));
  });

  test('emits each effect under the name of its action', () => {
    const actions = machine.implementations.actions as unknown as Record<string, { type: string; event?: unknown }>;
    const effects = Object.entries(actions).filter(([, action]) => action.type === 'xstate.emit');
    expect(effects.length).toBeGreaterThan(0);
    for (const [name, action] of effects) expect(action.event).toEqual({ type: name });
  });

  test('reaches every state from the initial one', () => {
    expect(unreachableIn(machine)).toEqual([]);
  });

  test('leaves every state that is not final', () => {
    expect(stuckIn(machine)).toEqual([]);
  });

  test('limits every state with a delay, or says in its description what limits it from outside', () => {
    expect(unlimitedIn(machine)).toEqual(Object.keys(outerDeadlines));
    for (const [path, words] of Object.entries(outerDeadlines)) {
      expect(nodesOf(machine.root).find((node) => pathOf(node) === path)?.description).toContain(words);
    }
  });

  test('is written as a literal: no spread, no call, no computed key, no name from elsewhere', () => {
    const source = readFileSync(new URL(`../../src/machines/${file}`, import.meta.url), 'utf8');
    expect(source.match(/^import .*/gm)?.length).toBe(1);
    expect(source).toMatch(/^import \{[^}]*\} from 'xstate';$/m);
    expect(foreignIn(configTextOf(source))).toEqual([]);
  });
});

describe('the walk itself', () => {
  const broken = setup({
    types: { context: {} as { count: number }, events: {} as { type: 'GO' } | { type: 'NEVER' } },
    actions: { ring: emit({ type: 'ring' }), unused: assign({ count: 1 }) },
  }).createMachine({
    id: 'broken',
    context: () => ({ count: 0 }),
    initial: 'first',
    states: {
      first: { entry: () => {}, on: { GO: { target: 'dead', actions: 'ring' } } },
      dead: { description: 'nothing leads out' },
      island: { on: { GO: 'first' } },
    },
  });

  test('finds an inline function, an unused action, an unreachable state, a dead end and a state without a deadline', () => {
    expect(functionsIn(broken.config)).toEqual(['states.first.entry']);
    expect(namesIn(broken)).not.toEqual(definedIn(broken));
    expect(unreachableIn(broken)).toEqual(['island']);
    expect(stuckIn(broken)).toEqual(['dead']);
    expect(unlimitedIn(broken)).toEqual(['first', 'dead', 'island']);
  });

  test('finds an action that is named and not defined', () => {
    expect(namesIn(createMachine({ entry: 'nowhere' })).actions).toEqual(['nowhere']);
  });

  test.each([
    ['a spread', "({ id: 'a', ...rest })", '...'],
    ['a call', "({ id: 'a', on: exits('b') })", 'exits'],
    ['a computed key', "({ [name]: 'a' })", '[name]:'],
    ['a name from elsewhere', '({ id: ID })', 'ID'],
    ['a shorthand key', '({ id })', 'id'],
    ['a template', '({ id: `a` })', '`'],
    ['a context that calls', '({ context: ({ input }) => ({ at: now(), }), })', 'now'],
  ])('finds %s', (_what, text, found) => {
    expect(foreignIn(text)).toContain(found);
  });
});

function functionsIn(value: unknown, path: readonly string[] = []): string[] {
  if (typeof value === 'function') return path.join('.') === 'context' ? [] : [path.join('.')];
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]) => functionsIn(inner, [...path, key]));
}

interface Names {
  readonly actions: readonly string[];
  readonly guards: readonly string[];
  readonly delays: readonly string[];
}

interface TransitionConfig {
  readonly guard?: string;
  readonly actions?: string | readonly string[];
}

interface NodeConfig {
  readonly entry?: string | readonly string[];
  readonly exit?: string | readonly string[];
  readonly on?: Readonly<Record<string, unknown>>;
  readonly after?: Readonly<Record<string, unknown>>;
  readonly states?: Readonly<Record<string, NodeConfig>>;
}

function namesIn(machine: AnyStateMachine): Names {
  const actions = new Set<string>();
  const guards = new Set<string>();
  const delays = new Set<string>();
  const visit = (node: NodeConfig): void => {
    for (const name of [node.entry ?? [], node.exit ?? []].flat()) actions.add(name);
    for (const name of Object.keys(node.after ?? {})) delays.add(name);
    for (const each of [...Object.values(node.on ?? {}), ...Object.values(node.after ?? {})].flat()) {
      const transition = (typeof each === 'string' ? {} : each) as TransitionConfig;
      for (const name of [transition.actions ?? []].flat()) actions.add(name);
      if (transition.guard !== undefined) guards.add(transition.guard);
    }
    for (const inner of Object.values(node.states ?? {})) visit(inner);
  };
  visit(machine.config as NodeConfig);
  return { actions: [...actions].sort(), guards: [...guards].sort(), delays: [...delays].sort() };
}

function definedIn(machine: AnyStateMachine): Names {
  const { actions, guards, delays } = machine.implementations;
  return {
    actions: Object.keys(actions).sort(),
    guards: Object.keys(guards).sort(),
    delays: Object.keys(delays).sort(),
  };
}

function nodesOf(node: AnyStateNode): AnyStateNode[] {
  return [node, ...Object.values(node.states).flatMap((inner) => nodesOf(inner))];
}

function pathOf(node: AnyStateNode): string {
  return node.path.join('.');
}

function linesOf(node: AnyStateNode): AnyStateNode[] {
  return node.parent === undefined ? [node] : [node, ...linesOf(node.parent)];
}

function targetsOf(node: AnyStateNode): AnyStateNode[] {
  return [...node.transitions.values()].flat().flatMap((transition) => (transition.target ?? []) as AnyStateNode[]);
}

function unreachableIn(machine: AnyStateMachine): string[] {
  const reached = new Set<AnyStateNode>();
  const reach = (node: AnyStateNode): void => {
    if (reached.has(node)) return;
    reached.add(node);
    if (node.parent !== undefined) reach(node.parent);
    if (node.type === 'compound') for (const first of node.initial.target) reach(first);
    for (const target of targetsOf(node)) reach(target);
  };
  reach(machine.root);
  return nodesOf(machine.root)
    .filter((node) => !reached.has(node))
    .map(pathOf);
}

function leavesOf(machine: AnyStateMachine): AnyStateNode[] {
  return nodesOf(machine.root).filter((node) => node.type === 'atomic');
}

function stuckIn(machine: AnyStateMachine): string[] {
  const leads = (leaf: AnyStateNode) => linesOf(leaf).some((node) => targetsOf(node).some((target) => target !== leaf));
  return leavesOf(machine)
    .filter((leaf) => !leads(leaf))
    .map(pathOf);
}

function unlimitedIn(machine: AnyStateMachine): string[] {
  const isLimited = (leaf: AnyStateNode) =>
    linesOf(leaf).some((node) => node.after.some((transition) => transition.target?.some((target) => target !== leaf)));
  return leavesOf(machine)
    .filter((leaf) => !isLimited(leaf))
    .map(pathOf);
}

/** The text between the parentheses of `createMachine( … )`. */
function configTextOf(source: string): string {
  const start = source.indexOf('.createMachine(') + '.createMachine'.length;
  return source.slice(start, source.indexOf('\n});', start) + 3);
}

/** Everything in the text of an object that is not a plain key, a string, a number, true, false or undefined. */
function foreignIn(text: string): string[] {
  const bare = text.replaceAll(/'(?:[^'\\\n]|\\.)*'/g, "''");
  const rest = bare.replace(/context: \(\{ input \}\) => \(\{(?:\s*\w+: (?:input\.\w+|\d+|undefined),?)*\s*\}\),/, '');
  const body = rest.slice(rest.indexOf('{'), rest.lastIndexOf('}') + 1);
  const marks = body.match(/\.\.\.|[()`+?=<>]|\[[^\]]*\]:/g) ?? [];
  const names = body.match(/[A-Za-z_$][\w$]*(?!\s*:|[\w$])/g) ?? [];
  return [...marks, ...names.filter((name) => !['true', 'false', 'undefined'].includes(name))];
}
