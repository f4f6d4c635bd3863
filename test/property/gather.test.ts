import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Gather } from '../../src/wire/gather.ts';

const piece = fc.oneof(
  fc.record({ type: fc.constant('new' as const), bytes: fc.integer({ min: 1, max: 120 }) }),
  fc.record({
    type: fc.constant('range' as const),
    page: fc.nat({ max: 2 }),
    bytes: fc.integer({ min: 1, max: 6_000 }),
  }),
  fc.record({ type: fc.constant('range' as const), page: fc.nat({ max: 2 }), bytes: fc.integer({ min: 1, max: 150 }) }),
);

describe('what a gather hands over', () => {
  it('is what was added, in order, and stays what it was', () => {
    let [joined, apart] = [0, 0];
    fc.assert(
      fc.property(fc.array(fc.array(piece, { minLength: 1, maxLength: 6 }), { maxLength: 30 }), (writes) => {
        const gather = new Gather();
        const pages = Array.from({ length: 3 }, (_, page) => new Uint8Array(1_200_000).fill(page + 1));
        const used = [0, 0, 0];
        const taken: { parts: Uint8Array[]; expected: number[] }[] = [];
        let value = 0;
        for (const pieces of writes) {
          const expected: number[] = [];
          for (const added of pieces) {
            value = (value + 1) & 0xff;
            const fresh = added.type === 'new' ? gather.addNew(added.bytes) : undefined;
            const page =
              fresh === undefined ? (pages[added.type === 'range' ? added.page : 0] as Uint8Array) : gather.pool;
            const at = fresh ?? used[added.type === 'range' ? added.page : 0] ?? 0;
            page.fill(value, at, at + added.bytes);
            if (added.type === 'range') {
              gather.add(page, at, at + added.bytes);
              used[added.page] = at + added.bytes;
            }
            for (let count = 0; count < added.bytes; count++) expected.push(value);
          }
          expect(gather.bytes).toBe(expected.length);
          const parts = gather.take();
          expect([gather.bytes, gather.take()]).toEqual([0, []]);
          if (pieces.length > 1 && parts.length === 1) joined += 1;
          if (parts.length > 1) apart += 1;
          taken.push({ parts, expected });
        }
        for (const { parts, expected } of taken) {
          expect(Buffer.compare(Buffer.concat(parts), Buffer.from(expected))).toBe(0);
        }
      }),
      { numRuns: 100 },
    );
    expect(Math.min(joined, apart)).toBeGreaterThan(20);
  });

  it('is one range for neighbours in a page, and for an ack with one short message', () => {
    const gather = new Gather();
    const page = new Uint8Array(100_000);
    gather.add(page, 10, 20);
    gather.add(page, 20, 90_000);
    expect(gather.take()).toEqual([page.subarray(10, 90_000)]);
    const at = gather.addNew(48);
    const { pool } = gather;
    gather.add(page, 5, 105);
    const [only, ...others] = gather.take();
    expect([only?.buffer, only?.byteOffset, only?.length, others]).toEqual([pool.buffer, at, 148, []]);
  });
});
