// What leaves as JSON comes back as the same machine: looked at state by state, and walked beside the original.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createMachine, initialTransition, setup, transition } from 'xstate';
import type { AnyMachineSnapshot, AnyStateMachine, AnyStateNode } from 'xstate';
import { type ExportOptions, exportMachine, machines } from 'homing/machines';
import type { Names } from '../../../../src/machines/export/names.ts';
import { portableOf } from '../../../../src/machines/export/portable.ts';
import { jsonOf, plainOf } from '../../../../src/machines/export/values.ts';
import { zoo } from './zoo.ts';

const subjects = Object.entries({ ...machines, ...zoo }).map(([name, { machine, input }]) => ({
  name,
  machine: machine as AnyStateMachine,
  input: input as unknown,
}));

describe.each(subjects)('the JSON of $name', ({ machine, input }) => {
  const options = input === undefined ? {} : { input };
  const text = exportMachine(machine, { format: 'json', ...options });
  const again = createMachine(JSON.parse(text) as never) as AnyStateMachine;

  it('has the same states, transitions, guards, delays, tags and descriptions', () => {
    const { guardLabel } = portableOf(machine, options);
    expect(shapeOf(again.root, String)).toEqual(shapeOf(machine.root, guardLabel));
  });

  it('behaves alike when what stands behind the names is given back', () => {
    const portable = portableOf(machine, options);
    const whole = again.provide({
      actions: behind(portable.actions),
      guards: behind(portable.guards),
      actors: behind(portable.actors),
      delays: machine.implementations.delays,
    } as never) as AnyStateMachine;
    const events = eventsOf(machine);
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...events), { maxLength: 25 }), (walk) => {
        let [one] = initialTransition(machine, input as never) as [AnyMachineSnapshot, unknown];
        let [other] = initialTransition(whole, undefined as never) as [AnyMachineSnapshot, unknown];
        expect(seen(other)).toEqual(seen(one));
        for (const type of walk) {
          if (one.status !== 'active') break;
          [one] = transition(machine, one as never, { type, output: {} }) as [AnyMachineSnapshot, unknown];
          [other] = transition(whole, other as never, { type, output: {} }) as [AnyMachineSnapshot, unknown];
          expect(seen(other)).toEqual(seen(one));
        }
      }),
      { numRuns: 40, seed: 7 },
    );
  });

  it('is the same each time', () => {
    expect(exportMachine(machine, { format: 'json', ...options })).toBe(text);
  });
});

/** Everything about a machine that is not a function, state by state. */
function shapeOf(node: AnyStateNode, guardName: (guard: unknown) => string): object {
  const ways = (all: readonly { guard?: unknown }[]): object[] =>
    all.map((each) => {
      const { target, guard, actions, reenter, description, meta, delay, eventType } = each as {
        target?: readonly AnyStateNode[];
        guard?: { type?: string };
        actions: readonly unknown[];
        reenter: boolean;
        description?: string;
        meta?: unknown;
        delay?: unknown;
        eventType: string;
      };
      const name = guard === undefined ? undefined : typeof guard === 'object' ? guard.type : guardName(guard);
      return {
        target: target?.map(({ id }) => id),
        guard: name?.startsWith('inline:') === true ? 'inline' : name,
        params: typeof guard === 'object' ? guard : undefined,
        actionCount: actions.length,
        reenter,
        description,
        meta,
        delay,
        eventType,
      };
    });
  return {
    id: node.id,
    path: node.path,
    type: node.type,
    tags: node.tags,
    description: node.description,
    history: node.history,
    hasMeta: node.meta !== undefined,
    initial: node.type === 'compound' ? node.initial.target.map(({ id }) => id) : undefined,
    entryCount: node.entry.length,
    exitCount: node.exit.length,
    invoked: node.invoke.map(({ id }) => id),
    on: [...node.transitions].map(([event, all]) => [event, ways(all as never)]),
    always: ways((node.always ?? []) as never),
    states: Object.values(node.states).map((inner) => shapeOf(inner, guardName)),
  };
}

function behind(names: Names): Record<string, unknown> {
  const given = names.entries().filter(([, { implementation }]) => implementation !== undefined);
  return Object.fromEntries(given.map(([name, { implementation }]) => [name, implementation]));
}

