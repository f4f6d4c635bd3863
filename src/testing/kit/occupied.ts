/** One simulation at a time: while it is played, time and chance of its thread are virtual for the processes in it. */
import { HomingError } from '../../errors.ts';
import { replaceGlobals } from './globals.ts';
import type { AnyScenario } from './scenario.ts';

let isOccupied = false;

/** Takes this thread for a simulation; gives what lets it go again. Throws `BadOption` while another one has it. */
export function occupy(scenario: AnyScenario): () => void {
  if (isOccupied) {
    const sentence = 'another simulation is played in this thread: await it first, or leave out test.concurrent';
    throw new HomingError('BadOption', sentence);
  }
  isOccupied = true;
  const restore = scenario.globals === false ? undefined : replaceGlobals();
  return () => {
    restore?.();
    isOccupied = false;
  };
}

/** Does work in a thread where nothing else is simulated. */
export async function alone<Result>(scenario: AnyScenario, work: () => Promise<Result>): Promise<Result> {
  const leave = occupy(scenario);
  try {
    return await work();
  } finally {
    leave();
  }
}
