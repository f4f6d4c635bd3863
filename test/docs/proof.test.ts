// The table of faults against the code: every file it names exists, and every kind of fault, and no kind is missing.
import { existsSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { faultTypes } from '../../src/testing/plan-form.ts';
import { root, rowsWith } from './page.ts';

const rows = rowsWith('docs/proof.md', /^[NPTCO]\d+$/);
const quotedIn = (cell = ''): string[] => [...cell.matchAll(/`([^`]+)`/g)].map(([, word = '']) => word);

describe('docs/proof.md', () => {
  it('has every fault of the catalogue once, in order', () => {
    const counts = { N: 13, P: 6, T: 7, C: 4, O: 6 };
    const all = Object.entries(counts).flatMap(([letter, count]) =>
      Array.from({ length: count }, (_each, index) => `${letter}${index + 1}`),
    );
    expect(rows.map(([id]) => id)).toEqual(all);
  });

  it('names kinds that exist, and leaves none out', () => {
    expect([...new Set(rows.flatMap(([, , kinds]) => quotedIn(kinds)))].toSorted()).toEqual(faultTypes.toSorted());
  });

  it('names files that exist, or says why there is none', () => {
    for (const [id, , , tests = ''] of rows) {
      const files = quotedIn(tests);
      expect(files.length > 0 || tests.startsWith('none'), id).toBe(true);
      for (const file of files) expect(existsSync(new URL(file, root)), `${id}: ${file}`).toBe(true);
    }
  });
});
