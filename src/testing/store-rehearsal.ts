/**
 * Plays a plan for the shared store: chaos, then heal, then rest. It throws at the first broken promise: at every step
 * the client's copy is a prefix of the server's history with its own writes on top, and at rest both ends are equal.
 */
import { schedule } from './befall.ts';
import { PromiseBroken } from './course.ts';
import { StoreCast, type StorePair, storeOf } from './store-cast.ts';
import type { StorePlan } from './store-plan.ts';
import type { World } from './world.ts';

/** By then everything has come to rest that ever does: timers, thinking users, lengths that were altered. */
const REST_MS = 200_000;
const FAREWELL_MS = 3_000;

/** What a run was like. */
export interface StoreReport {
  readonly writeCount: number;
  readonly refusedCount: number;
  /** Changes in the histories of the epochs that were the last ones. */
  readonly changeCount: number;
  readonly lossCount: number;
  readonly gapCount: number;
}

/** Plays a plan to its end; `prepare` gets the world before anything happens in it. */
export async function rehearseStore(plan: StorePlan, prepare?: (world: World) => void): Promise<StoreReport> {
  const cast = new StoreCast(plan);
  const { world, pairs } = cast;
  const pairOf = new Map(pairs.map((pair) => [pair.node, pair]));
  world.onTouch = (node) => {
    const pair = pairOf.get(node);
    if (pair !== undefined) cast.look(pair);
  };
  for (const fault of plan.faults) schedule(world, fault);
  for (const act of plan.acts) world.loop.clock.at(act.atMs, () => cast.perform(act));
  prepare?.(world);
  await world.run(plan.chaosMs);
  world.heal();
  await rest(cast);
  for (const { node } of pairs) node.host.hold(node.client.close({ drainMs: 0 }));
  cast.server.host.hold(cast.server.server.close({ drainMs: 0 }));
  await world.run(FAREWELL_MS);
  return {
    writeCount: cast.writeCount,
    refusedCount: cast.refusedCount,
    changeCount: pairs.reduce((sum, { account }) => sum + account.length, 0),
    lossCount: pairs.reduce((sum, { node }) => sum + node.path.lossCount, 0),
    gapCount: pairs.reduce((sum, { gapCount }) => sum + gapCount, 0),
  };
}

async function rest(cast: StoreCast): Promise<void> {
  const { world, pairs } = cast;
  // Before that, an end may still believe in a connection that is dead.
  await world.run(2_500);
  const isThere = await world.until(() => pairs.every((pair) => unrest(pair) === undefined), REST_MS);
  if (!isThere) {
    const why = pairs.map((pair) => `${pair.account.name}: ${unrest(pair) ?? 'at rest'}`);
    throw new PromiseBroken(`no rest: ${why.join(', ')}`);
  }
  for (const pair of pairs) {
    cast.look(pair);
    const far = pair.node.hosted?.actor.store;
    if (far !== undefined) pair.account.rest(storeOf(pair.node.client), far);
  }
}

function unrest({ node, openCount }: StorePair): string | undefined {
  const { connection, dialler } = node.client;
  if (connection.state !== 'up') return `the connection is ${connection.state}`;
  const far = node.hosted?.actor;
  if (far === undefined) return 'the server has no session';
  for (const actor of [dialler.actor, far]) {
    const { ordered, direct } = actor.session.outlet;
    if (ordered.messages > 0 || direct.messages > 0)
      return `${ordered.messages} and ${direct.messages} messages in an outbox`;
    if (!actor.mailbox.isIdle) return 'a mailbox is busy';
  }
  return openCount > 0 ? `${openCount} flushes are open` : undefined;
}
