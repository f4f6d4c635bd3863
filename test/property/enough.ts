/**
 * A law about random plans says nothing where nothing happens in them, and how much happens is chance: a bound that is
 * tight enough to mean something fails now and then. So plans are drawn until enough has happened.
 */
import { expect } from 'vitest';

/** The rarest of what is asked for is missing after one round in five, after these less than once in a million times. */
const ROUNDS_MAX = 9;

/** Plays rounds, which add to `sum`, until it holds more of each of `floors`; throws when it never does. */
export async function untilEnough<Key extends string>(
  sum: Readonly<Record<Key, number>>,
  floors: Readonly<Partial<Record<NoInfer<Key>, number>>>,
  playRound: () => Promise<void>,
): Promise<void> {
  const missing = (): string[] =>
    (Object.keys(floors) as Key[])
      .filter((key) => sum[key] <= (floors[key] ?? 0))
      .map((key) => `expected ${key} above ${floors[key]}, got ${sum[key]}`);
  for (let round = 0; round < ROUNDS_MAX; round += 1) {
    await playRound();
    if (missing().length === 0) return;
  }
  expect(missing(), `after ${ROUNDS_MAX} rounds`).toEqual([]);
}
