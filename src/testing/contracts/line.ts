/**
 * What every line keeps, whatever carries its bytes. An adapter gives pairs of lines that are joined and a way to break them; each
 * case runs for both ends, the one that dials and the one that accepts.
 */
import type { Dial, LineEnds } from '../../actors/ports.ts';
import { type ContractCase, type Passing, Waits, must, same } from './case.ts';
import { type Demand, type Joined, demands } from './line-demands.ts';
import { End } from './line-end.ts';

/** Which end of a pair a case is about. */
export type LineRole = 'dialling' | 'accepting';

/** Two ends that will be joined; disposed of when its case is over. */
export interface LinePair extends AsyncDisposable {
  readonly dialling: Dial;
  /** The other end, once the first has been dialled. */
  accepting(): Promise<Dial>;
  /** Breaks what is between the lines once both are open, as a network would: no goodbye. */
  cut(): void;
}

/** A kind of line. */
export interface LineAdapter extends Passing {
  /** A new pair, asked for by each case. */
  pair(): Promise<LinePair>;
  /** A dial that must fail; without it the case about that is left out. */
  readonly failing?: () => Dial | Promise<Dial>;
  /** Whether both ends are told an error by a cut, as TCP does; otherwise they may merely see an end. */
  readonly cutIsError: boolean;
  /** Ends that learn of a cut only when they read on: to those of a relay it is a goodbye, behind what nobody has read. */
  readonly keepsCutWhilePaused?: readonly LineRole[];
  /** Throws unless the ends of an open line are what they should be. */
  readonly checkEnds?: (ends: LineEnds, role: LineRole) => void;
  /** Bytes of the largest case, 4,000,000 if nothing is said; less where a byte is dear. */
  readonly bulkBytes?: number;
}

const BULK_BYTES = 4_000_000;

/** The cases for a kind of line: both ends of it, and dials that fail. */
export function lineContract(adapter: LineAdapter): readonly ContractCase[] {
  const roles = ['dialling', 'accepting'] as const;
  const joined = roles.flatMap((role) =>
    demands
      .filter(({ id }) => id !== 'cut-paused' || adapter.keepsCutWhilePaused?.includes(role) !== true)
      .map((demand): ContractCase => ({
        id: `line-${role}-${demand.id}`,
        title: `a line, the ${role} end: ${demand.title}`,
        run: () => onJoined(adapter, role, demand),
      })),
  );
  return [...joined, ...roles.map((role) => givenUp(adapter, role)), ...failingCases(adapter)];
}

/** A line that is given up before it is open. */
function givenUp(adapter: LineAdapter, role: LineRole): ContractCase {
  return {
    id: `line-${role}-given-up-before`,
    title: `a line, the ${role} end: never opens when it is given up before`,
    async run() {
      const waits = new Waits(adapter);
      await using pair = await adapter.pair();
      const isDialling = role === 'dialling';
      const first = new End(pair.dialling, isDialling ? (line) => line.destroy() : undefined);
      if (isDialling) {
        for (let turns = 0; turns < 5; turns += 1) await waits.turn();
        same('what it was told', first.told, []);
        return;
      }
      const second = new End(await pair.accepting(), (line) => line.destroy());
      await waits.until(() => first.isClosed, 'the end at the peer');
      same('what it was told', second.told, []);
      first.line.destroy();
    },
  };
}

function failingCases(adapter: LineAdapter): readonly ContractCase[] {
  const { failing } = adapter;
  if (failing === undefined) return [];
  return [
    {
      id: 'line-failing',
      title:
        'a line that cannot be made: is closed once, with an error, later than the call that made it; nothing is thrown',
      async run() {
        const waits = new Waits(adapter);
        const end = new End(await failing.call(adapter));
        await waits.until(() => end.told.length > 0, 'the failure');
        end.poke();
        await waits.turn();
        same('what it was told', end.told, ['closed']);
        must(end.error instanceof Error, 'expected the error that was in the way, got none');
        same('what was told when it must not be', [...end.faults], []);
      },
    },
  ];
}

async function onJoined(adapter: LineAdapter, role: LineRole, { before, play }: Demand): Promise<void> {
  const waits = new Waits(adapter);
  await using pair = await adapter.pair();
  const isDialling = role === 'dialling';
  const near = new End(pair.dialling, isDialling ? before : undefined);
  const far = new End(await pair.accepting(), isDialling ? undefined : before);
  try {
    await waits.until(() => near.isOpen && far.isOpen, 'both ends to open');
    const [subject, peer] = isDialling ? [near, far] : [far, near];
    await play({
      waits,
      subject,
      peer,
      cutIsError: adapter.cutIsError,
      checkEnds: (ends) => adapter.checkEnds?.(ends, role),
      bulk: (share) => Math.round((adapter.bulkBytes ?? BULK_BYTES) * share),
      cut: () => pair.cut(),
      ...crossings(waits, subject, peer),
    });
  } finally {
    near.line.destroy();
    far.line.destroy();
  }
  same('what was told when it must not be', [...near.faults, ...far.faults], []);
}

function crossings(waits: Waits, subject: End, peer: End): Pick<Joined, 'echo' | 'oneWay'> {
  const oneWay = async (): Promise<void> => {
    const { byteCount } = peer;
    subject.write(Uint8Array.of(0));
    await waits.until(() => peer.byteCount > byteCount, 'a byte');
    await waits.turn();
  };
  return {
    oneWay,
    async echo() {
      await oneWay();
      const { byteCount } = subject;
      peer.write(Uint8Array.of(0));
      await waits.until(() => subject.byteCount > byteCount, 'an answer');
    },
  };
}
