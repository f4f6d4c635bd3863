/** Whether a run on real sockets has come to rest, and whether both ends agree then. */
import type { SessionServer } from '../../server/server.ts';
import type { RealClient } from './real-client.ts';

/** Why it is not at rest, undefined when it is; sessions of another thread cannot be looked into. */
export function unrestOfReal(
  clients: readonly RealClient[],
  server: SessionServer,
  isHere: boolean,
): string | undefined {
  for (const each of clients) {
    const why = unrestOfClient(each, isHere ? server : undefined);
    if (why !== undefined) return `c${each.number}: ${why}`;
  }
  const { connections, handshakes } = server.counts;
  if (connections !== clients.length) return `${connections} connections for ${clients.length} clients`;
  if (handshakes !== 0) return `${handshakes} handshakes are under way`;
  return undefined;
}

function unrestOfClient({ life }: RealClient, server: SessionServer | undefined): string | undefined {
  if (life === undefined) return 'the process is down';
  const { connection, dialler, id } = life.client;
  if (connection.state !== 'up') return `the connection is ${connection.state}`;
  const near = dialler.actor;
  const far = server?.shard.find(id).living?.actor;
  if (server !== undefined && far === undefined) return 'the server has no session';
  for (const [name, actor] of [
    ['client', near],
    ['server', far],
  ] as const) {
    if (actor === undefined) continue;
    const { ordered, direct } = actor.session.outlet;
    const waiting = ordered.messages + direct.messages;
    if (waiting > 0) return `${name}: ${waiting} messages are in the outbox`;
    if (!actor.mailbox.isIdle) return `${name}: the mailbox is busy`;
  }
  if (far === undefined) return undefined;
  const positions = [
    [far.session.orderedReceived, near.session.outlet.ordered.released],
    [near.session.orderedReceived, far.session.outlet.ordered.released],
  ];
  const apart = positions.find(([received, released]) => received !== released);
  return apart === undefined
    ? undefined
    : `one end has processed ${apart[0]} messages, and the other knows of ${apart[1]}`;
}
