/** What an inspector costs: while nobody looks, while somebody looks at the fleet, and while a connection is watched. */
import { setTimeout as sleep } from 'node:timers/promises';
import { Program } from '../program.ts';
import { median, ratios } from '../statistics.ts';
import { streamRates } from '../peers/rows/stream.ts';
import { type Measured, ofRounds } from '../table.ts';
import type { CrowdOrder } from './crowd.ts';
import { type BenchServer, startServer } from './start-server.ts';

/** How much is measured. */
export interface InspectScale {
  readonly rounds: number;
  /** Of one stream. */
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
const MEMORY_ROUNDS = 3;

/** Measures all of it. */
export async function measureInspect(scale: InspectScale): Promise<readonly Measured[]> {
  const { rounds, milliseconds, sessions, fleet } = scale;
  const [without = [], inspected = []] = await streamRates(['homing', 'homing inspected'], { rounds, milliseconds });
  const bytes: number[] = [];
  for (let round = 0; round < MEMORY_ROUNDS; round += 1)
    bytes.push((await bytesOf(sessions, true)) - (await bytesOf(sessions, false)));
  return [
    ofRounds('stream 90 B, inspected and not looked at ÷ not inspected', ratios(inspected, without), '', {
      atLeast: 0.98,
    }),
    ofRounds('… of medians', [median(inspected) / median(without)], ''),
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

/** Somebody who looks at the fleet, and lists a page of it now and then as the page does. */
class Viewer {
  fleets = 0;
  readonly #socket: WebSocket;
  readonly #asking: NodeJS.Timeout;

  constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.addEventListener('message', ({ data }) => {
      const frame = JSON.parse(String(data)) as { readonly type: string };
      if (frame.type === 'fleet') this.fleets += 1;
    });
    const list = (): void => socket.send(JSON.stringify({ type: 'list', ask: 1, limit: 200 }));
    this.#asking = setInterval(list, 1_000);
  }

  static open(url: string): Promise<Viewer> {
    const socket = new WebSocket(`${url.replace('http', 'ws')}live`);
    return new Promise((resolve, reject) => {
      socket.addEventListener('open', () => resolve(new Viewer(socket)));
      socket.addEventListener('error', () => reject(new Error('expected an inspector that answers')));
    });
  }

  close(): void {
    clearInterval(this.#asking);
    this.#socket.close();
  }
}
