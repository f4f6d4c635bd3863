/**
 * What a shard thread runs: loads the behavior, takes sockets and orders from the main thread, and never returns. The
 * default export is the task that the pool starts.
 */
import type { Socket } from 'node:net';
import { type Door, NO_DOOR } from '../actors/acceptor.ts';
import { nodeHost } from '../actors/host.ts';
import { plainError } from '../actors/news.ts';
import { MAIN } from '../actors/notes.ts';
import { redialOf, settingsOf, threadsOf } from '../actors/options.ts';
import { takePulse } from '../actors/pulse.ts';
import { pipeDial } from '../actors/relay.ts';
import { Count, Tally } from '../actors/tally.ts';
import { routeTo } from '../client/route-to.ts';
import { HomingError } from '../errors.ts';
import type { Address } from '../transports/address.ts';
import { portPipe } from '../transports/port.ts';
import { type TcpListener, acceptedLine, listenTcp } from '../transports/tcp.ts';
import { type TlsTerms, tlsTerms } from '../transports/tls.ts';
import { BehaviorShard } from './behavior-shard.ts';
import { loadBehavior, markShardThread } from './load.ts';
import { Neighborhood } from './neighborhood.ts';
import { Newsroom } from './newsroom.ts';
import type { DoorOrder, Order, Relayed, Report, ShardStart } from './orders.ts';
import { RemoteDesk } from './remote-desk.ts';
import { rosterAt } from './roster-at.ts';

/** How often at least the shard shows within the watchdog's time that its loop turns, and how rarely at most. */
const BEATS = 40;
const BEAT_MAX_MS = 250;

/** The door of streams that were given to the server. */
const STREAM_DOOR: Door = { ...NO_DOOR, spreads: true };

interface OpenDoor {
  readonly door: Door;
  readonly tls: TlsTerms | undefined;
}

/** Runs a shard in this thread for as long as the thread lives. */
// oxlint-disable-next-line import/no-default-export -- Piscina calls the default export of its module
export default async function runShard(start: ShardStart): Promise<never> {
  const { port, place, places, options, memory } = start;
  markShardThread();
  const tally = new Tally(memory);
  const { watchdogMs } = threadsOf(options, true);
  const pulse = takePulse(tally, watchdogMs > 0 ? Math.min(BEAT_MAX_MS, watchdogMs / BEATS) : BEAT_MAX_MS);
  if (watchdogMs === 0) pulse.unref();
  const report = (news: Report): void => port.postMessage(news);
  let behavior;
  try {
    behavior = await loadBehavior(start.module);
  } catch (error) {
    report({ type: 'unfit', error: plainError(error) });
    throw error;
  }
  const host = nodeHost();
  const newsroom = new Newsroom(host, (news) => report({ type: 'news', news }));
  const desk = new RemoteDesk(report);
  const neighbors = new Neighborhood(place, places, {
    relayed: (relayed) => takeRelayed(relayed),
    heard: (from, notes) => shard.shard.heard(from, notes),
    met: (other) => shard.shard.met(other),
    lost: (other) => shard.shard.lost(other),
    report: (notes) => report({ type: 'notes', notes }),
  });
  const roster = rosterAt(start, () => shard.shard);
  const shard: BehaviorShard = new BehaviorShard({
    host,
    behavior,
    settings: settingsOf(options),
    redial: redialOf(options.backoff),
    around: { place, tally, neighbors, roster },
    offload: (task, input, wait) => desk.run(task, input, wait),
    tell: (news) => newsroom.take(news),
  });
  const defer = (task: () => void): void => host.defer(task);
  const doors = new Map<number, OpenDoor>();
  const listeners: TcpListener[] = [];
  const dials = new Map<number, () => void>();

  port.on('message', obey);
  report({ type: 'ready' });
  return new Promise<never>(() => {});

  function obey(order: Order): void {
    switch (order.type) {
      case 'socket':
        return takeSocket(order.socket, order.door);
      case 'stream':
        tally.add(Count.TAKEN, 1);
        // Whoever gave it to the server could not choose: as at a path, new sessions begin in all shards in turn.
        return shard.shard.accept(pipeDial(portPipe(order.port), order.ends, defer, shard.shard.books), STREAM_DOOR);
      case 'door':
        return void openDoor(order.door);
      case 'path':
        return void listenAtPath(order.door, order.path);
      case 'shut':
        for (const listener of listeners.splice(0)) void listener.close();
        return;
      case 'places':
        neighbors.places = order.places;
        return;
      case 'neighbor':
        return neighbors.meet(order.place, order.memory, order.port);
      case 'dial':
        return dial(order);
      case 'hangUp':
        dials.get(order.key)?.();
        return;
      case 'taskDone':
      case 'taskFailed':
        return desk.settle(order);
      case 'notes':
        return shard.shard.heard(MAIN, order.notes);
      case 'drain':
        return shard.drain(order.drainMs, () => {
          newsroom.flush();
          report({ type: 'drained' });
        });
    }
  }

  function takeSocket(socket: Socket, door: number): void {
    tally.add(Count.TAKEN, 1);
    const open = doors.get(door);
    if (open === undefined) socket.destroy();
    else shard.shard.accept(acceptedLine(socket, open.tls), open.door);
  }

  /** The session is at home here: it is not sent on, and if it is new it begins here. */
  function takeRelayed({ port: from, ends, door }: Relayed): void {
    const open = doors.get(door)?.door ?? NO_DOOR;
    shard.shard.accept(pipeDial(portPipe(from), ends, defer, shard.shard.books), { ...open, spreads: false });
  }

  async function openDoor({ number, tls, direct, spreads }: DoorOrder): Promise<void> {
    const terms = tls === undefined ? undefined : tlsTerms(tls);
    doors.set(number, { door: { number, directPort: 0, spreads }, tls: terms });
    if (direct === undefined) return report({ type: 'listening', door: number, what: 'door', at: undefined });
    await listen(number, 'door', { type: 'tcp', ...direct }, (at) => {
      doors.set(number, { door: { number, directPort: at.port, spreads }, tls: terms });
    });
  }

  async function listenAtPath(number: number, path: string): Promise<void> {
    await listen(number, 'path', { type: 'path', path }, () => {});
  }

  async function listen(
    number: number,
    what: 'door' | 'path',
    address: Address,
    opened: (at: TcpListener['address']) => void,
  ): Promise<void> {
    try {
      const listener = await listenTcp(address, (socket) => {
        const open = doors.get(number);
        if (open === undefined) socket.destroy();
        else shard.shard.accept(acceptedLine(socket, open.tls), open.door);
      });
      listeners.push(listener);
      opened(listener.address);
      report({ type: 'listening', door: number, what, at: listener.address });
    } catch (error) {
      report({ type: 'listening', door: number, what, at: plainError(error) });
    }
  }

  function dial({ key, address, credentials }: Extract<Order, { type: 'dial' }>): void {
    tally.add(Count.DIALS, 1);
    const end = shard.dial({
      ...routeTo(host.clock, address),
      credentials: () => credentials,
      settled: (result) => {
        newsroom.flush();
        if (result instanceof HomingError) report({ type: 'notDialled', key, error: plainError(result) });
        else report({ type: 'dialled', key, info: result });
      },
      over: () => {
        dials.delete(key);
        report({ type: 'dialOver', key });
      },
    });
    dials.set(key, end);
  }
}
