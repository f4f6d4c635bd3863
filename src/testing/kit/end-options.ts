/** The options that the ends of a run are made with. */
import type { EndOptions } from '../../actors/options.ts';
import { rehearsalTimers } from '../cast.ts';

/** How both ends are made: short times, so that little is waited for, and a checksum, so that altered bytes are found. */
const ends = {
  heartbeat: rehearsalTimers.heartbeat,
  handshakeMs: rehearsalTimers.handshakeMs,
  checksum: true,
  lingerMs: 120_000,
};

/** The user's options in front of those of the kit; times in milliseconds. */
export function timed<Options extends EndOptions>(own: Options) {
  const { intervalMs, timeoutMs } = own.heartbeat ?? {};
  return {
    ...ends,
    ...own,
    handshakeMs: own.handshakeMs ?? ends.handshakeMs,
    heartbeat: {
      intervalMs: intervalMs ?? ends.heartbeat.intervalMs,
      timeoutMs: timeoutMs ?? ends.heartbeat.timeoutMs,
    },
  };
}
