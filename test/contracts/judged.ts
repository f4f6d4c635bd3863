/** What a contract says of an adapter that may be wrong. */
import type { ContractCase } from 'homing/testing';

/** The ids of the cases that are red, without the names of port and end, each once. */
export async function redCases(cases: readonly ContractCase[]): Promise<readonly string[]> {
  const red = new Set<string>();
  for (const { id, run } of cases) {
    try {
      await run();
    } catch {
      red.add(shortOf(id));
    }
  }
  return [...red];
}

/** `line-dialling-opens` as `opens`. */
export function shortOf(id: string): string {
  return id.replace(/^[a-z]+-(?:(?:dialling|accepting)-)?/, '');
}
