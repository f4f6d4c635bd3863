/**
 * What it costs the others that one busy connection is watched: the calls of many sessions on the same thread, while nobody
 * looks and while a viewer watches that one, in turn. Two equal slices without a viewer show how much is chance.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { Program } from '../program.ts';
import { ratios } from '../statistics.ts';
import { type Measured, ofRounds } from '../table.ts';
import type { CallSlice } from './callers.ts';
import type { Opened } from './server.ts';
import { Viewer } from './viewer.ts';

const SESSIONS = 50;
const SLICE_MS = 400;
/** After somebody came or went, before it is measured again. */
const SETTLE_MS = 50;
const WARM_SLICES = 5;

type Turn = 'alone' | 'watched' | 'alone again';

/** Each order of the three equally often, in as many rounds as this has or a multiple. */
const orders: readonly (readonly Turn[])[] = [
  ['alone', 'watched', 'alone again'],
  ['watched', 'alone again', 'alone'],
  ['alone again', 'alone', 'watched'],
];

/** One slice of each kind a round. */
export async function measureNeighbors(rounds: number): Promise<readonly Measured[]> {
  await using server = new Program(new URL('./server.ts', import.meta.url));
  const { inspected, inspectorUrl } = await server.next<Opened>();
  await using callers = new Program(new URL('./callers.ts', import.meta.url), [String(inspected), String(SESSIONS)]);
  const busy = await callers.next<string>();
  const p99s: Record<Turn, number[]> = { alone: [], watched: [], 'alone again': [] };
  const slice = (): Promise<number> => callers.ask<number>({ milliseconds: SLICE_MS } satisfies CallSlice);
  for (let warm = 0; warm < WARM_SLICES; warm += 1) await slice();
  for (let round = 0; round < rounds; round += 1) {
    for (const turn of orders[round % orders.length] ?? []) {
      const viewer = turn === 'watched' ? await Viewer.open(inspectorUrl) : undefined;
      viewer?.watch(busy);
      await sleep(SETTLE_MS);
      p99s[turn].push(await slice());
      if (viewer !== undefined && viewer.events === 0) throw new Error('expected a watched connection to do something');
      viewer?.close();
      await sleep(SETTLE_MS);
    }
  }
  return [
    ofRounds(`calls of ${SESSIONS} sessions beside a busy one, p99, nobody looks`, p99s.alone, 'µs'),
    ofRounds('… p99, the busy one is watched', p99s.watched, 'µs'),
    ofRounds('… watched ÷ not', ratios(p99s.watched, p99s.alone), '', { atMost: 1.1 }),
    ofRounds('… not ÷ not, of two equal slices', ratios(p99s['alone again'], p99s.alone), ''),
  ];
}
