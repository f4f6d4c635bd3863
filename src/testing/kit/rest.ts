/** Whether a run has come to rest, and what must be so once it has: connections, positions of both ends, stores. */
import type { ClientNode } from '../client-node.ts';
import type { Fault } from '../plan.ts';
import type { ServerNode } from '../server-node.ts';
import { fairShards } from '../shards-plan.ts';
import type { World } from '../world.ts';
import { processes, userTimersOf } from './processes.ts';
import { Verdict } from './verdict.ts';

/** Clients that are still somebody's: neither closed by their user nor ended by the server. */
export function livingOf(world: World): readonly ClientNode[] {
  return world.clients.filter(({ client }) => client.connection.state !== 'closed');
}

/** Clients that want a connection: `idle` is who was told to stay down. */
function wantingOf(world: World): readonly ClientNode[] {
  return livingOf(world).filter(({ client }) => client.connection.state !== 'idle');
}

/** Why a world is not at rest, undefined when it is. */
export function unrestOf(world: World, server: ServerNode): string | undefined {
  const clients = wantingOf(world);
  const { connections, handshakes } = server.server.counts;
  for (const node of clients) {
    const why = unrestOfPair(node);
    if (why !== undefined) return `${node.name}: ${why}`;
  }
  if (connections !== clients.length) return `${connections} connections for ${clients.length} clients`;
  if (handshakes !== 0) return `${handshakes} handshakes are under way`;
  if (server.shards?.isServing === false) return 'a shard does not serve';
  return undefined;
}

function unrestOfPair(node: ClientNode): string | undefined {
  const { connection, dialler } = node.client;
  if (connection.state !== 'up') return `the connection is ${connection.state}`;
  const far = node.hosted?.actor;
  if (far === undefined) return 'the server has no session';
  for (const [name, actor] of [
    ['client', dialler.actor],
    ['server', far],
  ] as const) {
    const { ordered, direct } = actor.session.outlet;
    if (ordered.messages > 0 || direct.messages > 0)
      return `${name}: ${ordered.messages + direct.messages} messages are in the outbox`;
    if (!actor.mailbox.isIdle) return `${name}: the mailbox is busy`;
    if (actor.callee.runningCount > 0) return `${name}: ${actor.callee.runningCount} calls run`;
  }
  return undefined;
}

/** At rest: one line for each client, positions that fit each other, stores that are equal. */
export function inspectRest(world: World, server: ServerNode): void {
  for (const { name, path, client } of wantingOf(world)) {
    expectEqual('leftover', name, 'lines', path.lines.length, 1);
    const far = server.find(client.id)?.actor;
    if (far === undefined) continue;
    const near = client.dialler.actor;
    const [toServer, toClient] = [near.session.outlet.ordered.released, far.session.outlet.ordered.released];
    expectEqual('positions', name, 'messages that the server processed', far.session.orderedReceived, toServer);
    expectEqual('positions', name, 'messages that the client processed', near.session.orderedReceived, toClient);
    expectEqual('store', name, 'pending writes', near.store.pendingCount, 0);
    expectEqual('store', name, 'the store', textOf(near.store.entries()), textOf(far.store.entries()));
  }
}

function facts({ name, path, host }: ClientNode) {
  return { name, path, timers: host.timerCount - userTimersOf(host).size };
}

/** How the ends of a run are timed; milliseconds. */
export interface Timing {
  readonly timeoutMs: number;
  readonly handshakeMs: number;
  readonly backoffMaxMs: number;
  readonly workMs: number;
  readonly hasShards: boolean;
}

/** A frame that has begun may take this long; an altered length makes one that never ends. */
const PARTIAL_FRAME_MS = 135_000;
/** A supervisor waits at most so long before it starts a shard again. */
const RESTART_DELAY_MS = 5_000;
/** For round trips and acks. */
const SLACK_MS = 3_000;

/** The longest that a world may take to come to rest after it is healed and every fault has ended. */
export function restMsOf(timing: Timing, faults: readonly Fault[]): number {
  const noticeMs = timing.timeoutMs + 1_000 + 2 * timing.handshakeMs + timing.backoffMaxMs;
  const flipMs = faults.some(({ type }) => type === 'flip') ? PARTIAL_FRAME_MS : 0;
  const { watchdogMs, goneMs, startMs } = fairShards;
  const shardsMs = timing.hasShards ? watchdogMs + goneMs + startMs + RESTART_DELAY_MS : 0;
  return noticeMs + flipMs + shardsMs + timing.workMs + SLACK_MS;
}

/** When the last fault that ends by itself is over; one on a frame comes at the end of chaos at the latest. */
export function lastEndOf(faults: readonly Fault[], chaosMs: number): number {
  const endOf = (fault: Fault): number => (fault.atMs ?? chaosMs) + ('forMs' in fault ? fault.forMs : 0);
  return faults.reduce((last, fault) => Math.max(last, endOf(fault)), 0);
}

/** Once a world is at rest, connections that nobody uses are gone after this long. */
export function settleMsOf({ handshakeMs }: Timing): number {
  return handshakeMs + 1_000;
}

/** What is said last needs so long to arrive. */
const LEAVE_MS = 500;

/** Everybody says goodbye; then nothing is left. */
export async function takeLeave(world: World, server: ServerNode): Promise<void> {
  for (const { host, client } of world.clients) processes.run(host, () => host.hold(client.close()));
  const isOver = await world.until(() => livingOf(world).length === 0, 60_000);
  if (!isOver) throw new Verdict('leftover', `${livingOf(world)[0]?.name} did not end within a minute of close()`);
  await world.run(LEAVE_MS);
  processes.run(server.host, () => server.host.hold(server.server.close({ drainMs: 0 })));
  await world.run(LEAVE_MS);
  for (const { name, path, timers } of world.clients.map(facts)) {
    expectEqual('leftover', name, 'timers after its end', timers, 0);
    expectEqual('leftover', name, 'lines after its end', path.lines.length, 0);
  }
  const { sessions, connections, handshakes } = server.server.counts;
  expectEqual('leftover', 'server', 'sessions after the end', sessions, 0);
  expectEqual('leftover', 'server', 'connections after the end', connections, 0);
  expectEqual('leftover', 'server', 'handshakes after the end', handshakes, 0);
  const timers = server.hosts.reduce((sum, host) => sum + host.timerCount - userTimersOf(host).size, 0);
  expectEqual('leftover', 'server', 'timers after the end', timers, 0);
}

function expectEqual(
  oracle: 'positions' | 'store' | 'leftover',
  who: string,
  what: string,
  got: number | string,
  expected: number | string,
): void {
  if (got !== expected) throw new Verdict(oracle, `${what}: expected ${expected}, got ${got}`, { who });
}

function textOf(entries: Iterable<readonly [string, unknown]>): string {
  const words = [...entries].map(([key, value]) => `${key}=${JSON.stringify(value, plainly)}`);
  return words.toSorted().join(' ');
}

/** Values that JSON has no words for. */
function plainly(_key: string, value: unknown): unknown {
  if (typeof value === 'bigint') return `${value}n`;
  if (value instanceof Map || value instanceof Set) return [...(value as Iterable<unknown>)];
  return value;
}
