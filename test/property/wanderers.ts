/**
 * Clients whose users do whatever a handle lets them do to a connection, at any time, also from inside listeners: switch the
 * redialling off, let go, come back, say goodbye; at a server that refuses some, ends sessions and forgets soon. Nobody is
 * promised messages here, only an end without remains. A run follows from its seed alone.
 */
import { type ClientOptions, openClient } from '../../src/client/client.ts';
import { befall } from '../../src/testing/befall.ts';
import { rehearsalTimers } from '../../src/testing/cast.ts';
import { type AnyContract, ClientNode, type SimClient } from '../../src/testing/client-node.ts';
import { PromiseBroken } from '../../src/testing/course.ts';
import { expectCount } from '../../src/testing/count.ts';
import { Draws } from '../../src/testing/draws.ts';
import type { FaultAction } from '../../src/testing/plan.ts';
import type { ServerNode } from '../../src/testing/server-node.ts';
import type { SimHost } from '../../src/testing/sim-host.ts';
import { tryTo } from '../../src/testing/store-manners.ts';
import type { Session } from '../../src/server/session.ts';
import { World, fairWeather } from '../../src/testing/world.ts';

const CLIENTS = 6;
/** So many of them have one line only. */
const ONCE = 2;
const DEEDS = 700;
const WANDER_MS = 60_000;
/** Somebody who stays away a little longer has lost the session. */
const LINGER_MS = 300;
const FAREWELL_MS = 5_000;

/** Plays the run of a seed; gives how many lines were taken from those who used them. Throws for what is left at the end. */
export async function wander(seed: number): Promise<number> {
  const draws = new Draws(seed, 'wanderers');
  const world = new World(seed);
  const { handshakeMs, heartbeat, backoff } = rehearsalTimers;
  const settings = { handshakeMs, heartbeat, lingerMs: draws.below(3) === 0 ? 60_000 : LINGER_MS };
  const sessions = new Set<Session<AnyContract>>();
  const server = world.addServer(
    'server',
    () => ({
      authenticate: (credentials) => admitted(String(credentials), draws),
      start(session) {
        sessions.add(session);
        session.on('say', () => {});
      },
    }),
    { ...settings, shards: draws.below(4) === 0 ? 2 : 0 },
  );
  const prepare = (client: SimClient, host: SimHost): void => meddle(client, host, draws);
  const nodes = Array.from({ length: CLIENTS }, (_each, index) => {
    const options = { ...settings, backoff, credentials: `c${index}` };
    return index < ONCE
      ? addOnce(world, server, options, prepare)
      : world.addClient(`c${index}`, server, options, { prepare });
  });
  for (let count = 0; count < DEEDS; count += 1) {
    const client = draws.below(CLIENTS);
    const deed = draws.below(deeds.length + 2);
    const [fault, which] = [faultOf(draws), draws.number()];
    world.loop.clock.at(draws.below(WANDER_MS), () => {
      const node = nodes[client];
      if (deed < deeds.length) return node === undefined ? undefined : act(node, deeds[deed] as Deed);
      if (deed === deeds.length) return befall(world, { atMs: 0, client, ...fault });
      return end(sessions, which);
    });
  }
  await world.run(WANDER_MS);
  world.heal();
  await farewell(world, nodes);
  return nodes.reduce((sum, { path }) => sum + path.lossCount, 0);
}

/** A client that has one line and never dials again, as those over a stream that somebody hands over. */
function addOnce(
  world: World,
  target: ServerNode,
  options: ClientOptions<AnyContract>,
  prepare: (client: SimClient, host: SimHost) => void,
): ClientNode {
  const node = new ClientNode(world, {
    name: String(options.credentials),
    target,
    weather: fairWeather,
    make: (host, { dial }) => {
      const client = openClient<AnyContract>(host, () => {}, { dial, learn: undefined }, true, options);
      prepare(client, host);
      return client;
    },
    watch: () => {},
    linter: undefined,
  });
  world.clients.push(node);
  return node;
}

type Deed = (client: SimClient) => unknown;

