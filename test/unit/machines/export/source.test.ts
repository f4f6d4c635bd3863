// The source of every machine is a module that runs: it is written to a file, imported, and walked beside the original.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SimulatedClock, createActor, createMachine, setup } from 'xstate';
import type { AnyMachineSnapshot, AnyStateMachine } from 'xstate';
import { diallingMachine, exportMachine, machines } from 'homing/machines';
import { zoo } from './zoo.ts';

let folder = '';

beforeAll(() => {
  const coverage = fileURLToPath(new URL('../../../../coverage/', import.meta.url));
  mkdirSync(coverage, { recursive: true });
  folder = mkdtempSync(join(coverage, 'machines-'));
});

afterAll(() => rmSync(folder, { recursive: true }));

/** What the module exports, and under which name. */
async function evaluated(name: string, text: string): Promise<[name: string, machine: AnyStateMachine]> {
  const path = join(folder, `${name.replaceAll(/\W/g, '-')}.js`);
  writeFileSync(path, text);
  const exported = Object.entries((await import(pathToFileURL(path).href)) as Record<string, AnyStateMachine>);
  expect(exported).toHaveLength(1);
  return exported[0] as [string, AnyStateMachine];
}

/** The config of a machine as JSON has it; only what `undefined` and the like become differs. */
const configOf = (machine: AnyStateMachine, input?: unknown): unknown =>
  JSON.parse(exportMachine(machine, { format: 'json', ...(input === undefined ? {} : { input }) }));

describe.each(Object.entries({ ...machines, ...zoo }))('the source of %s', (name, { machine, input }) => {
  const options = { format: 'source', ...(input === undefined ? {} : { input: input as unknown }) } as const;

  it('is a module that makes the same machine, with something behind every name', async () => {
    const [, again] = await evaluated(name, exportMachine(machine, options));
    expect(configOf(again)).toEqual(configOf(machine, input));
    for (const kind of ['actions', 'guards', 'delays', 'actors'] as const) {
      expect(Object.keys(again.implementations[kind])).toEqual(
        expect.arrayContaining(Object.keys(machine.implementations[kind])),
      );
    }
    const actor = createActor(again, { clock: new SimulatedClock(), logger: () => {} }).start();
    expect(actor.getSnapshot().status).not.toBe('error');
    actor.stop();
  });

  it('comes out of its own module as it went in', async () => {
    const text = exportMachine(machine, options);
    const [, again] = await evaluated(`${name} again`, text);
    const lines = (source: string): string[] => source.split('\n').filter((line) => !/^\s*\/\//.test(line));
    expect(
      lines(exportMachine(again, { format: 'source' }))
        .join('\n')
        .trim(),
    ).toContain(lines(text).join('\n').split('.createMachine(')[1]?.trim());
  });
});

describe('the source of the dialling machine', () => {
  it('goes the same way as the machine itself: connecting, authenticating, up, backoff, connecting', async () => {
    const input = { autoReconnect: true, handshakeMs: 10_000, stableMs: 10_000 };
    const [name, again] = await evaluated('walk', exportMachine(diallingMachine, { format: 'source', input }));
    expect(name).toBe('diallingMachine');
    const told: string[][] = [[], []];
    const clocks = [new SimulatedClock(), new SimulatedClock()] as const;
    const actors = [
      createActor(diallingMachine as AnyStateMachine, { input, clock: clocks[0] }),
      createActor(again, { clock: clocks[1] }),
    ];
    for (const [at, actor] of actors.entries()) {
      actor.on('*', (effect) => told[at]?.push((effect as { type: string }).type));
      actor.start();
    }
    const values = (): unknown[] => actors.map((actor) => (actor.getSnapshot() as AnyMachineSnapshot).value as unknown);
    const both = (value: unknown): void => expect(values()).toEqual([value, value]);
    const send = (event: { type: string; [key: string]: unknown }): void => {
      for (const actor of actors) actor.send(event);
    };
    both('idle');
    send({ type: 'CONNECT' });
    both('connecting');
    send({ type: 'SOCKET_OPEN' });
    both('authenticating');
    send({ type: 'WELCOMED' });
    both('up');
    send({ type: 'SOCKET_LOST', code: 'silent' });
    both({ backoff: 'planning' });
    send({ type: 'REDIAL_PLANNED', delayMs: 1_000 });
    both({ backoff: 'waiting' });
    for (const clock of clocks) clock.increment(1_000);
    both('connecting');
    for (const clock of clocks) clock.increment(9_999);
    both('connecting');
    for (const clock of clocks) clock.increment(1);
    both({ backoff: 'planning' });
    send({ type: 'CLOSE' });
    both('closed');
    expect(told[1]).toEqual(told[0]);
    expect(told[0]).toContain('hangUp');
  });
});

describe('a source', () => {
  const text = exportMachine(zoo['inline']?.machine as AnyStateMachine, { format: 'source' });

  it('writes what creators made as it was made, and says of stubs what they stand for', () => {
    expect(text).toContain("'raise(PING)': raise({ type: 'PING' }, { id: 'ping', delay: 10 }),");
    expect(text).toContain("'or(shared, named)': or(['shared', 'named']),");
    expect(text).toContain('// Stub of what stands inline at inline.a#entry[0].\n');
  });

  it('lists what had to be left out', () => {
    expect(text).toContain('// Left out, because it cannot be written as data:\n//   inline.output: a function\n');
    expect(exportMachine(diallingMachine, { format: 'source' })).toContain(
      '//   dialling.context: a function of the input: give an input to have the context it makes\n',
    );
  });

  it('has the delay that a function gives for the first context, unless it says another each time', () => {
    let drawn = 0;
    const machine = setup({
      types: { context: {} as { ms: number } },
      delays: { steady: ({ context }) => context.ms, random: () => ++drawn },
    }).createMachine({ context: { ms: 1_500 }, after: { steady: {}, random: {} } });
    const source = exportMachine(machine, { format: 'source' });
    expect(source).toContain('    steady: 1_500,\n');
    expect(source).toMatch(/\/\/ Stub of a delay.*\n {4}random: 1_000,\n/);
  });

  it('cannot be broken out of by what a machine is called or says', async () => {
    const nasty = "'; throw new Error('out'); //\n*/ `${1}` \\' </script> \u2028 \ud800";
    const machine = createMachine({
      id: nasty,
      description: nasty,
      initial: nasty,
      context: { ['__proto__']: { x: 1 }, [nasty]: nasty, big: -0 },
      entry: { type: nasty },
      invoke: { src: createMachine({}), id: nasty },
      states: { [nasty]: { exit: Object.defineProperty(() => {}, 'name', { value: nasty }) } },
    } as never) as AnyStateMachine;
    const [name, again] = await evaluated('nasty', exportMachine(machine, { format: 'source' }));
    expect(name).toMatch(/^[\w$]+$/);
    expect(configOf(again)).toEqual(configOf(machine));
  });
});
