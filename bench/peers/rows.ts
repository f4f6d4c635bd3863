/** The rows that compare contestants, by name. */
import type { PeerRow } from './contest.ts';
import { call, manyCalls } from './rows/call.ts';
import { fanOut } from './rows/fan-out.ts';
import { idle } from './rows/idle.ts';
import { largeStream, manyStreams, stream } from './rows/stream.ts';

/** All of them, in the order in which they run. */
export const peerRows: Readonly<Record<string, PeerRow>> = {
  stream,
  'large-stream': largeStream,
  'many-streams': manyStreams,
  call,
  'many-calls': manyCalls,
  'fan-out': fanOut,
  idle,
};

/** Those of the quick mode, which has two minutes for all of them together. */
export const quickRows: readonly string[] = ['stream', 'call', 'many-calls'];
