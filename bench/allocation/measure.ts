/**
 * Whether anything is left behind: sessions that stream both ways for minutes while their connections are cut, and at the end of
 * each minute a moment of rest in which both ends collect and say what they hold. What grows is seen as a slope.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { Program } from '../program.ts';
import { type Measured, ofRounds } from '../table.ts';
import type { Order } from './contract.ts';
import { slopeOf } from './slope.ts';
import type { Look, Pauses } from './watch.ts';

/** How much is measured. */
export interface AllocationScale {
  readonly looks: number;
  /** Between two looks. */
  readonly everyMs: number;
}

/** Of each stretch the collector is watched for so long. */
const WATCHED_SHARE = 0.05;
/** Looks that are not counted: code is being compiled. */
const WARM_LOOKS = 1;
/** Growth over a whole run, as a share of what is held after warming. */
const GROWTH_MAX = 0.01;

const ends = ['server', 'client'] as const;
type End = (typeof ends)[number];

/** Throws when a message was lost, came twice or out of order. */
export async function measureAllocation({ looks, everyMs }: AllocationScale): Promise<readonly Measured[]> {
  await using server = new Program(new URL('./homing-server.ts', import.meta.url));
  const { port } = await server.next<{ readonly port: number }>();
  await using client = new Program(new URL('./homing-client.ts', import.meta.url), [String(port)]);
  await client.next<'ready'>();
  const ask = async <Answer>(order: Order): Promise<Record<End, Answer>> => {
    const [ofServer, ofClient] = await Promise.all([server.ask<Answer>(order), client.ask<Answer>(order)]);
    return { server: ofServer, client: ofClient };
  };

  const seen: Record<End, Look[]> = { server: [], client: [] };
  const perMessage: Record<End, number[]> = { server: [], client: [] };
  for (let count = 1; count <= looks; count += 1) {
    await ask<'streaming'>('stream');
    const watchedMs = everyMs * WATCHED_SHARE;
    await sleep(everyMs - watchedMs);
    const allocated = await ask<number>(watchedMs);
    await ask<'resting'>('rest');
    const look = await ask<Look>('look');
    for (const end of ends) {
      seen[end].push(look[end]);
      perMessage[end].push(allocated[end]);
    }
    requireWhole(look);
    const [ofServer, ofClient] = ends.map((end) => `${Math.round(look[end].oldBytes / 1_024)} KB`);
    console.error(`  ${count} of ${looks}: old generation of the server ${ofServer}, of the client ${ofClient}`);
  }
  const last = { server: seen.server.at(-1), client: seen.client.at(-1) };
  if (last.server === undefined || last.client === undefined) throw new Error('expected at least one look');
  const cuts = last.server.cuts + last.client.cuts;
  const messages = last.server.received + last.client.received;
  return [
    ofRounds('connections cut', [cuts], ''),
    ofRounds('messages received, both ways', [messages], ''),
    ofRounds('… lost or doubled', [0], '', { atMost: 0 }),
    ...linesOf('server', seen.server, perMessage.server, everyMs),
    ...linesOf('client', seen.client, perMessage.client, everyMs),
  ];
}

/** At rest each end has heard all that the other one said, once. */
function requireWhole({ server, client }: Record<End, Look>): void {
  const lost =
    server.lost + client.lost + Math.abs(client.sent - server.received) + Math.abs(server.sent - client.received);
  const doubled = server.doubled + client.doubled;
  if (lost + doubled > 0) throw new Error(`expected every message once, lost ${lost}, doubled ${doubled}`);
}

function linesOf(
  end: End,
  looks: readonly Look[],
  perMessage: readonly number[],
  everyMs: number,
): readonly Measured[] {
  const warm = looks.slice(WARM_LOOKS);
  const minutes = warm.map((_, index) => (index * everyMs) / 60_000);
  const old = warm.map(({ oldBytes }) => oldBytes);
  const slope = slopeOf(minutes, old);
  const growth = (slope * (minutes.at(-1) ?? NaN)) / (old[0] ?? NaN);
  const kb = (bytes: readonly number[]): readonly number[] => bytes.map((one) => one / 1_024);
  const mb = (bytes: readonly number[]): readonly number[] => bytes.map((one) => one / 1_048_576);
  const { minor, major, incremental } = looks.at(-1)?.pauses ?? {};
  return [
    ofRounds(`${end}: old generation after a collection`, kb(old), 'KB'),
    ofRounds('… its slope, least squares', [slope / 1_024], 'KB/min'),
    ofRounds('… grown over the run, share', [growth], '', { atMost: GROWTH_MAX }),
    ofRounds('… whole heap after a collection', kb(warm.map(({ heapBytes }) => heapBytes)), 'KB'),
    ofRounds('… memory outside of the heap', kb(warm.map(({ externalBytes }) => externalBytes)), 'KB'),
    ofRounds('… resident', mb(warm.map(({ rssBytes }) => rssBytes)), 'MB'),
    ofRounds('… heap allocated for a message sent or received', perMessage.slice(WARM_LOOKS), 'B'),
    ofRounds(
      '… delay of the event loop, p99',
      warm.map(({ delayP99Ms }) => delayP99Ms),
      'ms',
    ),
    ...pausesOf('minor', minor),
    ...pausesOf('major', major),
    ...pausesOf('incremental', incremental),
  ];
}

function pausesOf(kind: string, pauses: Pauses | undefined): readonly Measured[] {
  if (pauses === undefined || pauses.count === 0) return [];
  const { count, p50Ms, p99Ms, maxMs } = pauses;
  return [
    ofRounds(`… ${kind} collections`, [count], ''),
    ofRounds(`… ${kind} collections, pause p50`, [p50Ms], 'ms'),
    ofRounds(`… ${kind} collections, pause p99`, [p99Ms], 'ms'),
    ofRounds(`… ${kind} collections, longest pause`, [maxMs], 'ms'),
  ];
}
