/**
 * Plays a plan: chaos, then heal, then rest, then farewell. It throws at the first broken promise: order and once,
 * nothing acknowledged lost, reports that account for everything, bounds at each step; and at the end rest within a
 * time that follows from the timers, one connection a session, no stray timer, and nothing left after `close`.
 */
import { defaults } from '../actors/options.ts';
import { schedule } from './befall.ts';
import { Cast, rehearsalTimers } from './cast.ts';
import { Farewell } from './closings.ts';
import { PromiseBroken } from './course.ts';
import { hasSpentTimers, inspect, inspectEnd, inspectFarewell, inspectRest, unrest } from './inspection.ts';
import { inspectShardsFarewell } from './inspection-shards.ts';
import { isLinted } from './linter.ts';
import type { Act, Fault, Plan } from './plan.ts';
import type { ShardsPlan } from './shards-plan.ts';
import type { Task } from './speaker.ts';
import type { ClientNode } from './client-node.ts';
import type { World } from './world.ts';

/** A frame that has begun may take this long; an altered length makes one that never ends. */
const PARTIAL_FRAME_MS = 135_000;

/** The supervisor waits at most so long before it starts a shard again. */
const RESTART_DELAY_MS = 5_000;

/** For what the timers do not say: round trips, acks, the time until a server wants to be dialled again. */
const SLACK_MS = 3_000;

/** What a run was like. */
export interface RehearsalReport {
  readonly hash: string;
  readonly deliveredCount: number;
  readonly dialCount: number;
  readonly lossCount: number;
  readonly gapCount: number;
  /** Shards that died, and connections that were carried from one to another at a time, at most. */
  readonly shards?: { readonly lossCount: number; readonly relayCountMax: number };
  readonly virtualMs: number;
}

/** What else a rehearsal is told. */
export interface RehearsalOptions {
  /** Whether every byte that is written is held against the protocol; of some seeds, unless it says so. */
  readonly isWatched?: boolean;
  /** Gets the world before anything happens in it. */
  readonly prepare?: (world: World) => void;
}

/** Plays a plan to its end. */
export async function rehearse(plan: Plan, options: RehearsalOptions = {}): Promise<RehearsalReport> {
  const { isWatched = isLinted(plan.seed), prepare } = options;
  const cast = new Cast(plan, isWatched);
  const { world } = cast;
  const pairOf = new Map(cast.pairs.map((pair) => [pair.node, pair]));
  world.onTouch = (node) => {
    const pair = pairOf.get(node);
    if (pair === undefined) return;
    inspect(cast, pair, plan.options);
    cast.gallery?.look(node);
  };
  for (const fault of plan.faults) schedule(world, fault, () => cast.gallery?.befallen(fault, cast.server.host));
  for (const act of plan.acts) world.loop.clock.at(act.atMs, () => perform(cast, act));
  const farewells = (plan.closings ?? []).map((closing) => {
    const each = new Farewell(cast, closing);
    world.loop.clock.at(closing.atMs, () => each.begin());
    return each;
  });
  prepare?.(world);
  await world.run(plan.chaosMs);
  world.heal();
  if (plan.closings === undefined) await rest(cast, plan);
  else await world.run(Math.max(...plan.closings.map(({ atMs, drainMs }) => atMs + drainMs)) + restMs(plan));
  for (const each of farewells) each.inspect();
  await farewell(cast, plan);
  cast.gallery?.end();
  return reportOf(cast);
}

function perform(cast: Cast, act: Act): void {
  const pair = cast.pairs[act.client];
  const speaker = act.by === 'client' ? pair?.client : pair?.server;
  if (act.type === 'flush') speaker?.flush();
  else for (let count = 0; count < act.count; count += 1) speaker?.say(act.saying);
}

async function rest(cast: Cast, plan: Plan): Promise<void> {
  const { heartbeat, handshakeMs, backoff } = rehearsalTimers;
  // Before that, an end may still believe in a connection that is dead.
  await cast.world.run(heartbeat.timeoutMs + 1_000);
  const withinMs = restMs(plan);
  const isThere = await cast.world.until(() => unrest(cast) === undefined, withinMs);
  if (isThere) await cast.world.run(handshakeMs + backoff.stableMs);
  if (isThere) await cast.world.until(() => !hasSpentTimers(cast), defaults.turnDeadlineMs);
  const why = unrest(cast);
  if (why !== undefined) throw new PromiseBroken(`no rest within ${withinMs} ms: ${why}`);
  inspectRest(cast);
  cast.gallery?.tell(cast.server.host, { type: 'rest' });
}

async function farewell(cast: Cast, plan: Plan): Promise<void> {
  const { world, server } = cast;
  const hasClosed = plan.closings?.some(({ who }) => who === 'server') === true;
  for (const { node } of cast.pairs) node.host.hold(node.client.close(hasClosed ? { drainMs: 0 } : {}));
  await world.run(SLACK_MS);
  for (const pair of cast.pairs) inspectFarewell(pair);
  if (server.shards !== undefined && !hasClosed) inspectShardsFarewell(server.shards);
  server.host.hold(server.server.close({ drainMs: 0 }));
  await world.run(SLACK_MS);
  inspectEnd(cast);
}

/** How long a world may take to come to rest: what its timers allow, and what its users asked for. */
function restMs(plan: Plan): number {
  const { heartbeat, handshakeMs, backoff } = rehearsalTimers;
  const noticeMs = heartbeat.timeoutMs + 1_000 + 2 * handshakeMs + backoff.maxMs;
  const workMs = plan.acts.reduce(
    (sum, act) => sum + (act.type === 'say' ? act.count * taskMs(act.saying.task) : 0),
    0,
  );
  const faultMs = plan.faults.reduce((longest, fault) => Math.max(longest, lastsMs(fault)), 0);
  return noticeMs + workMs + faultMs + (plan.options.authMs ?? 0) + shardsMs(plan.options.shards) + SLACK_MS;
}

/** How long shards may take until all serve again: a hung one is found, gone, waits, and starts. */
function shardsMs(plan: ShardsPlan | undefined): number {
  if (plan === undefined) return 0;
  const { watchdogMs, goneMs, startMs, channelMs } = plan;
  return watchdogMs * 1.1 + goneMs + RESTART_DELAY_MS + startMs + 10 * channelMs;
}

function taskMs(task: Task): number {
  switch (task.type) {
    case 'nothing':
      return 0;
    case 'works':
      return task.forMs;
    case 'throws':
      return task.afterMs;
    case 'asksBack':
      return task.patienceMs;
  }
}

function lastsMs(fault: Fault): number {
  if (fault.type === 'flip') return PARTIAL_FRAME_MS;
  return 'forMs' in fault ? fault.forMs : 0;
}

function reportOf(cast: Cast): RehearsalReport {
  const { world, ledger, pairs, server } = cast;
  const sum = (count: (node: ClientNode) => number): number =>
    world.clients.reduce((all, node) => all + count(node), 0);
  const { shards } = server;
  return {
    ...(shards === undefined
      ? {}
      : { shards: { lossCount: shards.lossCount, relayCountMax: shards.channels.pipeCountMax } }),
    hash: world.trace.hash,
    deliveredCount: ledger.deliveredCount,
    dialCount: sum((node) => node.path.dialCount),
    lossCount: sum((node) => node.path.lossCount),
    gapCount: pairs.reduce((all, pair) => all + pair.gapCount, 0),
    virtualMs: world.nowMs,
  };
}
