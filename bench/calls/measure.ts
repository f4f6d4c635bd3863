/**
 * Calls over one connection, Homing beside plain TCP. Both contestants stay up, each end in a process of its own, and call
 * in turn, so that a slow moment of the machine meets both.
 */
import { Program } from '../program.ts';
import { ratios } from '../statistics.ts';
import { type Measured, ofRounds } from '../table.ts';
import type { CallOrder, Called } from './caller.ts';

/** How long it is measured. */
export interface CallScale {
  readonly rounds: number;
  /** Of each contestant in each round. */
  readonly milliseconds: number;
}

const IN_FLIGHT = 64;

/** Not counted: the time in which the engine compiles, which takes many calls. */
const warming: readonly CallOrder[] = [
  { inFlight: IN_FLIGHT, milliseconds: 2_000 },
  { inFlight: 1, milliseconds: 300 },
];

/** How many calls a second, many at a time. */
export async function measureCalls(scale: CallScale): Promise<readonly Measured[]> {
  const { plain, homing } = await contest(scale, IN_FLIGHT);
  const rates = (all: readonly Called[]): readonly number[] => all.map(({ rate }) => rate);
  const what = `calls, ${IN_FLIGHT} in flight`;
  return [
    ofRounds(`${what}, plain, a write for each message`, rates(plain), '/s'),
    ofRounds(`${what}, homing`, rates(homing), '/s'),
    ofRounds(`${what}, homing ÷ plain`, ratios(rates(homing), rates(plain)), '', { atLeast: 2 }),
  ];
}

/** How long a call takes that is alone. */
export async function measureSingleCall(scale: CallScale): Promise<readonly Measured[]> {
  const { plain, homing } = await contest(scale, 1);
  const p50 = (all: readonly Called[]): readonly number[] => all.map(({ p50Us }) => p50Us);
  const p99 = (all: readonly Called[]): readonly number[] => all.map(({ p99Us }) => p99Us);
  return [
    ofRounds('one call at a time, plain, p50', p50(plain), 'µs'),
    ofRounds('one call at a time, homing, p50', p50(homing), 'µs'),
    ofRounds('one call at a time, homing ÷ plain, p50', ratios(p50(homing), p50(plain)), '', { atMost: 1.25 }),
    ofRounds('one call at a time, plain, p99', p99(plain), 'µs'),
    ofRounds('one call at a time, homing, p99', p99(homing), 'µs'),
    ofRounds('one call at a time, homing ÷ plain, p99', ratios(p99(homing), p99(plain)), ''),
  ];
}

interface Results {
  readonly plain: Called[];
  readonly homing: Called[];
}

async function contest({ rounds, milliseconds }: CallScale, inFlight: number): Promise<Results> {
  await using plainServer = new Program(new URL('./plain-server.ts', import.meta.url));
  await using homingServer = new Program(new URL('./homing-server.ts', import.meta.url));
  await using plainClient = new Program(new URL('./plain-client.ts', import.meta.url), [await portOf(plainServer)]);
  await using homingClient = new Program(new URL('./homing-client.ts', import.meta.url), [await portOf(homingServer)]);
  const clients = { plain: plainClient, homing: homingClient };
  const results: Results = { plain: [], homing: [] };
  const names = ['plain', 'homing'] as const;
  for (const name of names) {
    await clients[name].next<'ready'>();
    for (const order of warming) await clients[name].ask<Called>(order);
  }
  for (let round = 0; round < rounds; round += 1) {
    // Neither of them is always the first.
    for (const name of round % 2 === 0 ? names : names.toReversed()) {
      results[name].push(await clients[name].ask<Called>({ inFlight, milliseconds } satisfies CallOrder));
    }
  }
  return results;
}

async function portOf(server: Program): Promise<string> {
  const { port } = await server.next<{ readonly port: number }>();
  return String(port);
}
