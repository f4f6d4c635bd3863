/** What heavy work costs the other sessions of its shard, in the shard and handed off, and how many small tasks can be. */
import { Program } from '../program.ts';
import { type Measured, ofRounds, ofShare } from '../table.ts';
import { stepsFor } from './arithmetic.ts';
import type { Offloaded } from './offload-client.ts';
import { startServer } from './start-server.ts';

/** Heavy work of one request. */
const HEAVY_MS = 300;

/** One shard, one thread for tasks. */
export async function measureOffload(rounds: number): Promise<readonly Measured[]> {
  await using server = await startServer('offload', { options: { shards: 1, offloadThreads: 1 } });
  const args = [server.port, stepsFor(HEAVY_MS), rounds].map(String);
  await using client = new Program(new URL('./offload-client.ts', import.meta.url), args);
  const { pingMs, heavyMs, rates } = await client.next<Offloaded>();
  return [
    ofShare('round trip in a shard that is free, p99', 0.99, pingMs.idle, 'ms'),
    ofShare(`… while ${HEAVY_MS} ms of work are handed off, p99`, 0.99, pingMs.offload, 'ms'),
    ofShare('… while they are done in the shard, slowest', 1, pingMs.work, 'ms'),
    ofRounds('the work handed off, from request to answer', heavyMs, 'ms'),
    ofRounds('small tasks handed off by 16 sessions', rates, '/s'),
  ];
}
