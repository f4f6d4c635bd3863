/** What an inspector costs: while nobody looks, while somebody looks at the fleet, and while a connection is watched. */
import { setTimeout as sleep } from 'node:timers/promises';
import { measureNeighbors } from '../inspect/neighbors.ts';
import { measureInspectedStream } from '../inspect/stream.ts';
import { Viewer } from '../inspect/viewer.ts';
import { Program } from '../program.ts';
import { type Measured, ofRounds } from '../table.ts';
import type { CrowdOrder } from './crowd.ts';
import { type BenchServer, startServer } from './start-server.ts';

/** How much is measured. */
export interface InspectScale {
  readonly rounds: number;
  /** That each of two pairs streams in a round. */
  readonly milliseconds: number;
  /** Sessions whose memory is weighed. */
  readonly sessions: number;
  /** Connections of the fleet that is looked at. */
  readonly fleet: number;
}

const SHARDS = 2;
const AT_ONCE = 200;
/** How long processor time is taken. */
const LOOK_MS = 5_000;
const MEMORY_ROUNDS = 5;
/** Short turns of the calls beside a watched connection, for each round. */
const NEIGHBOR_TURNS = 3;

/** Measures all of it. */
export async function measureInspect(scale: InspectScale): Promise<readonly Measured[]> {
  const { rounds, sessions, fleet } = scale;
  const stream = await measureInspectedStream(scale);
  const neighbors = await measureNeighbors(rounds * NEIGHBOR_TURNS);
  const bytes: number[] = [];
  for (let round = 0; round < MEMORY_ROUNDS; round += 1)
    bytes.push((await bytesOf(sessions, true)) - (await bytesOf(sessions, false)));
  return [
    ...stream,
    ...neighbors,
    ofRounds('memory of a connection for the inspector', bytes, 'B', { atMost: 200 }),
    ...(await measureFleet(fleet)),
  ];
}

/** What an open session holds in the threads of its server: heap and buffers. */
async function bytesOf(sessions: number, isInspected: boolean): Promise<number> {
  await using server = await startServer('tick', { options: { shards: SHARDS }, isInspected });
  await using crowd = await open(server, 200);
  const before = await held(server);
  await crowd.ask<'done'>({ type: 'open', sessions, atOnce: AT_ONCE } satisfies CrowdOrder);
  return ((await held(server)) - before) / sessions;
}

async function held(server: BenchServer): Promise<number> {
  const { threads } = await server.memory();
  return threads.slice(1).reduce((sum, { heap, buffers }) => sum + heap + buffers, 0);
}

async function open(server: BenchServer, sessions: number): Promise<Program> {
  const crowd = new Program(new URL('./crowd.ts', import.meta.url), [String(server.port)]);
  await crowd.next<'ready'>();
  await crowd.ask<'done'>({ type: 'open', sessions, atOnce: AT_ONCE } satisfies CrowdOrder);
  return crowd;
}

/** How often a viewer hears of a fleet, and what that costs the server. */
async function measureFleet(connections: number): Promise<readonly Measured[]> {
  await using server = await startServer('tick', { options: { shards: SHARDS }, isInspected: true });
  await using _crowd = await open(server, connections);
  const alone = await cpuShare(server);
  const viewer = await Viewer.open(server.inspectorUrl ?? '');
  const frames = viewer.fleets;
  const looked = await cpuShare(server);
  const rate = ((viewer.fleets - frames) * 1_000) / LOOK_MS;
  viewer.close();
  return [
    ofRounds(`fleet of ${connections}, updates that a viewer gets`, [rate], '/s', { atLeast: 3.9 }),
    ofRounds('… processor of the server, of one core', [(looked - alone) * 100], '%', { atMost: 5 }),
    ofRounds('… the same while nobody looks', [alone * 100], '%'),
  ];
}

async function cpuShare(server: BenchServer): Promise<number> {
  const before = await server.cpuMs();
  await sleep(LOOK_MS);
  return ((await server.cpuMs()) - before) / LOOK_MS;
}
