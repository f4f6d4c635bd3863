/**
 * Streams of small messages by different ways through a server: inline, in a shard, relayed by one shard to another. The
 * client is the same program each time; contestants run in turn, each in processes of its own.
 */
import { Program } from '../program.ts';
import { ratios } from '../statistics.ts';
import { type Measured, ofRounds } from '../table.ts';
import { type BenchServer, startServer } from './start-server.ts';

interface Contestant {
  readonly name: string;
  readonly shards: number;
  readonly isRelayed: boolean;
}

const inline: Contestant = { name: 'inline', shards: 0, isRelayed: false };
const oneShard: Contestant = { name: 'in a shard', shards: 1, isRelayed: false };
const direct: Contestant = { name: 'direct', shards: 2, isRelayed: false };
const relayed: Contestant = { name: 'relayed', shards: 2, isRelayed: true };

const LANDINGS_MAX = 20;

const directions = { up: 'to the server', down: 'to the client' } as const;

/** How long it is measured. */
export interface StreamScale {
  readonly rounds: number;
  readonly milliseconds: number;
}

/** A session in a shard against one on the server's only thread. Throws when a message was lost. */
export function measureShardStream(scale: StreamScale): Promise<readonly Measured[]> {
  return compare(inline, oneShard, 0.9, scale);
}

/** A session whose connection landed on another shard against one that came by its direct port. Throws as above. */
export function measureRelay(scale: StreamScale): Promise<readonly Measured[]> {
  return compare(direct, relayed, 0.6, scale);
}

interface Comparison {
  readonly direction: string;
  /** Messages a second, one for each round. */
  readonly floors: number[];
  readonly rates: number[];
}

async function compare(
  floor: Contestant,
  one: Contestant,
  goal: number,
  { rounds, milliseconds }: StreamScale,
): Promise<readonly Measured[]> {
  const measured: Measured[] = [];
  const all = Object.keys(directions).map((direction): Comparison => ({ direction, floors: [], rates: [] }));
  for (let round = 0; round < rounds; round += 1) {
    for (const { direction, floors, rates } of all) {
      floors.push(await runOnce(floor, direction, milliseconds));
      rates.push(await runOnce(one, direction, milliseconds));
    }
  }
  for (const { direction, floors, rates } of all) {
    const where = directions[direction as keyof typeof directions];
    measured.push(
      ofRounds(`stream 90 B ${where}, ${floor.name}`, floors, '/s'),
      ofRounds(`stream 90 B ${where}, ${one.name}`, rates, '/s'),
      ofRounds(`stream 90 B ${where}, ${one.name} ÷ ${floor.name}`, ratios(rates, floors), '', { atLeast: goal }),
    );
  }
  return measured;
}

/** The shard with the fewest connections may be the home by chance: then it connects again. */
async function land(server: BenchServer, client: Program, isRelayed: boolean): Promise<void> {
  for (let tries = 1; tries <= LANDINGS_MAX; tries += 1) {
    const { relays } = await server.counts();
    if (relays === (isRelayed ? 1 : 0)) return;
    await client.ask<'ready'>('again');
  }
  throw new Error(`expected ${isRelayed ? 'a relay' : 'no relay'} within ${LANDINGS_MAX} connections`);
}

async function runOnce({ name, shards, isRelayed }: Contestant, direction: string, milliseconds: number) {
  await using server = await startServer('stream', { options: { shards } });
  const port = isRelayed ? server.relayPort : server.port;
  const args = [String(port), direction, String(milliseconds)];
  await using client = new Program(new URL('./stream-client.ts', import.meta.url), args);
  await client.next<'ready'>();
  await land(server, client, isRelayed);
  const { rate, lost } = await client.ask<{ readonly rate: number; readonly lost: number }>('go');
  if (lost !== 0) throw new Error(`${name}: expected every message to arrive, lost ${lost}`);
  return rate;
}
