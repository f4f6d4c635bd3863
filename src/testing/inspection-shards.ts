/**
 * What is looked at in a server with shards, beside what is looked at in any: a session lives in one shard, its home;
 * what is carried from one shard to another is counted, and is over when the line is; the main thread knows who is there.
 */
import { Count } from '../actors/tally.ts';
import { homeOf } from '../actors/placement.ts';
import type { Cast } from './cast.ts';
import { expectCount } from './count.ts';
import { PromiseBroken } from './course.ts';
import type { SimShards } from './sim-shards.ts';

/** At each step: no counter of a shard is below zero, and no shard carries more than there are pipes. */
export function inspectShards(cast: Cast): void {
  const { shards } = cast.server;
  if (shards === undefined || !cast.server.isUp) return;
  let relays = 0;
  for (const { host, tally } of shards.threads) {
    if (host.isAlive) relays += tally.read(Count.RELAYS);
    for (const index of [Count.CONNECTIONS, Count.HANDSHAKES, Count.SESSIONS, Count.RELAYS]) {
      if (tally.read(index) < 0) throw new PromiseBroken(`counter ${index} of ${host.name} is ${tally.read(index)}`);
    }
  }
  if (relays > shards.channels.pipeCount)
    throw new PromiseBroken(`${relays} relays over ${shards.channels.pipeCount} pipes`);
}

/** Why the shards are not at rest, undefined when they are. */
export function unrestOfShards(cast: Cast): string | undefined {
  const { shards } = cast.server;
  if (shards === undefined) return undefined;
  if (!shards.isServing) return 'a shard does not serve';
  const { relays } = shards.counts;
  if (relays !== shards.channels.pipeCount) return `${relays} relays over ${shards.channels.pipeCount} pipes`;
  if (relays > cast.pairs.length) return `${relays} relays for ${cast.pairs.length} clients`;
  return undefined;
}

/** After rest: each session is at home, and the main thread lists those that the shards hold, no others. */
export function inspectShardsRest(cast: Cast): void {
  const { shards } = cast.server;
  if (shards === undefined) return;
  for (const { node, account } of cast.pairs) {
    const { id } = node.client;
    const place = shards.find(id)?.thread.place;
    const home = homeOf(id, shards.places);
    if (place !== home)
      throw new PromiseBroken(`the session of ${account.name} is in shard ${place}, its home is ${home}`);
  }
  const held = shards.threads.flatMap(({ inner }) => [...(inner?.shard.sessions() ?? [])].map(({ id }) => String(id)));
  const listed = shards.listed.map(({ id }) => id);
  if (held.toSorted().join() !== listed.toSorted().join()) {
    throw new PromiseBroken(`the shards hold ${held.join()}, and the main thread lists ${listed.join()}`);
  }
}

/** After the goodbyes of all clients: no line, no relay and no pipe is left. */
export function inspectShardsFarewell(shards: SimShards): void {
  const { connections, handshakes, relays } = shards.counts;
  expectCount('connections after all goodbyes', connections, 0);
  expectCount('handshakes after all goodbyes', handshakes, 0);
  expectCount('relays after all goodbyes', relays, 0);
  expectCount('pipes after all goodbyes', shards.channels.pipeCount, 0);
}
