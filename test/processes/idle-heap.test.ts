// What an idle connection costs its server, as the benchmark weighs it.
import { expect, test } from 'vitest';
import { shareOf } from '../../bench/idle/measure.ts';

/** Half as much again as was measured. */
const HEAP_BYTES_MAX = 13_000;

test('an idle session is small: of all tables it has only that of its handlers until somebody uses more', async () => {
  const { heap, tables } = await shareOf('inline', 'silent', 300);
  // The scales move: a socket alone is not less than this.
  expect(heap).toBeGreaterThan(1_000);
  expect(heap).toBeLessThan(HEAP_BYTES_MAX);
  expect(tables).toBe(1);
}, 30_000);
