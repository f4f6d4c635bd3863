/** The rows that compare contestants, by name. */
import type { PeerRow } from './contest.ts';
import { call, manyCalls } from './rows/call.ts';
import { largeStream, manyStreams, stream } from './rows/stream.ts';

/** All of them, in the order in which they run. */
export const peerRows: Readonly<Record<string, PeerRow>> = {
  stream,
  'large-stream': largeStream,
  'many-streams': manyStreams,
  call,
  'many-calls': manyCalls,
};

/** Those of the quick mode, which has two minutes for all of them together. */
export const quickRows: readonly string[] = ['stream', 'call', 'many-calls'];
