/**
 * What is looked at from outside: the bounds at each step, whether a world has come to rest, and whether anything is
 * left once everybody has said goodbye. The counts are those of the users, wherever the two could differ.
 */
import { PromiseBroken } from './course.ts';
import type { Cast, Pair } from './cast.ts';
import { expectCount } from './count.ts';
import { inspectShards, inspectShardsRest, unrestOfShards } from './inspection-shards.ts';
import type { PlanOptions } from './plan.ts';

/** Looks at both ends of a client's session after something has reached one of them. */
export function inspect(cast: Cast, pair: Pair, options: PlanOptions): void {
  const { node, account } = pair;
  if (!node.isUp) return;
  inspectShards(cast);
  const { session } = node.client.dialler.actor;
  const courses = account.epochs.get(session.epoch);
  if (courses === undefined) return;
  const far = cast.server.isUp ? node.hosted?.actor.session : undefined;
  courses.toServer.look(session.outlet.ordered.released, far?.orderedReceived ?? 0);
  courses.toClient.look(far?.outlet.ordered.released ?? 0, session.orderedReceived);
  const { heldCount } = account;
  // Beside those of older epochs a message may pass alone that is larger than what they leave of the window.
  const besideBytes = heldCount > courses.toClient.heldCount ? cast.longestBytes : 0;
  inspectBounds(account.name, session, { heldCount, besideBytes }, options);
  if (far === undefined) return;
  const held = { heldCount: courses.toServer.heldCount, besideBytes: 0 };
  inspectBounds(`server of ${account.name}`, far, held, options);
}

/** The part of a session that is looked at. */
interface SessionView {
  readonly mailboxBytes: number;
  readonly outlet: { readonly ordered: { readonly messages: number; readonly bytes: number } };
}

/** What is in a mailbox as its user knows it, and the bytes that may be there beyond its bound. */
interface Held {
  readonly heldCount: number;
  readonly besideBytes: number;
}

function inspectBounds(
  name: string,
  session: SessionView,
  { heldCount, besideBytes }: Held,
  options: PlanOptions,
): void {
  const { mailboxMessages, mailboxBytes, outboxMessages, outboxBytes } = options;
  const { messages, bytes } = session.outlet.ordered;
  if (messages > outboxMessages)
    throw new PromiseBroken(`${name}: ${messages} messages in an outbox for ${outboxMessages}`);
  if (messages > 1 && bytes > outboxBytes)
    throw new PromiseBroken(`${name}: ${bytes} bytes in an outbox for ${outboxBytes}`);
  if (heldCount > mailboxMessages)
    throw new PromiseBroken(`${name}: ${heldCount} messages in a mailbox for ${mailboxMessages}`);
  if (heldCount > 1 && session.mailboxBytes > mailboxBytes + besideBytes) {
    throw new PromiseBroken(`${name}: ${session.mailboxBytes} bytes in a mailbox for ${mailboxBytes}`);
  }
}

/** Why the world is not at rest, undefined when it is: all up, all said and processed, nobody waits. */
export function unrest(cast: Cast): string | undefined {
  const { counts } = cast.server.server;
  if (counts.connections !== cast.pairs.length)
    return `${counts.connections} connections for ${cast.pairs.length} clients`;
  if (counts.handshakes !== 0) return `${counts.handshakes} handshakes`;
  const ofShards = unrestOfShards(cast);
  if (ofShards !== undefined) return ofShards;
  for (const pair of cast.pairs) {
    const why = unrestOf(pair);
    if (why !== undefined) return `${pair.account.name}: ${why}`;
  }
  return undefined;
}

function unrestOf({ node, account, client, server }: Pair): string | undefined {
  const { connection, dialler } = node.client;
  if (connection.state !== 'up') return `the connection is ${connection.state}`;
  const far = node.hosted?.actor;
  if (far === undefined) return 'the server has no session';
  const courses = account.epochs.get(node.client.epoch);
  for (const [name, actor] of [
    ['client', dialler.actor],
    ['server', far],
  ] as const) {
    const { ordered, direct } = actor.session.outlet;
    if (ordered.messages > 0 || direct.messages > 0)
      return `${name}: ${ordered.messages} and ${direct.messages} messages in the outbox`;
    if (!actor.mailbox.isIdle) return `${name}: the mailbox is busy`;
  }
  if (courses?.toServer.isDone !== true) return 'not all that the client said was processed';
  if (!courses.toClient.isDone) return 'not all that the server said was processed';
  const openCount = (client?.openCount ?? 0) + (server?.openCount ?? 0);
  return openCount > 0 ? `${openCount} promises are open` : undefined;
}

/** Whether an end still has a timer for a deadline that nobody waits for any more; it ends by itself. */
export function hasSpentTimers({ pairs, server }: Cast): boolean {
  const watchdog = server.shards === undefined ? 0 : 1;
  if (pairs.some(({ node }) => node.host.timerCount > 1)) return true;
  return server.hosts.reduce((sum, host) => sum + host.timerCount, 0) > pairs.length + watchdog;
}

/** After rest, and time enough for every timer that ends by itself: one connection and one timer a session. */
export function inspectRest(cast: Cast): void {
  const { server } = cast.server;
  expectCount('connections at the server', server.counts.connections, cast.pairs.length);
  // Sessions of clients that died linger, and with them the deadlines of those who wait there.
  if (server.counts.sessions === cast.pairs.length) {
    const watchdog = cast.server.shards === undefined ? 0 : 1;
    expectCount('timers at the server', timerCountOf(cast), cast.pairs.length + watchdog);
  }
  inspectShardsRest(cast);
  for (const { node, account } of cast.pairs) {
    expectCount(`timers at ${account.name}`, node.host.timerCount, 1);
    expectCount(`lines of ${account.name}`, node.path.lines.length, 1);
  }
}

/** After the goodbye of a client: nothing is left of it. */
export function inspectFarewell({ node, account, client }: Pair): void {
  if (node.client.connection.state !== 'closed') throw new PromiseBroken(`${account.name} did not end`);
  expectCount(`timers at ${account.name} after its end`, node.host.timerCount, 0);
  expectCount(`lines of ${account.name} after its end`, node.path.lines.length, 0);
  expectCount(`open promises of ${account.name} after its end`, client?.openCount ?? 0, 0);
}

/** After the goodbye of the server: nothing is left in the world. */
export function inspectEnd(cast: Cast): void {
  const { server } = cast.server;
  const { sessions, connections, handshakes } = server.counts;
  expectCount('sessions after the end', sessions, 0);
  expectCount('connections after the end', connections, 0);
  expectCount('handshakes after the end', handshakes, 0);
  expectCount('timers at the server after the end', timerCountOf(cast), 0);
  expectCount('events left in the world', cast.world.loop.clock.pendingCount, 0);
}

function timerCountOf({ server }: Cast): number {
  return server.hosts.reduce((sum, host) => sum + host.timerCount, 0);
}
