import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createMachine } from 'xstate';
import type { AnyStateMachine, AnyStateNode } from 'xstate';
import { exportMachine, machines } from 'homing/machines';
import { type Diagram, readDiagram } from './grammar.ts';
import { zoo } from './zoo.ts';

const drawn = (machine: AnyStateMachine): Diagram => readDiagram(exportMachine(machine, { format: 'mermaid' }));
const machineOf = (config: object): AnyStateMachine => createMachine(config);
const nodesIn = (node: AnyStateNode): AnyStateNode[] =>
  Object.values(node.states).flatMap((each) => [each, ...nodesIn(each)]);

/** The arrows between states: `a --> b : X`, one for each label. */
const arrowsIn = (machine: AnyStateMachine): string[] =>
  drawn(machine).arrows.flatMap(({ from, to, labels }) => labels.map((label) => `${from} --> ${to} : ${label}`));

describe.each(Object.entries({ ...machines, ...zoo }))('the diagram of %s', (_name, { machine }) => {
  it('keeps to the grammar, with every state once', () => {
    const { blocks, names } = drawn(machine);
    const shown = [...blocks.keys()].map((id) => (names.get(id) ?? id).replace(/ \((?:deep )?history\)$/, ''));
    const keys = nodesIn(machine.root).map(({ key }) => key);
    const isFramed = machine.root.type === 'parallel' || machine.root.type === 'atomic';
    expect(shown.toSorted()).toEqual([...keys, ...(isFramed ? [machine.id] : [])].toSorted());
  });
});