/** All events, those of delays and invoked actors too, and one that nobody knows. */
function eventsOf(machine: AnyStateMachine): readonly string[] {
  const within = (node: AnyStateNode): string[] => [
    ...node.transitions.keys(),
    ...Object.values(node.states).flatMap((inner) => within(inner)),
  ];
  const types = within(machine.root).filter((type) => !type.includes('*'));
  return [...new Set([...types, 'VOLUME.DOWN', 'UNKNOWN'])].filter(
    // A guard that nothing implements, and one that XState cannot ask while the machine is not there yet.
    (type) => type !== 'UP',
  );
}

function seen({ value, context, status, tags }: AnyMachineSnapshot): object {
  return { value: value as unknown, context: contextOf(context), status, tags: [...tags] };
}

/** A context as JSON would hold it. */
function contextOf(context: unknown): unknown {
  return jsonOf(plainOf(context, { place: 'context', lose: () => {} }));
}

describe('names of what stands inline', () => {
  const { actions, guards, actors } = portableOf(zoo['inline']?.machine as AnyStateMachine, {});
  const namesOf = (names: Names): string[] => names.entries().map(([name]) => name);

  it('say how it was made, what the function is called, or where it stands', () => {
    expect(namesOf(actions)).toEqual([
      'assign(count)',
      'inline:inline.a#entry[0]',
      'inline:inline.a#entry[1]',
      'log(in a)',
      'leaveIt',
      'raise(PING)',
      'raise(PONG)',
      'raise(PONG) 2',
      'sendTo(kid, HELLO)',
      'emit(seen)',
      'inline:inline.c#entry[2]',
      'stopChild(kid)',
      'inline:inline.c#on.SPAWN#actions',
    ]);
    expect(namesOf(guards).toSorted()).toEqual(
      ['inline:inline.a#on.GO[0]#guard', 'shared', 'not(shared)', 'in c', 'named', 'or(shared, named)'].toSorted(),
    );
    expect(namesOf(actors)).toEqual(['inline:inline.c#invoke[0]', 'inline:inline.c#invoke[1]']);
  });

  it('are those of setup() where the same function is there', () => {
    const ring = (): void => {};
    const machine = setup({ actions: { bell: ring } }).createMachine({ entry: ring, exit: 'bell' });
    expect(JSON.parse(exportMachine(machine, { format: 'json' }))).toEqual({ entry: 'bell', exit: 'bell' });
  });
});

describe('exportMachine', () => {
  const [first] = subjects;
  const machine = first?.machine as AnyStateMachine;

  it.each([
    ['nothing', undefined],
    ['a text', 'dialling'],
    ['a config', { initial: 'a', states: { a: {} } }],
    ['what setup() returns', setup({})],
    ['a snapshot', initialTransition(machine, { handshakeMs: 1 })[0]],
  ])('refuses %s as a machine', (_what, given) => {
    expect(() => exportMachine(given as never, { format: 'json' })).toThrow(
      expect.objectContaining({ code: 'BadOption', message: expect.stringContaining('machine: expected') as string }),
    );
  });

  it.each([['svg'], [undefined], ['toString']])('refuses %s as a format and says which there are', (format) => {
    expect(() => exportMachine(machine, { format } as never)).toThrow(/'source', 'json', 'mermaid'/);
    expect(() => exportMachine(machine, undefined as unknown as ExportOptions)).toThrow(
      expect.objectContaining({ code: 'BadOption' }),
    );
  });

  it('refuses an input that the context cannot be made with', () => {
    const demanding = createMachine({ context: ({ input }) => ({ x: (input as { a: { b: number } }).a.b }) });
    expect(() => exportMachine(demanding, { format: 'json', input: {} })).toThrow(
      expect.objectContaining({ code: 'BadOption', message: expect.stringContaining('input: expected') as string }),
    );
    expect(JSON.parse(exportMachine(demanding, { format: 'json', input: { a: { b: 1 } } }))).toEqual({
      context: { x: 1 },
    });
    expect(JSON.parse(exportMachine(demanding, { format: 'json' }))).toEqual({});
  });

  it('does not change the machine', () => {
    const { machine: player } = zoo['player'] as { machine: AnyStateMachine };
    const before = [Object.keys(player.implementations.actions), shapeOf(player.root, () => 'guard')];
    for (const format of ['source', 'json', 'mermaid'] as const) exportMachine(player, { format });
    expect([Object.keys(player.implementations.actions), shapeOf(player.root, () => 'guard')]).toEqual(before);
  });
});
