/**
 * Very many clients lose their connections in the same moment, and each hands messages over as soon as it notices: how long
 * until all are up again and what they handed over has arrived. Each contestant with the delays that its library has by
 * default, and once more told to hurry.
 */
import { type Measured, ofRounds } from '../../table.ts';
import { type PeerRow, type Rounds, type Run, compare } from '../contest.ts';
import { goals } from '../goals.ts';
import type { Returned } from '../line-client.ts';
import { CutLine, countOf } from '../line.ts';

/** What each client hands over while it is down. */
const PENDING = 10;

/** Who is not up by then has not come back. */
const BACK_MS = 30_000;

const scales = { full: { rounds: 3, clients: 2_000 }, quick: { rounds: 1, clients: 500 } };

/** One storm. */
interface Weathered {
  /** From the cut until all were up again; NaN when some were not. */
  readonly upMs: number;
  /** From the cut until all were up and the last message that came had come. */
  readonly overMs: number;
  readonly lost: number;
  readonly doubled: number;
}

/** Both settings, in turn. */
export const storm: PeerRow = async (run) => {
  const { rounds, clients } = scales[run.scale];
  const usual = new Map<string, Weathered[]>(run.contestants.map((name) => [name, []]));
  const eager = new Map<string, Weathered[]>(run.contestants.map((name) => [name, []]));
  for (let round = 0; round < rounds; round += 1) {
    for (const name of round % 2 === 0 ? run.contestants : run.contestants.toReversed()) {
      run.tell(`${name}: round ${round + 1} of ${rounds}`);
      usual.get(name)?.push(await weather(name, clients, false));
      eager.get(name)?.push(await weather(name, clients, true));
    }
  }
  const what = `${clients} clients cut at once, ${PENDING} messages each`;
  return [...figures(what, usual, run), ...figures(`${what}, told to hurry`, eager, run)];
};

function figures(what: string, reached: Rounds<Weathered>, run: Run): readonly Measured[] {
  const faults = ({ lost, doubled }: Weathered) => ({ lost, doubled, reordered: 0 });
  const lost = (reached.get('homing') ?? []).map((one) => one.lost + one.doubled);
  // A small crowd says nothing of a large one.
  const storms = run.scale === 'full' ? goals.storm : {};
  return [
    ...compare({ what: `${what}: all up and delivered`, unit: 'ms', goals: storms }, reached, {
      value: ({ overMs }) => overMs,
      faults,
    }),
    ...compare({ what: `${what}: all up`, unit: 'ms' }, reached, { value: ({ upMs }) => upMs }),
    { ...ofRounds(`${what}: lost or doubled`, lost, '', { atMost: 0 }), contestant: 'homing' },
  ];
}

/** One contestant, fresh: a storm in which the engine compiles, and one that counts. */
async function weather(name: string, clients: number, isEager: boolean): Promise<Weathered> {
  await using line = await CutLine.open(name, { hasClock: true });
  await line.connect(clients, { isEager });
  await cutAll(line, clients);
  return await cutAll(line, clients);
}

async function cutAll(line: CutLine, clients: number): Promise<Weathered> {
  await line.whole(clients);
  const before = await line.look('up');
  await line.tellClient<'ready'>({ type: 'storm', pending: PENDING, forMs: BACK_MS });
  const { atMs } = await line.tellCutter({ type: 'cut' });
  const { upAtMs, handed } = await line.tellClient<Returned>({ type: 'cut' });
  const after = await line.settle('up', countOf(before) + handed);
  const upMs = upAtMs.length < clients ? NaN : Math.max(...upAtMs) - atMs;
  const overMs = Math.max(upMs, after.lastMs - atMs);
  const lost = countOf(before) + handed - countOf(after);
  return { upMs, overMs, lost, doubled: after.doubled - before.doubled };
}
