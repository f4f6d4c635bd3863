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
const FIRST = 100;

/** After an exchange the acks leave; a session that was quiet for a heartbeat interval lets its outboxes go. */
const SETTLE_MS = { silent: 500, spoken: 6_500 } as const;

/** What one idle connection has. */
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
    ofRounds(
      '… Maps, Sets and WeakMaps',
      all.map(({ tables }) => tables),
      '',
    ),
  ]);
}

/** All, or those that IDLE_ONLY names. */
function chosen(): readonly IdleName[] {
  const only = process.env['IDLE_ONLY']?.split(',');
  return only === undefined ? idleNames : idleNames.filter((name) => only.includes(name));
}

/** Bytes of one connection with this server, after so many have come. */
export async function shareOf(name: IdleName, use: IdleUse, connections: number): Promise<Share> {
  await using server = new Program(new URL('./server.ts', import.meta.url), [name]);
  const { port } = await server.next<{ readonly port: number }>();
  await using crowd = new Program(new URL('./crowd.ts', import.meta.url), [name, String(port)]);
  await crowd.next<'ready'>();
  const come = async (count: number): Promise<IdleWeight> => {
    await crowd.ask<'there'>({ count, use } satisfies CrowdOrder);
    await sleep(SETTLE_MS[use]);
    if (snapshot !== undefined) await server.ask<string>({ snapshot: fileOf(name, use, count) });
    return server.ask<IdleWeight>('weigh');
  };
  await come(FIRST / 2);
  const before = await come(FIRST / 2);
  const after = await come(connections);
  const share = (part: keyof IdleWeight): number => (after[part] - before[part]) / connections;
  return {
    heap: share('heap'),
    external: share('external'),
    arrayBuffers: share('arrayBuffers'),
    rss: share('rss'),
    tables: share('tables'),
  };
}

function fileOf(name: IdleName, use: IdleUse, count: number): string {
  return `${snapshot}-${name}-${use}-${count < FIRST ? 'before' : 'after'}.heapsnapshot`;
}
