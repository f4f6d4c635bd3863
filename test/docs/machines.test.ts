// docs/machines.md against the machines: diagrams, sources, states and events. Its programs are compiled in types.test.ts.
import { runInThisContext } from 'node:vm';
import { describe, expect, it } from 'vitest';
import type { AnyStateMachine, AnyStateNode } from 'xstate';
import { exportFormats, exportMachine, machines } from 'homing/machines';
import { pagesWithDiagrams, withDiagrams } from '../../scripts/diagram.ts';
import { defaults } from '../../src/actors/options.ts';
import { quoted, rowsWith, textOf } from './page.ts';

const page = textOf('docs/machines.md');

/** What stands under a heading, up to the next of its kind. */
function sectionOf(title: string): string {
  return page.split(/^## /m).find((section) => section.startsWith(`${title}\n`)) ?? '';
}

/** The names in the first column of a table, found by the head of that column. */
function firstCells(section: string, head: string): string[] {
  const table = new RegExp(String.raw`^\| ${head} .*\n\|.*\n((?:\|.*\n?)+)`, 'm').exec(section)?.[1] ?? '';
  return table
    .trim()
    .split('\n')
    .map((row) => quoted(row.split('|')[1]));
}

describe.each(Object.keys(pagesWithDiagrams) as (keyof typeof pagesWithDiagrams)[])('%s', (path) => {
  it('shows the machines as they are', () => {
    expect(textOf(path)).toBe(withDiagrams(path, textOf(path)));
  });

  it('would be told when it did not', () => {
    const changed = textOf(path).replace('authenticating --> up : WELCOMED', 'authenticating --> up : HELLO');
    expect(withDiagrams(path, changed)).not.toBe(changed);
    expect(() => withDiagrams(path, textOf(path).replace('```mermaid', '```'))).toThrow('diagrams, found');
  });
});

describe.each(Object.entries(machines))('docs/machines.md on %s', (name, { machine, about }) => {
  const section = sectionOf(name);

  it('begins with what it is', () => {
    expect(section.replaceAll(/\[(.+?)\]\(.+?\)/g, '$1').replaceAll(/\s+/g, ' ')).toContain(about);
  });

  it('has a sentence for each state and each event', () => {
    const within = (node: AnyStateNode): string[] =>
      Object.values(node.states).flatMap((inner) => [inner.path.join('.'), ...within(inner)]);
    expect(firstCells(section, 'state')).toEqual(within(machine.root as AnyStateNode));
    const events = (machine as AnyStateMachine).events.map(String).filter((type) => !type.startsWith('xstate.'));
    expect(firstCells(section, 'event').toSorted()).toEqual(events.toSorted());
    for (const row of section.split('\n').filter((line) => line.startsWith('| `'))) {
      expect(row.split('|')[2]?.trim(), row).toMatch(/^\S.{7,}\.$/);
    }
  });
});

describe('docs/machines.md', () => {
  const blocks = [...page.matchAll(/^```(?:ts|text)\n([\s\S]*?)^```$/gm)].map(([, text = '']) => text);

  it('shows the source of the accepting machine as it is', () => {
    const { machine, input } = machines.accepting;
    expect(blocks[0]).toBe(exportMachine(machine, { format: 'source', input }));
  });

  it('shows what its program prints last', async () => {
    const printed: string[] = [];
    const body = (blocks[1] ?? '').replaceAll(/^import .*$/gm, '').replaceAll(/ as \{[^}]*\}/g, '');
    const names = ['assign', 'not', 'setup', 'exportMachine', 'console'];
    const { assign, not, setup } = await import('xstate');
    const console = { log: (text: string) => void printed.push(text) };
    const program = runInThisContext(`(${names.join(', ')}) => {${body}}`) as (...given: readonly unknown[]) => void;
    program(assign, not, setup, exportMachine, console);
    expect(printed).toHaveLength(3);
    expect(printed[0]).toContain('context: { opened: 0 }');
    expect(printed[2]).toBe(blocks[2]);
  });

  it('names the formats', () => {
    expect(rowsWith('docs/machines.md', /^`(?:source|json|mermaid)`$/).map(([cell]) => quoted(cell))).toEqual([
      ...exportFormats,
    ]);
  });

  it('shows machines that are started as the runtime starts them by default', () => {
    const { handshakeMs, backoff } = defaults;
    expect(machines.dialling.input).toEqual({ autoReconnect: true, handshakeMs, stableMs: backoff.stableMs });
    expect(machines.accepting.input).toEqual({ handshakeMs });
  });
});
