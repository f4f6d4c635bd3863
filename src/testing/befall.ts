/**
 * Carries out the faults of a plan, each at its time or on its frame. What lasts for a time ends by itself, or earlier when
 * the world is healed.
 */
import type { ClientNode } from './client-node.ts';
import type { Fault, WhichShard } from './plan.ts';
import type { SimHost } from './sim-host.ts';
import type { SimLine, Toward } from './sim-line.ts';
import type { SimPath } from './sim-path.ts';
import type { SimShard } from './sim-shard.ts';
import type { World } from './world.ts';

/** Lets a fault come true when it is to; must be called before the world goes on. `told` is called just before that. */
export function schedule(world: World, fault: Fault, told: () => void = () => {}): void {
  const comesTrue = (line?: SimLine): void => {
    told();
    befall(world, fault, line);
  };
  if (fault.on === undefined) world.loop.clock.at(fault.atMs, () => comesTrue());
  else world.clients[fault.client]?.path.on(fault.on, comesTrue);
}

/** Lets a fault come true now, whatever it says of its time; on the line given, if it came by a frame. */
export function befall(world: World, fault: Fault, line?: SimLine): void {
  const node = world.clients[fault.client];
  if (node === undefined) return;
  const { path } = node;
  switch (fault.type) {
    case 'weather':
      return path.setWeather(fault.toward, fault.change);
    case 'stall':
      return path.stall(fault.toward, fault.forMs);
    case 'cut':
      return path.cutAfter(fault.toward, fault.afterBytes, fault.by, line);
    case 'flap':
      for (let count = 0; count < fault.times; count += 1) later(world, count * fault.everyMs, () => cut(world, path));
      return;
    case 'flip':
      return path.flipAfter(fault.toward, fault.afterBytes, line);
    case 'orphan':
      return path.orphan(fault.toward, fault.forMs);
    case 'replay':
      return path.replayHello(fault.back, fault.stayMs);
    case 'clog':
      return path.clog(fault.toward);
    case 'acks':
      return path.trick(fault.toward, fault.how);
    case 'swallow':
      if (fault.toward !== 'client') path.swallow('server');
      if (fault.toward !== 'server') path.swallow('client');
      return;
    case 'door':
      path.door = fault.door;
      return later(world, fault.forMs, () => (path.door = 'open'));
    case 'freeze':
      for (const host of hostsOf(node, fault.side)) host.stall(fault.forMs);
      return;
    case 'reconnect':
      return ifLive(node, () => node.client.reconnect());
    case 'disconnect':
      ifLive(node, () => node.client.disconnect());
      return later(world, fault.forMs, () => ifLive(node, () => node.client.connect()));
    case 'directDoor':
      path.directDoor = fault.door;
      return later(world, fault.forMs, () => (path.directDoor = 'open'));
    case 'shardPause':
      return shardOf(node, fault.which)?.host.stall(fault.forMs);
    case 'shardCrash': {
      const thread = shardOf(node, fault.which);
      if (thread !== undefined) node.target.shards?.crash(thread.place, fault.isSilent);
      return;
    }
    case 'crash':
      return crash(world, node, fault.side, fault.isSilent, fault.forMs);
  }
}

function cut(world: World, path: SimPath): void {
  if (!world.isHealed) path.cutAfter('client', 0);
}

function later(world: World, forMs: number, task: () => void): void {
  world.loop.clock.at(world.nowMs + forMs, task);
}

function ifLive(node: ClientNode, task: () => void): void {
  if (node.isUp && node.client.connection.state !== 'closed') task();
}

/** A process stands still as a whole. */
function hostsOf(node: ClientNode, side: Toward): readonly SimHost[] {
  return side === 'server' ? node.target.hosts : [node.host];
}

function shardOf({ target, client, path }: ClientNode, which: WhichShard): SimShard | undefined {
  if (!target.isUp) return undefined;
  const { shards } = target;
  if (which === 'home') return shards?.find(client.id)?.thread;
  return shards?.threads.find(({ host }) => host.isAlive && host === path.newest?.server.host);
}

function crash(world: World, node: ClientNode, side: Toward, isSilent: boolean, forMs: number): void {
  const victim = side === 'server' ? node.target : node;
  victim.crash(isSilent);
  later(world, forMs, () => victim.restart());
}
