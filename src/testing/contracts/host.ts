/** What every host keeps: all that its parts do, and tasks that run soon, in order and never inside the call. */
import type { Host } from '../../actors/ports.ts';
import { type ContractCase, type Passing, Waits, same } from './case.ts';
import { chanceContract } from './chance.ts';
import { checksumContract } from './checksum.ts';
import { clockContract } from './clock.ts';
import { secretsContract } from './secrets.ts';

/** A kind of host. */
export interface HostAdapter extends Passing {
  readonly host: Host;
  /** Its cryptography is a double, see `secrets`. */
  readonly isDouble?: boolean;
}

/** The cases for a host: those of its clock, chance, cryptography and checksum, and its own. */
export function hostContract(adapter: HostAdapter): readonly ContractCase[] {
  const { host, isDouble = false, turn } = adapter;
  const { clock, chance, secrets, checksum } = host;
  return [
    ...clockContract({ clock, ...(turn === undefined ? {} : { turn: () => turn.call(adapter) }) }),
    ...chanceContract({ chance }),
    ...secretsContract({ secrets, isDouble }),
    ...checksumContract({ checksum }),
    ...(['defer', 'soon'] as const).flatMap((verb) =>
      demands.map(({ id, title, play }) => ({
        id: `host-${verb}-${id}`,
        title: `a host, ${verb}: ${title}`,
        run: () => play((task) => host[verb](task), new Waits(adapter)),
      })),
    ),
  ];
}

interface Demand {
  readonly id: string;
  readonly title: string;
  readonly play: (later: (task: () => void) => void, waits: Waits) => Promise<void>;
}

const demands: readonly Demand[] = [
  {
    id: 'in-order',
    title: 'runs tasks once, in order, after the call that brought them',
    async play(later, waits) {
      const ran: number[] = [];
      for (let number = 1; number <= 50; number += 1) later(() => void ran.push(number));
      same('what ran inside the calls', ran, []);
      await waits.until(() => ran.length >= 50, 'fifty tasks');
      for (let turns = 0; turns < 3; turns += 1) await waits.turn();
      same(
        'what ran',
        ran,
        Array.from({ length: 50 }, (_, index) => index + 1),
      );
    },
  },
  {
    id: 'nested',
    title: 'runs a task that a task brings after that one',
    async play(later, waits) {
      const ran: string[] = [];
      later(() => {
        later(() => void ran.push('inner'));
        ran.push('outer');
      });
      await waits.until(() => ran.length >= 2, 'both tasks');
      same('the order', ran, ['outer', 'inner']);
    },
  },
];
