/**
 * Promises of a program that has few of them. A world waits for promises only while somebody holds one, since that takes
 * time; here each of the events that may settle one is told, and nobody has to be held for the time between.
 */
import type { Clock } from '../actors/ports.ts';
import type { Loop } from './loop.ts';

/** Lets promises settle after this event. */
export function stir(loop: Loop): void {
  loop.held();
  loop.clock.at(loop.clock.now(), () => loop.released());
}

/** A clock after each of whose timers promises settle. */
export function stirringClock(loop: Loop, clock: Clock): Clock {
  return {
    now: () => clock.now(),
    clearTimeout: (ticket) => clock.clearTimeout(ticket),
    setTimeout: (fire, delayMs) =>
      clock.setTimeout(() => {
        stir(loop);
        fire();
      }, delayMs),
  };
}
