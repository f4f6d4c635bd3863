// docs/coming-from.md against itself: each line that it shows on the right of a table is one of the program below the table.
// That the programs run, and print what they say, is tested with those of the other pages.
import { describe, expect, it } from 'vitest';
import { textOf } from './page.ts';

interface Section {
  readonly title: string;
  /** Lines on the right of its table, and its program; empty without one. */
  readonly lines: readonly string[];
  readonly program: string;
}

const sections = textOf('docs/coming-from.md')
  .split(/^## /m)
  .slice(1)
  .map((text): Section => {
    const rows = text.split('\n').filter((line) => line.startsWith('| '));
    const cells = rows.slice(2).map((row) => row.slice(1, -1).split(' | ').at(-1) ?? '');
    return {
      title: text.slice(0, text.indexOf('\n')),
      lines: cells.flatMap((cell) => [...cell.matchAll(/`([^`]+)`/g)].map(([, line = '']) => line)),
      program: /^```ts\n([\s\S]*?)^```$/m.exec(text)?.[1] ?? '',
    };
  });

const compared = sections.filter(({ lines }) => lines.length > 0);

describe('docs/coming-from.md', () => {
  it('compares six kinds of library', () => {
    expect(compared.map(({ title }) => title)).toEqual([
      'Event emitters between servers',
      'Calls over a line that reconnects',
      'Messengers that address values',
      'Socket.IO',
      'Plain ws',
      'NATS',
    ]);
  });

  it.each(compared)('has every line of "$title" in the program that follows', ({ lines, program }) => {
    expect(lines.length).toBeGreaterThan(5);
    expect(lines.filter((line) => !program.includes(line))).toEqual([]);
  });

  it('says after each program what means something else and what is promised', () => {
    for (const { title } of compared) {
      const text = textOf('docs/coming-from.md').split(`## ${title}\n`)[1]?.split(/^## /m)[0] ?? '';
      const after = text.slice(text.lastIndexOf('```'));
      expect(after, title).toContain('- **Means something else:**');
      expect(after, title).toContain('- **Promised:**');
    }
  });

  it('names each case that is answered differently once', () => {
    const last = sections.at(-1)?.title ?? '';
    expect(last).toBe('What is answered differently');
    const text = textOf('docs/coming-from.md').split(`## ${last}`)[1] ?? '';
    const ids = [...text.matchAll(/^- \*\*([^*]+)\*\*/gm)].flatMap(([, names = '']) => names.split(', '));
    expect(ids).toEqual([...new Set(ids)]);
    expect(ids).toEqual(
      expect.arrayContaining(['U5', 'U6', 'U43', 'D2', 'D8', 'D12', 'D16', 'D28', 'N28', 'P2', 'P3']),
    );
    for (const id of ids) expect(id).toMatch(/^[UNDPE]\d+$/);
  });
});
