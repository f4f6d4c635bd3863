/**
 * A machine as the text of a module that any XState 5 runs and Stately's editor takes: `setup()` with what is known, stubs
 * for the rest, and a literal config. It has no types, so that it is JavaScript and TypeScript at once.
 */
import { Code, type Printable, identifierOf, literal } from './literal.ts';
import type { Named, Names } from './names.ts';
import type { Portable } from './portable.ts';

/** The text of the module; it exports one machine. */
export function sourceOf(portable: Portable): string {
  const { id, config, losses } = portable;
  const imports = new Set(['setup']);
  const parts: Record<string, Printable> = {};
  const section = (name: string, entries: readonly (readonly [string, Printable])[]): void => {
    if (entries.length > 0) parts[name] = Object.fromEntries(entries);
  };
  section('actions', written(portable.actions, imports, actionStub));
  section('guards', written(portable.guards, imports, guardStub));
  section(
    'delays',
    [...portable.delays].map(([name, delayMs]) => [name, delayMs ?? delayStub]),
  );
  section('actors', written(portable.actors, imports, actorStub));

  const name = identifierOf(/machine$/i.test(id) ? id : `${id} machine`);
  const setup = Object.keys(parts).length === 0 ? '' : sections(parts);
  const made = `export const ${name} = setup({${setup}}).createMachine(${literal(config, { isOpen: true })});`;
  const lost = losses.map((loss) => `//   ${loss}`);
  const remarks = lost.length === 0 ? [] : ['// Left out, because it cannot be written as data:', ...lost, ''];
  return [`import { ${[...imports].sort().join(', ')} } from 'xstate';`, '', ...remarks, made, ''].join('\n');
}

function sections(parts: Readonly<Record<string, Printable>>): string {
  const texts = Object.entries(parts).map(
    ([name, part]) => `  ${name}: ${literal(part, { indent: '  ', isOpen: true })},`,
  );
  return `\n${texts.join('\n')}\n`;
}

type Stub = (named: Named, imports: Set<string>) => Code;

function written(names: Names, imports: Set<string>, stub: Stub): (readonly [string, Printable])[] {
  return names.entries().map(([name, named]) => {
    for (const creator of named.creation?.creators ?? []) imports.add(creator);
    return [name, named.creation === undefined ? stub(named, imports) : new Code(named.creation.code)];
  });
}

/** What is said above a stub: nothing for those that had a name already. */
function remarkOf({ place }: Named): string | undefined {
  return place === undefined ? undefined : `Stub of what stands inline at ${place.replaceAll(/\s+/g, ' ')}.`;
}

const actionStub: Stub = (named) => new Code('() => {}', remarkOf(named));
const guardStub: Stub = (named) => new Code('() => true', remarkOf(named));
const delayStub = new Code('1_000', `Stub of a delay that is reckoned while the machine runs.`);

/**
 * A promise that stays open, so that the invoking state can be looked at. Also for a machine: Stately would take a second
 * `createMachine` for a second machine to import.
 */
const actorStub: Stub = (named, imports) => {
  const { implementation } = named;
  const isMachine = typeof implementation === 'object' && implementation !== null && 'root' in implementation;
  imports.add('fromPromise');
  const remark = isMachine ? 'Stub of a machine: export it by itself.' : remarkOf(named);
  return new Code('fromPromise(() => new Promise(() => {}))', remark);
};
