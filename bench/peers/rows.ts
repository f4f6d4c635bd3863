/** The rows that compare contestants, by name. */
import type { PeerRow } from './contest.ts';
import { call, manyCalls } from './rows/call.ts';
import { cut } from './rows/cut.ts';
import { fanOut } from './rows/fan-out.ts';
import { idle } from './rows/idle.ts';
import { neighbor } from './rows/neighbor.ts';
import { storm } from './rows/storm.ts';
import { largeStream, manyStreams, stream } from './rows/stream.ts';
import { tls } from './rows/tls.ts';

/** All of them, in the order in which they run. */
export const peerRows: Readonly<Record<string, PeerRow>> = {
  stream,
  'large-stream': largeStream,
  'many-streams': manyStreams,
  call,
  'many-calls': manyCalls,
  'fan-out': fanOut,
  idle,
  storm,
  cut,
  neighbor,
  tls,
};

/** Those of the quick mode, which has two minutes for all of them together. */
export const quickRows: readonly string[] = ['stream', 'call', 'many-calls'];
