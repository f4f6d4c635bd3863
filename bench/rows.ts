/** Every row of the benchmark by name, and how much of it is measured. */
import { measureCalls, measureSingleCall } from './calls/measure.ts';
import { measureIdle } from './idle/measure.ts';
import { recoveryRow, simulatorRow, streamRow } from './core-rows.ts';
import { measureAccept } from './shards/accept.ts';
import { measureFanOut } from './shards/fan-out.ts';
import { measureInspect } from './shards/inspect.ts';
import { measureMemory } from './shards/memory.ts';
import { measureOffload } from './shards/offload.ts';
import { measureResume } from './shards/resume.ts';
import { measureStorm } from './shards/storm.ts';
import { measureRelay, measureShardStream } from './shards/streams.ts';
import { measureWork } from './shards/work.ts';
import type { Measured } from './table.ts';

/** `short` is for trying a row, not for its numbers. */
export type Scale = 'full' | 'short';

/** Measures one row. */
export type Row = (scale: Scale) => Promise<readonly Measured[]>;

const fans = {
  full: { rounds: 5, milliseconds: 4_000, sessions: 1_000 },
  short: { rounds: 2, milliseconds: 2_000, sessions: 200 },
};
const streams = { full: { rounds: 7, milliseconds: 4_000 }, short: { rounds: 2, milliseconds: 1_800 } };
const cuts = { full: { rounds: 5, cuts: 100 }, short: { rounds: 2, cuts: 30 } };
const crowds = { full: { rounds: 3, sessions: 10_000 }, short: { rounds: 2, sessions: 1_500 } };
const storms = { full: { rounds: 5, sessions: 5_000 }, short: { rounds: 2, sessions: 1_500 } };
const works = { full: { rounds: 7, milliseconds: 3_000 }, short: { rounds: 2, milliseconds: 1_000 } };
const calls = { full: { rounds: 31, milliseconds: 250 }, short: { rounds: 5, milliseconds: 200 } };
const inspections = {
  full: { rounds: 11, milliseconds: 3_000, sessions: 2_000, fleet: 10_000 },
  short: { rounds: 2, milliseconds: 1_500, sessions: 500, fleet: 1_000 },
};
const idles = { full: { rounds: 1, connections: 5_000 }, short: { rounds: 1, connections: 1_000 } };
const visits = { full: { rounds: 5, connections: 20_000 }, short: { rounds: 2, connections: 3_000 } };

/** Rows of one session between two ends. */
export const coreRows: Readonly<Record<string, Row>> = {
  stream: (scale) => streamRow(scale === 'full' ? 7 : 2, scale === 'full' ? 3_000 : 1_500),
  calls: (scale) => measureCalls(calls[scale]),
  'single-call': (scale) => measureSingleCall(calls[scale]),
  recovery: (scale) => recoveryRow(scale === 'full' ? 400 : 40, scale === 'full' ? 15 : 2),
  simulator: (scale) => simulatorRow(scale === 'full' ? 4_000 : 1_000),
};

/** Rows of shards in worker threads. */
export const shardRows: Readonly<Record<string, Row>> = {
  resume: (scale) => measureResume(cuts[scale]),
  offload: (scale) => measureOffload(scale === 'full' ? 5 : 2),
  memory: (scale) => measureMemory(crowds[scale]),
  'idle-heap': (scale) => measureIdle(idles[scale]),
  storm: (scale) => measureStorm(storms[scale]),
  work: (scale) => measureWork(works[scale]),
  accept: (scale) => measureAccept(visits[scale]),
  relay: (scale) => measureRelay(streams[scale]),
  'fan-out': (scale) => measureFanOut(fans[scale]),
  'shard-stream': (scale) => measureShardStream(streams[scale]),
  inspect: (scale) => measureInspect(inspections[scale]),
};
