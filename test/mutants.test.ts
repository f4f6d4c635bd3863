// The data of `npm run mutants`: an entry that no longer fits the source proves nothing, and nobody would notice.
import { existsSync, readFileSync } from 'node:fs';
import { stripTypeScriptTypes } from 'node:module';
import { describe, expect, it } from 'vitest';
import { type Mutant, misfitOf, mutated, pathOf, readMutants } from './mutants/catalogue.ts';

const mutants = readMutants();
const areas = new Set(mutants.map(({ area }) => area));
const real = mutants.filter(({ equivalent }) => equivalent === undefined);
const sources = new Map<string, string>();

function sourceOf({ file }: Mutant): string {
  const source = sources.get(file) ?? readFileSync(pathOf(file), 'utf8');
  sources.set(file, source);
  return source;
}

/** Gives each mutant that has a fault, with it. */
function faults(faultOf: (mutant: Mutant) => string | undefined): string[] {
  return mutants.flatMap((mutant) => {
    const fault = faultOf(mutant);
    return fault === undefined ? [] : [`${mutant.area}/${mutant.id}: ${fault}`];
  });
}

describe('every mutant', () => {
  it('has a name of its own, which is not that of an area', () => {
    const names = [...mutants.map(({ id }) => id), ...areas];
    expect(names.filter((name, index) => names.indexOf(name) !== index)).toEqual([]);
  });

  it('changes one line that its file in src has exactly once', () => {
    expect(faults(({ file }) => (file.startsWith('src/') && existsSync(pathOf(file)) ? undefined : file))).toEqual([]);
    expect(faults((mutant) => misfitOf(mutant, sourceOf(mutant)))).toEqual([]);
    expect(faults(({ line }) => (line === line.trim() && line !== '' ? undefined : 'space around its line'))).toEqual(
      [],
    );
    expect(faults(({ replacement }) => (replacement.includes('\n') ? 'its replacement has lines' : undefined))).toEqual(
      [],
    );
  });

  it('is still a program: one that does not parse would be caught by anything', () => {
    expect(
      faults((mutant) => {
        try {
          stripTypeScriptTypes(mutated(mutant, sourceOf(mutant)));
          return undefined;
        } catch (error) {
          return String(error);
        }
      }),
    ).toEqual([]);
  });

  it('is no other mutant in disguise', () => {
    const changes = mutants.map(({ file, line, replacement }) => `${file}: ${line} -> ${replacement}`);
    expect(changes.filter((change, index) => changes.indexOf(change) !== index)).toEqual([]);
  });

  it('names tests that there are', () => {
    expect(faults(({ tests }) => (tests.length === 0 ? 'names no test' : undefined))).toEqual([]);
    const isTest = (file: string): boolean => file.endsWith('.test.ts') && existsSync(pathOf(file));
    expect(faults(({ tests }) => tests.find(({ file }) => !isTest(file))?.file)).toEqual([]);
  });

  it('says in a sentence what goes wrong, and where nothing can notice it, why', () => {
    const isSentence = (text: string): boolean => /^[A-Z].{15,}\.$/s.test(text);
    expect(faults(({ story }) => (isSentence(story) ? undefined : story))).toEqual([]);
    expect(
      faults(({ equivalent }) => (isSentence(equivalent ?? 'There is none here.') ? undefined : equivalent)),
    ).toEqual([]);
  });
});

describe('the mutants', () => {
  it('are at least 55, of which 15 are in calls, functions, streams, store and groups', () => {
    expect(real.length).toBeGreaterThanOrEqual(55);
    const upper = ['calls-functions-streams', 'store', 'groups-presence'];
    expect(real.filter(({ area }) => upper.includes(area)).length).toBeGreaterThanOrEqual(15);
  });

  it('that no longer apply are told by how often their line is there', () => {
    const [mutant] = mutants;
    if (mutant === undefined) throw new Error('expected a mutant');
    expect(misfitOf(mutant, 'another source')).toBe('expected its line once, found it 0 times');
    expect(misfitOf(mutant, `  ${mutant.line}\n${mutant.line}`)).toBe('expected its line once, found it 2 times');
    expect(misfitOf({ ...mutant, replacement: mutant.line }, mutant.line)).toBe('its replacement is the line itself');
    expect(mutated({ ...mutant, line: 'a;', replacement: '$&b;' }, 'x;\n  a;\ny;')).toBe('x;\n  $&b;\ny;');
  });
});