const say: Deed = (client) => client.send('say', 1);
const hold: Deed = (client) => (client.autoReconnect = false);
const goOn: Deed = (client) => (client.autoReconnect = true);
const letGo: Deed = (client) => client.disconnect();
const renew: Deed = (client) => client.reconnect();
const goodbye: Deed = (client) => void client.close({ drainMs: 0 });

const deeds: readonly Deed[] = [
  say,
  say,
  hold,
  goOn,
  letGo,
  renew,
  (client) => client.connect(),
  (client) => client.connect(),
  (client) => client.connect(),
  (client) => {
    // Whoever has just begun to dial is the one who rarely changes its mind by chance.
    client.reconnect();
    client.autoReconnect = true;
    client.disconnect();
    client.connect();
  },
  goodbye,
];

/** What users do from inside the listener that tells them of a loss: the redial is not planned yet. */
const hasty: readonly Deed[] = [hold, goOn, letGo, renew, goodbye];

function act(node: ClientNode, deed: Deed): void {
  if (node.client.connection.state === 'closed') {
    node.crash();
    return node.restart();
  }
  node.host.bring(() => void tryTo(() => deed(node.client)));
}

function meddle(client: SimClient, host: SimHost, draws: Draws): void {
  const maybe = (oneIn: number): void => {
    const deed = hasty[draws.below(hasty.length * oneIn)];
    if (deed !== undefined) tryTo(() => deed(client));
  };
  client.connection.on('error', () => {});
  client.connection.on('down', () => {
    maybe(1);
  });
  client.connection.on('change', (state) => {
    if (state !== 'connecting' && state !== 'authenticating' && state !== 'backoff') return;
    maybe(20);
  });
  client.connection.on('reconnect', ({ delayMs }) => void host.clock.setTimeout(() => maybe(2), delayMs / 2));
}

function admitted(id: string, draws: Draws): { readonly id: string } {
  const word = draws.below(20);
  if (word === 0) throw Object.assign(new Error('not now'), { retry: true });
  if (word === 1 && draws.below(3) === 0) throw new Error('never');
  return { id };
}

function faultOf(draws: Draws): FaultAction {
  const toward = draws.below(2) === 0 ? 'server' : 'client';
  switch (draws.below(10)) {
    case 0:
      return { type: 'door', door: 'neverAnswers', forMs: 1_500 };
    case 1:
      return { type: 'door', door: 'staysSilent', forMs: 1_500 };
    case 2:
      return { type: 'door', door: 'refuses', forMs: 500 };
    case 3:
      return { type: 'door', door: 'refuses', forMs: 3_000 };
    case 5:
      return { type: 'door', door: 'neverAnswers', forMs: 3_000 };
    case 6:
      return { type: 'door', door: 'staysSilent', forMs: 3_000 };
    case 4:
      return { type: 'swallow', toward };
    default:
      return { type: 'cut', toward, afterBytes: draws.below(400), by: draws.below(2) === 0 ? 'reset' : 'finish' };
  }
}

function end(sessions: Set<Session<AnyContract>>, which: number): void {
  const session = [...sessions][Math.floor(which * sessions.size)];
  if (session === undefined) return;
  sessions.delete(session);
  void session.close();
}

async function farewell(world: World, nodes: readonly ClientNode[]): Promise<void> {
  const [server] = world.servers;
  if (server === undefined) throw new PromiseBroken('expected a server');
  for (const { host, client } of nodes) host.hold(client.close({ drainMs: 0 }));
  await world.run(FAREWELL_MS);
  for (const { name, host, path, client } of nodes) {
    if (client.connection.state !== 'closed') throw new PromiseBroken(`${name} did not end`);
    expectCount(`timers at ${name} after its end`, host.timerCount, 0);
    expectCount(`lines of ${name} after its end`, path.lines.length, 0);
  }
  server.host.hold(server.server.close({ drainMs: 0 }));
  await world.run(FAREWELL_MS);
  const { sessions, connections, handshakes } = server.server.counts;
  expectCount('sessions, connections and handshakes after the end', sessions + connections + handshakes, 0);
  expectCount(
    'timers at the server after the end',
    server.hosts.reduce((sum, host) => sum + host.timerCount, 0),
    0,
  );
}
