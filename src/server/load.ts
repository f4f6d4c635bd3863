/** Loads the behavior of a module, and knows whether this thread is a shard. */
import type { Contract } from '../contract.ts';
import { HomingError } from '../errors.ts';
import type { Behavior } from './behavior.ts';

/** On the global object, because a program may have loaded this package twice. */
const SHARD_THREAD = Symbol.for('homing.shard');

/** From now on this thread is a shard: servers are not made in it. */
export function markShardThread(): void {
  (globalThis as Record<symbol, unknown>)[SHARD_THREAD] = true;
}

/** Throws `BadOption` in a shard, where a server would make shards without end. */
export function requireNoShard(): void {
  if ((globalThis as Record<symbol, unknown>)[SHARD_THREAD] !== true) return;
  throw new HomingError(
    'BadOption',
    'expected createServer() outside of a shard: keep the behavior in a module of its own, without the server',
  );
}

/** The default export of a module, which must be a behavior. Throws `BadOption`, or what the module throws. */
export async function loadBehavior(module: string): Promise<Behavior<Contract>> {
  const loaded = (await import(module)) as { readonly default?: Behavior<Contract> };
  if (typeof loaded.default?.start === 'function') return loaded.default;
  throw new HomingError('BadOption', `expected the default export of ${module} to be a behavior with a start function`);
}
