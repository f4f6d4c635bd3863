/**
 * What an idle connection costs its server, with everything that belongs to it: the socket, and the machine and the session of
 * Homing. A first crowd is not counted: it leaves compiled code and filled pools.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { Program } from '../program.ts';
import { type Measured, ofRounds } from '../table.ts';
import { type IdleName, type IdleUse, type IdleWeight, idleNames, idleUses } from './contestants.ts';
import type { CrowdOrder } from './crowd.ts';

/** How much is measured. */
export interface IdleScale {
  readonly rounds: number;
  readonly connections: number;
}

/** Come before anything is weighed. */
const FIRST = 200;

/** After an exchange acks leave, and outboxes are let go. */
const SETTLE_MS = 1_000;

/** Bytes of one idle connection. */
type Share = Readonly<Record<keyof IdleWeight, number>>;

/** With IDLE_SNAPSHOT=prefix each server leaves its heap in two files: before the crowd came, and after. */
const snapshot = process.env['IDLE_SNAPSHOT'];

/** All servers and uses in turn; bytes of heap, outside of it, and resident. */
export async function measureIdle({ rounds, connections }: IdleScale): Promise<readonly Measured[]> {
  const shares = new Map<string, Share[]>();
  for (let round = 0; round < rounds; round += 1) {
    for (const use of idleUses) {
      for (const name of chosen()) {
        const key = `${name}, ${use}`;
        shares.set(key, [...(shares.get(key) ?? []), await shareOf(name, use, connections)]);
      }
    }
  }
  return [...shares].flatMap(([key, all]) => [
    ofRounds(
      `${key}: heap`,
      all.map(({ heap }) => heap),
      'B',
    ),
    ofRounds(
      '… outside of the heap',
      all.map(({ external }) => external),
      'B',
    ),
    ofRounds(
      '… of that in buffers',
      all.map(({ arrayBuffers }) => arrayBuffers),
      'B',
    ),
    ofRounds(
      '… resident',
      all.map(({ rss }) => rss),
      'B',
    ),
  ]);
}

/** All, or those that IDLE_ONLY names. */
function chosen(): readonly IdleName[] {
  const only = process.env['IDLE_ONLY']?.split(',');
  return only === undefined ? idleNames : idleNames.filter((name) => only.includes(name));
}

async function shareOf(name: IdleName, use: IdleUse, connections: number): Promise<Share> {
  await using server = new Program(new URL('./server.ts', import.meta.url), [name]);
  const { port } = await server.next<{ readonly port: number }>();
  await using crowd = new Program(new URL('./crowd.ts', import.meta.url), [name, String(port)]);
  await crowd.next<'ready'>();
  const come = async (count: number): Promise<IdleWeight> => {
    await crowd.ask<'there'>({ count, use } satisfies CrowdOrder);
    await sleep(SETTLE_MS);
    if (snapshot !== undefined) await server.ask<string>({ snapshot: fileOf(name, use, count) });
    return server.ask<IdleWeight>('weigh');
  };
  const before = await come(FIRST);
  const after = await come(connections);
  const share = (part: keyof IdleWeight): number => (after[part] - before[part]) / connections;
  return {
    heap: share('heap'),
    external: share('external'),
    arrayBuffers: share('arrayBuffers'),
    rss: share('rss'),
  };
}

function fileOf(name: IdleName, use: IdleUse, count: number): string {
  return `${snapshot}-${name}-${use}-${count === FIRST ? 'before' : 'after'}.heapsnapshot`;
}
