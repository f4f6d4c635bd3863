/** What every clock keeps: time that goes one way, and timers that are late rather than early. */
import type { Clock } from '../../actors/ports.ts';
import { type ContractCase, type Passing, Waits, must, same } from './case.ts';

/** A kind of clock. */
export interface ClockAdapter extends Passing {
  readonly clock: Clock;
}

/** Timers of Node count whole milliseconds, so one may fire a part of one before its time. */
const EARLY_MS = 1;

/** The cases for a kind of clock. Where time is real they take a tenth of a second. */
export function clockContract(adapter: ClockAdapter): readonly ContractCase[] {
  return demands.map(({ id, title, play }) => ({
    id: `clock-${id}`,
    title: `a clock ${title}`,
    run: () => play(adapter.clock, new Waits(adapter)),
  }));
}

interface Demand {
  readonly id: string;
  readonly title: string;
  readonly play: (clock: Clock, waits: Waits) => Promise<void>;
}

const demands: readonly Demand[] = [
  {
    id: 'goes-on',
    title: 'never goes back, and comes as far as its timers',
    async play(clock, waits) {
      const begunMs = clock.now();
      must(Number.isFinite(begunMs), `expected a number of milliseconds, got ${begunMs}`);
      let lastMs = begunMs;
      let left = 10;
      const again = (): void => {
        left -= 1;
        if (left > 0) clock.setTimeout(again, 1);
      };
      again();
      const isOver = (): boolean => {
        const nowMs = clock.now();
        must(nowMs >= lastMs, `expected time that goes on from ${lastMs}, got ${nowMs}`);
        lastMs = nowMs;
        return left <= 0;
      };
      await waits.until(isOver, 'ten timers, one after another');
      must(clock.now() > begunMs, 'expected time to have passed');
    },
  },
  {
    id: 'not-early',
    title: 'fires a timer once, not inside a call and not before its time',
    async play(clock, waits) {
      const fired: number[] = [];
      const faults: string[] = [];
      let isInside = true;
      const begunMs = clock.now();
      for (const delayMs of [0, 1, 5, 20]) {
        clock.setTimeout(() => {
          fired.push(delayMs);
          if (isInside) faults.push(`one of ${delayMs} ms inside the call that set it`);
          const passedMs = clock.now() - begunMs;
          if (passedMs + EARLY_MS < delayMs) faults.push(`one of ${delayMs} ms after ${passedMs} ms`);
        }, delayMs);
      }
      isInside = false;
      await waits.until(() => fired.length >= 4, 'four timers');
      for (let turns = 0; turns < 5; turns += 1) await waits.turn();
      same('what fired', fired, [0, 1, 5, 20]);
      same('what fired when it must not', faults, []);
    },
  },
  {
    id: 'in-order',
    title: 'fires timers in the order of their times, and those of one time in the order in which they were set',
    async play(clock, waits) {
      const fired: string[] = [];
      // All are set in one go: what was set a millisecond later would be of another time.
      for (const [name, delayMs] of [
        ['last', 30],
        ['first', 4],
        ['middle one', 12],
        ['middle two', 12],
        ['middle three', 12],
      ] as const) {
        clock.setTimeout(() => void fired.push(name), delayMs);
      }
      await waits.until(() => fired.length >= 5, 'five timers');
      same('the order', fired, ['first', 'middle one', 'middle two', 'middle three', 'last']);
    },
  },
  {
    id: 'taken-back',
    title: 'takes a timer back, also one that is due with the one at hand, and one that has fired without an error',
    async play(clock, waits) {
      const fired: string[] = [];
      clock.clearTimeout(clock.setTimeout(() => void fired.push('taken back at once'), 1));
      const tickets: unknown[] = [];
      tickets.push(
        clock.setTimeout(() => {
          fired.push('one');
          clock.clearTimeout(tickets[1]);
          clock.clearTimeout(tickets[0]);
        }, 5),
        clock.setTimeout(() => void fired.push('taken back by one'), 5),
      );
      clock.setTimeout(() => void fired.push('end'), 15);
      await waits.until(() => fired.includes('end'), 'the last timer');
      same('what fired', fired, ['one', 'end']);
    },
  },
  {
    id: 'again',
    title: 'fires what a timer sets later than that timer',
    async play(clock, waits) {
      const fired: string[] = [];
      clock.setTimeout(() => {
        clock.setTimeout(() => void fired.push('inner'), 0);
        fired.push('outer');
      }, 1);
      await waits.until(() => fired.length >= 2, 'both timers');
      same('the order', fired, ['outer', 'inner']);
    },
  },
  {
    id: 'long',
    title: 'holds a timer of months back: a delay beyond 31 bits does not fire at once',
    async play(clock, waits) {
      let hasFired = false;
      const tickets = [2 ** 31 + 10, 2 ** 40].map((delayMs) => clock.setTimeout(() => (hasFired = true), delayMs));
      let isOver = false;
      clock.setTimeout(() => (isOver = true), 10);
      await waits.until(() => isOver, 'a timer of 10 ms');
      same('whether a timer of months fired', hasFired, false);
      for (const ticket of tickets) clock.clearTimeout(ticket);
    },
  },
];
