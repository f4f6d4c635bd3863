/** The rows about Homing alone by name, and how much of each is measured. */
import { measureAllocation } from './allocation/measure.ts';
import { recoveryRow, simulatorRow } from './core-rows.ts';
import { measureIdle } from './idle/measure.ts';
import { measureAccept } from './shards/accept.ts';
import { measureFanOut } from './shards/fan-out.ts';
import { measureInspect } from './shards/inspect.ts';
import { measureMemory } from './shards/memory.ts';
import { measureOffload } from './shards/offload.ts';
import { measureResume } from './shards/resume.ts';
import { measureStorm } from './shards/storm.ts';
import { measureRelay, measureShardStream } from './shards/streams.ts';
import { measureWork } from './shards/work.ts';
import type { PeerRow } from './peers/contest.ts';

const fans = {
  full: { rounds: 5, milliseconds: 4_000, sessions: 1_000 },
  quick: { rounds: 2, milliseconds: 2_000, sessions: 200 },
};
const streams = { full: { rounds: 7, milliseconds: 4_000 }, quick: { rounds: 2, milliseconds: 1_800 } };
const cuts = { full: { rounds: 5, cuts: 100 }, quick: { rounds: 2, cuts: 30 } };
const crowds = { full: { rounds: 3, sessions: 10_000 }, quick: { rounds: 2, sessions: 1_500 } };
const storms = { full: { rounds: 5, sessions: 5_000 }, quick: { rounds: 2, sessions: 1_500 } };
const works = { full: { rounds: 7, milliseconds: 3_000 }, quick: { rounds: 2, milliseconds: 1_000 } };
const inspections = {
  full: { rounds: 11, milliseconds: 3_000, sessions: 5_000, fleet: 10_000 },
  quick: { rounds: 2, milliseconds: 1_500, sessions: 500, fleet: 1_000 },
};
const idles = { full: { rounds: 1, connections: 5_000 }, quick: { rounds: 1, connections: 1_000 } };
const soaks = { full: { looks: 11, everyMs: 60_000 }, quick: { looks: 5, everyMs: 4_000 } };
const visits = { full: { rounds: 5, connections: 20_000 }, quick: { rounds: 2, connections: 3_000 } };

/** Rows of one session between two ends. */
export const coreRows: Readonly<Record<string, PeerRow>> = {
  recovery: ({ scale }) => recoveryRow(scale === 'full' ? 400 : 40, scale === 'full' ? 15 : 2),
  simulator: ({ scale }) => simulatorRow(scale === 'full' ? 4_000 : 1_000),
};

/** Rows of shards in worker threads. */
export const shardRows: Readonly<Record<string, PeerRow>> = {
  resume: ({ scale }) => measureResume(cuts[scale]),
  offload: ({ scale }) => measureOffload(scale === 'full' ? 5 : 2),
  memory: ({ scale }) => measureMemory(crowds[scale]),
  'idle-heap': ({ scale }) => measureIdle(idles[scale]),
  'shard-storm': ({ scale }) => measureStorm(storms[scale]),
  work: ({ scale }) => measureWork(works[scale]),
  accept: ({ scale }) => measureAccept(visits[scale]),
  relay: ({ scale }) => measureRelay(streams[scale]),
  'shard-fan-out': ({ scale }) => measureFanOut(fans[scale]),
  'shard-stream': ({ scale }) => measureShardStream(streams[scale]),
  inspect: ({ scale }) => measureInspect(inspections[scale]),
};

/** Rows that take minutes: measured when they are named. */
export const longRows: Readonly<Record<string, PeerRow>> = {
  allocation: ({ scale }) => measureAllocation(soaks[scale]),
};
