/** What `homing fuzz` needs before it can play: the kit, and the simulation that a module of the user exports. */
import { pathToFileURL } from 'node:url';
import type * as kit from '../testing/index.ts';
import type { Simulation } from '../testing/index.ts';

/** `homing/testing`. */
export type Kit = typeof kit;

/** Something is not as it must be before anything can be played. */
export class Unfit extends Error {}

/** Loads the kit, which needs a package that users of the rest do without. Throws `Unfit`. */
export async function loadKit(): Promise<Kit> {
  try {
    return await import('../testing/index.ts');
  } catch (error) {
    if (!(error instanceof Error) || !error.message.includes('fast-check')) throw error;
    throw new Unfit('homing fuzz needs fast-check, which is not installed here: npm install --save-dev fast-check');
  }
}

/** The simulation that a file exports. Throws `Unfit`. */
export async function loadSimulation(path: string): Promise<Simulation> {
  const exported = await load(path);
  const named = [exported['default'], exported['simulation'], ...Object.values(exported)];
  const found = named.find(isSimulation);
  if (found !== undefined) return found;
  const how = 'export a simulation, simulate({ behavior, steps, … }), as the default or by any name (docs/testing.md)';
  if (Object.values(exported).some(isBehavior))
    throw new Unfit(`${path} exports a behavior, which does not say what its clients do: ${how}`);
  const names = Object.keys(exported).join(', ') || 'nothing';
  throw new Unfit(`${path} has no simulation, its exports are: ${names}; ${how}`);
}

async function load(path: string): Promise<Readonly<Record<string, unknown>>> {
  try {
    return (await import(pathToFileURL(path).href)) as Record<string, unknown>;
  } catch (error) {
    const isMissing = isCoded(error) && error.code === 'ERR_MODULE_NOT_FOUND';
    const sentence =
      error instanceof Error ? (isMissing ? error.message : (error.stack ?? error.message)) : String(error);
    throw new Unfit(`${path} cannot be loaded: ${sentence}`);
  }
}

function isSimulation(value: unknown): value is Simulation {
  if (typeof value !== 'object' || value === null || !('scenario' in value)) return false;
  const { scenario } = value;
  return typeof scenario === 'object' && scenario !== null && 'behavior' in scenario && 'steps' in scenario;
}

function isBehavior(value: unknown): boolean {
  return typeof value === 'object' && value !== null && 'start' in value && typeof value.start === 'function';
}

function isCoded(error: unknown): error is Error & { readonly code: unknown } {
  return error instanceof Error && 'code' in error;
}
