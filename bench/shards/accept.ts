/**
 * How many connections a server with two shards accepts: the main thread takes each and moves it, unread, to a shard,
 * which reads a HELLO and answers. Beside it a plain server on one thread that answers as much.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { Program } from '../program.ts';
import { ratios } from '../statistics.ts';
import { type Measured, ofRounds } from '../table.ts';
import type { Accepted } from './accept-client.ts';
import { type BenchServer, startServer } from './start-server.ts';

/** How much is measured. */
export interface AcceptScale {
  readonly rounds: number;
  readonly connections: number;
}

const SHARDS = 2;
const AT_ONCE = 200;

/** How long sockets of which both ends said goodbye may take to be gone. */
const CLOSING_MS = 5_000;

/** Counts what was lost and what was left open. */
export async function measureAccept({ rounds, connections }: AcceptScale): Promise<readonly Measured[]> {
  await using plain = new Program(new URL('./plain-acceptor.ts', import.meta.url));
  const { port } = await plain.next<{ readonly port: number }>();
  await using server = await startServer('tick', { options: { shards: SHARDS } });
  const [plainRates, rates, lost, open]: [number[], number[], number[], number[]] = [[], [], [], []];
  for (let round = 0; round < rounds; round += 1) {
    plainRates.push((await visit(port, connections)).rate);
    const accepted = await visit(server.port, connections);
    rates.push(accepted.rate);
    lost.push(accepted.lost);
    open.push(await leftOpen(server));
  }
  return [
    ofRounds(`${connections} connections, ${AT_ONCE} at a time, two shards`, rates, '/s'),
    ofRounds('… plain server on one thread', plainRates, '/s'),
    ofRounds('… two shards ÷ plain', ratios(rates, plainRates), ''),
    ofRounds('… lost, all rounds', [sumOf(lost)], '', { atMost: 0 }),
    ofRounds('… left open, all rounds', [sumOf(open)], '', { atMost: 0 }),
  ];
}

async function visit(port: number, connections: number): Promise<Accepted> {
  const args = [port, connections, AT_ONCE].map(String);
  await using client = new Program(new URL('./accept-client.ts', import.meta.url), args);
  return await client.next<Accepted>();
}

/** What the server still counts or a shard still holds after a while: nothing is to be left. */
async function leftOpen(server: BenchServer): Promise<number> {
  const endMs = performance.now() + CLOSING_MS;
  for (;;) {
    const { connections, handshakes } = await server.counts();
    const sockets = (await server.tell('count-sockets')).reduce((sum, { value }) => sum + Number(value), 0);
    const left = Math.max(connections, handshakes, sockets);
    if (left === 0 || performance.now() > endMs) return left;
    await sleep(50);
  }
}

function sumOf(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0);
}
