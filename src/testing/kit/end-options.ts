/** The options that the ends of a run are made with. */
import type { EndOptions } from '../../actors/options.ts';
import type { ClientOptions } from '../../client/client.ts';
import { rehearsalTimers } from '../cast.ts';
import type { AnyContract } from '../client-node.ts';
import type { AnyScenario } from './scenario.ts';

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

/** Options of a client of a scenario, with the times of the kit where it does not say otherwise. */
export function optionsOf({ clientOptions }: AnyScenario, number: number) {
  const own: ClientOptions<AnyContract> =
    (typeof clientOptions === 'function' ? clientOptions(number) : clientOptions) ?? {};
  return { ...timed(own), backoff: { ...rehearsalTimers.backoff, ...own.backoff } };
}

/** How long the user's code may take in all, in milliseconds. */
export const WORK_MS = 60_000;
