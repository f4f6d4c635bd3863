/**
 * Which ways of a connection's machine were taken. The program that all its engines share gets a counting step at the head of
 * each way, so the engines know nothing of it; one counter a thread and machine.
 */
import type { AnyStateMachine } from 'xstate';
import { sharedProgramOf } from '../../src/machines/live.ts';
import type { ProgramBranch, ProgramState } from '../../src/machines/program.ts';

/** How often each way was taken: by its name, `up SOCKET_LOST > backoff.planning`. */
export type EdgeCounts = ReadonlyMap<string, number>;

/**
 * Counts from now on. Every way there is has an entry, reached or not: each state that can be got to from the first, each
 * event that means something there, each branch that a guard may choose.
 */
export function countEdges(machine: AnyStateMachine): EdgeCounts {
  const counts = new Map<string, number>();
  const { next } = sharedProgramOf(machine).start;
  const known = new Set<ProgramState>([next]);
  for (const state of known) {
    for (const [type, branches] of state.branches) {
      for (const branch of branches) known.add(branch.next);
      state.branches.set(
        type,
        branches.map((branch) => counted(counts, `${state.words.join('.')} ${plain(type)}`, branch)),
      );
    }
  }
  return counts;
}

function counted(counts: Map<string, number>, from: string, branch: ProgramBranch): ProgramBranch {
  const way = `${from} > ${branch.next.words.join('.')}`;
  const name = counts.has(way) ? `${way} otherwise` : way;
  counts.set(name, 0);
  const count = ({ context }: { readonly context: object }): object => {
    counts.set(name, (counts.get(name) ?? 0) + 1);
    return context;
  };
  return { ...branch, steps: [{ type: 'assign', next: count }, ...branch.steps] };
}

/** `xstate.after.handshake.dialling.up` is `after handshake`. */
function plain(type: string): string {
  const [, delay] = /^xstate\.after\.([^.]+)/.exec(type) ?? [];
  return delay === undefined ? type : `after ${delay}`;
}
