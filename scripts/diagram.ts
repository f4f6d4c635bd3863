/**
 * Writes the diagrams of the machines into the pages of docs/: `npx node --conditions=homing-source scripts/diagram.ts`. A test
 * compares them, so that no page can fall behind its machines.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { exportMachine, machines } from 'homing/machines';

/** The pages with diagrams, and whose these are, in their order. */
export const pagesWithDiagrams = {
  'README.md': ['accepting'],
  'docs/lifecycle.md': ['dialling'],
  'docs/machines.md': ['dialling', 'accepting', 'session', 'shard'],
} as const satisfies Record<string, readonly (keyof typeof machines)[]>;

/** The text of a page with its diagrams as the machines are now. Throws when it has another number of them. */
export function withDiagrams(page: keyof typeof pagesWithDiagrams, text: string): string {
  const names = pagesWithDiagrams[page];
  let count = 0;
  const drawn = text.replaceAll(/```mermaid\n[\s\S]*?```/g, (old) => {
    const name = names[count++];
    return name === undefined
      ? old
      : `\`\`\`mermaid\n${exportMachine(machines[name].machine, { format: 'mermaid' })}\`\`\``;
  });
  if (count !== names.length) throw new Error(`${page}: expected ${names.length} diagrams, found ${count}`);
  return drawn;
}

if (import.meta.main) {
  for (const page of Object.keys(pagesWithDiagrams) as (keyof typeof pagesWithDiagrams)[]) {
    const url = new URL(`../${page}`, import.meta.url);
    writeFileSync(url, withDiagrams(page, readFileSync(url, 'utf8')));
  }
}
