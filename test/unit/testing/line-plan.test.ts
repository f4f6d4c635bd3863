import { describe, expect, it } from 'vitest';
import { draw, storm } from '../../../src/testing/line-plan.ts';

const options = { upBytesMax: 10_000, downBytesMax: 500, stallMsMax: 80, refuseMsMax: 40, latencyMsMax: 3 };

describe('a storm', () => {
  it('is the same for the same seed, whatever was asked before', () => {
    const one = storm({ seed: 7, ...options });
    const two = storm({ seed: 7, ...options });
    for (let connection = 199; connection >= 0; connection -= 1) one(connection);
    for (let connection = 0; connection < 200; connection += 1) expect(two(connection)).toEqual(one(connection));
    expect(one(3)).not.toEqual(storm({ seed: 8, ...options })(3));
  });

  it('ends every connection, and knows every fault', () => {
    const plan = storm({ seed: 1, ...options });
    const seen = new Set<string>();
    for (let connection = 0; connection < 400; connection += 1) {
      const faults = plan(connection);
      expect(faults.some(({ type }) => type === 'cut' || type === 'blackHole' || type === 'turnAway')).toBe(true);
      for (const fault of faults) {
        seen.add('how' in fault ? `${fault.type} ${fault.how}` : fault.type);
        if (fault.type === 'blackHole') seen.add(`hole ${fault.hole}`);
        if (fault.type === 'cut' && fault.refuseMs !== undefined) seen.add('refuse');
        if ('afterBytes' in fault) {
          expect(fault.afterBytes).toBeGreaterThanOrEqual(0);
          expect(fault.afterBytes).toBeLessThanOrEqual(fault.direction === 'up' ? 10_000 : 500);
        }
      }
    }
    expect([...seen].sort()).toEqual(
      ['blackHole', 'cut finish', 'cut reset', 'hole both', 'hole down', 'hole up', 'refuse', 'slow', 'stall']
        .concat(['turnAway finish', 'turnAway reset'])
        .sort(),
    );
  });
});

describe('a draw', () => {
  it('is even over [0, 1)', () => {
    const tenths = new Array<number>(10).fill(0);
    for (let index = 0; index < 10_000; index += 1) {
      const number = draw(5, index, 'even');
      expect(number).toBeGreaterThanOrEqual(0);
      expect(number).toBeLessThan(1);
      const tenth = Math.floor(number * 10);
      tenths[tenth] = (tenths[tenth] ?? 0) + 1;
    }
    for (const count of tenths) expect(Math.abs(count - 1_000)).toBeLessThan(150);
  });
});
