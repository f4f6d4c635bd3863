/** Calls over one connection: how long one takes that is alone, and how many there are when 64 are under way. */
import type { Measured } from '../../table.ts';
import type { Called } from '../calling.ts';
import { type PeerRow, type Rounds, type Run, compare, hold } from '../contest.ts';
import { goals } from '../goals.ts';
import { Pair } from '../pair.ts';
import { hasCalls } from '../registry.ts';

const IN_FLIGHT = 64;

/** Short slices in turn: a disturbance of the machine is longer than any of them. */
const scales = {
  full: { rounds: 31, milliseconds: 250, warmMs: 2_000 },
  quick: { rounds: 5, milliseconds: 150, warmMs: 600 },
};

/** One call at a time. */
export const call: PeerRow = async (run) => {
  const reached = await calls(run, 1);
  return [
    ...compare({ what: 'call, 1 in flight, p50', unit: 'µs', goals: goals.call }, reached, {
      value: ({ p50Us }) => p50Us,
    }),
    ...compare({ what: 'call, 1 in flight, p99', unit: 'µs' }, reached, { value: ({ p99Us }) => p99Us }),
  ];
};

/** Many at a time, a new one as soon as one is answered. */
export const manyCalls: PeerRow = async (run): Promise<readonly Measured[]> =>
  compare({ what: `call, ${IN_FLIGHT} in flight`, unit: '/s', goals: goals.manyCalls }, await calls(run, IN_FLIGHT), {
    value: ({ rate }) => rate,
  });

async function calls(run: Run, inFlight: number): Promise<Rounds<Called>> {
  const { rounds, milliseconds, warmMs } = scales[run.scale];
  const names = run.contestants.filter(hasCalls);
  return hold(run, names, {
    rounds,
    async open(name) {
      const pair = await Pair.open(name);
      await pair.connect(1);
      return pair;
    },
    async warm(pair) {
      await pair.call({ inFlight: IN_FLIGHT, milliseconds: warmMs });
      await pair.call({ inFlight, milliseconds: warmMs / 2 });
    },
    slice: (pair) => pair.call({ inFlight, milliseconds }),
  });
}
