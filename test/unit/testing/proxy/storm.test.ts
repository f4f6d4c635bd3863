import { describe, expect, it } from 'vitest';
import { draw, storm } from '../../../../src/testing/proxy/storm.ts';

const options = { upBytesMax: 10_000, downBytesMax: 500, stallMsMax: 80, refuseMsMax: 40, latencyMsMax: 3 };

/** Faults after which a connection is none any more. */
const endings: readonly string[] = ['cut', 'blackHole', 'turnAway', 'orphan'];

describe('a storm', () => {
  it('is the same for the same seed, whatever was asked before', () => {
    const one = storm({ seed: 7, ...options });
    const two = storm({ seed: 7, ...options });
    for (let connection = 199; connection >= 0; connection -= 1) one(connection);
    for (let connection = 0; connection < 200; connection += 1) expect(two(connection)).toEqual(one(connection));
    expect(one(3)).not.toEqual(storm({ seed: 8, ...options })(3));
  });

  it('ends every connection, and knows every fault', () => {
    const plan = storm({ seed: 1, ...options, flips: true });
    const seen = new Set<string>();
    for (let connection = 0; connection < 1_000; connection += 1) {
      const faults = plan(connection);
      expect(JSON.parse(JSON.stringify(faults))).toEqual(faults);
      // At a byte that comes, not only at a frame that may not.
      expect(faults.some((fault) => endings.includes(fault.type) && !('on' in fault))).toBe(true);
      for (const fault of faults) {
        seen.add('how' in fault ? `${fault.type} ${fault.how}` : fault.type);
        if (fault.type === 'blackHole') seen.add(`hole ${fault.hole}`);
        if (fault.type === 'cut' && fault.refuseMs !== undefined) seen.add('refuse');
        if (fault.type === 'slow') for (const name of Object.keys(fault)) seen.add(name);
        if ('on' in fault) seen.add(`${fault.on.frame} ${fault.on.direction}`);
        if (!('afterBytes' in fault)) continue;
        expect(fault.afterBytes).toBeGreaterThanOrEqual(0);
        expect(fault.afterBytes).toBeLessThanOrEqual(fault.direction === 'up' ? 10_000 : 500);
      }
    }
    expect([...seen].sort()).toEqual(
      ['blackHole', 'cut finish', 'cut reset', 'hole both', 'hole down', 'hole up', 'refuse', 'slow', 'stall']
        .concat(['turnAway finish', 'turnAway reset', 'turnAway silence', 'orphan', 'flip', 'replay'])
        .concat(['type', 'latencyMs', 'jitterMs', 'bytesPerMs', 'direction', 'closeMs', 'sliceBytes'])
        .concat(['HELLO up', 'WELCOME down', 'ACK up', 'ACK down', 'ORDERED up', 'ORDERED down'])
        .sort(),
    );
  });

  it('alters bytes only where it is told so, and opens fewer black holes where it is told so', () => {
    const calm = storm({ seed: 1, ...options, holes: 0 });
    const types = Array.from({ length: 1_000 }, (_, connection) => calm(connection).map(({ type }) => type)).flat();
    expect(types).not.toContain('flip');
    expect(types).not.toContain('blackHole');
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