describe('a diagram', () => {
  it('begins in the initial state of each level and ends in final ones', () => {
    const machine = machineOf({
      initial: 'a',
      states: {
        a: { initial: 'b', states: { c: { type: 'final' }, b: { on: { X: 'c' } } }, onDone: 'd' },
        d: { type: 'final' },
      },
    });
    expect(exportMachine(machine, { format: 'mermaid' })).toBe(`stateDiagram-v2
  [*] --> a
  state a {
    [*] --> b
    c
    b
    b --> c : X
    c --> [*]
  }
  d
  d --> [*]
  a --> d : done
`);
  });

  it('says event, delay and guard at an arrow, and joins the labels of one pair of states', () => {
    const machine = machineOf({
      initial: 'a',
      states: {
        a: {
          on: { X: { target: 'b', guard: 'isLate' }, Y: 'b' },
          after: { 500: 'b', soon: 'b' },
          always: { target: 'b', guard: 'may' },
        },
        b: {},
      },
    });
    expect(drawn(machine).arrows.at(-1)).toEqual({
      from: 'a',
      to: 'b',
      labels: ['X [isLate]', 'Y', 'after 500 ms', 'after soon', 'always [may]'],
    });
  });

  it('has in a box, or beside a block, what happens without leaving the state', () => {
    const inside = {
      entry: ['open', 'ring'],
      exit: 'shut',
      invoke: { src: 'watch' },
      on: { X: { actions: 'count' }, Y: {} },
    };
    const told = ['entry / open, ring', 'exit / shut', 'invoke watch', 'X / count'];
    const machine = machineOf({
      initial: 'a',
      states: { a: inside, b: { ...inside, initial: 'c', states: { c: {} } } },
    });
    expect([...drawn(machine).remarks]).toEqual([
      ['a', told],
      ['b', told],
    ]);
  });

  it('leads from each state that does not answer an event itself, where an outer one leads inwards', () => {
    const machine = machineOf({
      initial: 'a',
      on: { X: '.d', 'Y.one': '.d' },
      states: {
        a: {},
        b: { on: { X: {}, 'Y.*': {} } },
        c: { on: { X: { guard: 'maybe', target: 'a' }, '*': {} } },
        d: { type: 'final' },
      },
    });
    expect(arrowsIn(machine).filter((arrow) => !arrow.includes('[*]'))).toEqual([
      'a --> d : X',
      'a --> d : Y.one',
      'c --> a : X [maybe]',
    ]);
  });

  it('leads to where an outer state begins, where an inner one leads to that', () => {
    const machine = machineOf({
      id: 'm',
      initial: 'a',
      states: { a: { initial: 'b', states: { b: { on: { X: '#m' } }, c: { on: { X: '#m.a' } } } } },
    });
    expect(arrowsIn(machine)).toEqual(expect.arrayContaining(['b --> b : X', 'c --> b : X']));
  });

  it('leads from the final states when one is done and goes on inside of itself', () => {
    const machine = machineOf({
      initial: 'a',
      states: { a: { initial: 'b', onDone: '.b', states: { b: { on: { X: 'c' } }, c: { type: 'final' } } } },
    });
    expect(arrowsIn(machine)).toContain('c --> b : done');
    expect(arrowsIn(machine)).not.toContain('b --> b : done');
  });

  it('keeps an arrow from one region to another, outside of both', () => {
    const regions = { r: { on: { X: 's' } }, s: { initial: 'c', states: { c: {} } } };
    const machine = machineOf({ initial: 'p', states: { p: { type: 'parallel', states: regions } } });
    expect(arrowsIn(machine)).toContain('r --> s : X');
  });

  it('shows where a history leads that there is none of yet', () => {
    const states = { b: {}, h: { type: 'history', target: 'b' } };
    const machine = machineOf({ initial: 'a', states: { a: { initial: 'b', states, on: { X: '.h' } } } });
    expect(arrowsIn(machine)).toEqual(expect.arrayContaining(['h --> b : default', 'b --> h : X']));
  });

  it('holds whatever states and events are called', () => {
    const word = fc.oneof(
      fc.string({ minLength: 1, maxLength: 8 }),
      fc.string({ unit: 'binary', minLength: 1, maxLength: 6 }),
      fc.constantFrom(
        'note',
        'end',
        'state',
        'A',
        'a',
        'direction TB',
        'end note',
        '-->',
        '%%',
        '#35;',
        '<<fork>>',
        ':::',
        '__proto__',
      ),
    );
    fc.assert(
      fc.property(fc.uniqueArray(word, { minLength: 4, maxLength: 4 }), word, (keys, event) => {
        const [a = '', b = '', c = '', d = ''] = keys.map((key) => key.replaceAll(/^[#.]|[.\\]|^__proto__$/g, 'x'));
        if (new Set([a, b, c, d]).size < 4) return;
        const inner = {
          initial: a,
          states: { [a]: { entry: event, on: { [`E ${event}`]: d } }, [d]: { type: 'final' } },
        };
        const states = {
          [a]: { on: { [`E ${event}`]: { target: b, guard: event } } },
          [b]: inner,
          [c]: { entry: [event] },
        };
        const machine = machineOf({ initial: a, states, on: { [`F ${event}`]: `.${c}` } });
        const { blocks, names, arrows } = drawn(machine);
        const plain = (text: string): string => text.replaceAll(/\s+/g, ' ');
        expect([...blocks.keys()].map((id) => names.get(id) ?? id).toSorted()).toEqual(
          [a, b, c, a, d].map(plain).toSorted(),
        );
        expect(arrows.flatMap(({ labels }) => labels)).toContain(plain(`E ${event} [${event}]`));
      }),
      { numRuns: 100 },
    );
  });
});

describe('the grammar', () => {
  it.each([
    [
      'an arrow that leaves its block',
      'stateDiagram-v2\n  a\n  state b {\n    c\n    c --> a : X\n  }\n',
      'leaves its block',
    ],
    [
      'an arrow to what is outside',
      'stateDiagram-v2\n  state b {\n    c\n  }\n  c --> b : X\n',
      'a state and one inside it',
    ],
    ['a state that is not declared', 'stateDiagram-v2\n  a\n  a --> b : X\n', 'not declared'],
    ['a second declaration', 'stateDiagram-v2\n  a\n  a\n', 'declared twice'],
    ['a word of Mermaid', 'stateDiagram-v2\n  note\n', 'a word of Mermaid'],
    ['a colon in a label', 'stateDiagram-v2\n  a\n  a --> a : x:y\n', 'nothing that is known'],
    ['a block without an end', 'stateDiagram-v2\n  state a {\n    b\n', 'expected the end'],
  ])('refuses %s', (_what, written, why) => {
    expect(() => readDiagram(written)).toThrow(why);
  });
});
