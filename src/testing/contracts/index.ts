/** The contracts of the ports, one acceptance suite each: lists of cases that any test runner takes. */
import { chanceContract } from './chance.ts';
import { checksumContract } from './checksum.ts';
import { clockContract } from './clock.ts';
import { hostContract } from './host.ts';
import { lineContract } from './line.ts';
import { pipeContract } from './pipe.ts';
import { secretsContract } from './secrets.ts';
import { transportContract } from './transport.ts';

/**
 * An acceptance suite for each port. `transport` is for what users plug in, `createConnection` and `server.accept`; the
 * others are for those who write adapters of the ports in `src/actors/ports.ts`.
 */
export const contracts = {
  transport: transportContract,
  line: lineContract,
  pipe: pipeContract,
  clock: clockContract,
  chance: chanceContract,
  secrets: secretsContract,
  checksum: checksumContract,
  host: hostContract,
} as const;
