import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Draws } from '../../../src/testing/draws.ts';
import { Flow, type FlowEnd, type Weather } from '../../../src/testing/flow.ts';
import { VirtualClock } from '../../../src/testing/virtual-clock.ts';
import { fairWeather } from '../../../src/testing/world.ts';

/** A flow whose ends write down what they get. */
class Tape {
  readonly clock = new VirtualClock();
  readonly flow: Flow;
  readonly read: number[] = [];
  readonly chunks: number[] = [];
  readonly atMs: number[] = [];
  end: FlowEnd | undefined;
  drainCount = 0;
  /** Bytes after which the flow is stopped. */
  allowed = Infinity;

  constructor(weather: Partial<Weather> = {}, seed = 1) {
    this.flow = new Flow(
      this.clock,
      new Draws(seed, 'flow'),
      { ...fairWeather, ...weather },
      {
        read: (chunk) => {
          this.read.push(...chunk);
          this.chunks.push(chunk.length);
          this.atMs.push(this.clock.now());
          chunk.fill(0xee);
        },
        ended: (by) => (this.end = by),
        drained: () => (this.drainCount += 1),
        allowance: () => this.allowed - this.read.length,
        passed: () => {
          if (this.read.length >= this.allowed) this.flow.stop();
        },
      },
    );
  }

  run(untilMs = Infinity): void {
    while (this.clock.pendingCount > 0 && this.clock.nextMs <= untilMs) this.clock.take()?.fire();
  }
}

function bytes(from: number, count: number): Uint8Array {
  return Uint8Array.from({ length: count }, (_each, index) => (from + index) % 251);
}

const weathers = fc.record({
  latencyMs: fc.nat({ max: 20 }),
  jitterMs: fc.nat({ max: 20 }),
  chunkBytes: fc.nat({ max: 9 }),
  bufferBytes: fc.nat({ max: 40 }),
  bytesPerMs: fc.constantFrom(Infinity, 1, 7),
});

describe('the law of a line', () => {
  it('what is read is a prefix of what was written, and all of it when nothing befalls the line', () => {
    const writes = fc.array(fc.array(fc.nat({ max: 12 }), { maxLength: 3 }), { maxLength: 20 });
    fc.assert(
      fc.property(
        weathers,
        writes,
        fc.option(fc.nat({ max: 60 }), { nil: Infinity }),
        fc.nat(),
        (weather, parts, allowed, seed) => {
          const tape = new Tape(weather, seed);
          tape.allowed = allowed;
          const written: number[] = [];
          for (const sizes of parts) {
            const given = sizes.map((size) => bytes(written.length, size));
            tape.flow.write(given);
            for (const part of given) written.push(...part);
            tape.run(tape.clock.now() + 3);
          }
          tape.flow.end('finish');
          tape.run();
          expect(tape.read).toEqual(written.slice(0, tape.read.length));
          expect(tape.read.length).toBe(Math.min(written.length, allowed));
          const isStopped = written.length > 0 && allowed <= written.length;
          expect(tape.end).toBe(isStopped ? undefined : 'finish');
        },
      ),
    );
  });

  it('copies bytes when they are written, so that what happens to them afterwards does not matter', () => {
    const tape = new Tape();
    const part = bytes(5, 4);
    tape.flow.write([part]);
    part.fill(0);
    tape.run();
    expect(tape.read).toEqual([5, 6, 7, 8]);
  });

  it('keeps bytes by reference while the buffer is full, and finds out who changes them', () => {
    const tape = new Tape({ bufferBytes: 2 });
    expect(tape.flow.write([bytes(0, 3)])).toBe(false);
    const kept = bytes(3, 3);
    tape.flow.write([kept]);
    const honest = new Tape({ bufferBytes: 2 });
    honest.flow.write([bytes(0, 3)]);
    honest.flow.write([kept]);
    honest.run();
    expect(honest.read).toEqual([0, 1, 2, 3, 4, 5]);
    expect([...kept]).toEqual([3, 4, 5]);
    kept[1] = 99;
    expect(() => tape.run()).toThrow('as they were written');
  });
});

describe('a flow', () => {
  it('answers false when its buffer is full and tells once it is empty', () => {
    const tape = new Tape({ bufferBytes: 10, chunkBytes: 1 });
    expect(tape.flow.write([bytes(0, 10)])).toBe(true);
    expect(tape.flow.write([bytes(10, 1)])).toBe(false);
    expect(tape.drainCount).toBe(0);
    tape.run();
    expect([tape.drainCount, tape.flow.waitingBytes]).toEqual([1, 0]);
    expect(tape.flow.write([bytes(0, 1)])).toBe(true);
  });

  it('delivers after its latency, in order, however the jitter falls', () => {
    const tape = new Tape({ latencyMs: 10, jitterMs: 30 });
    for (let count = 0; count < 10; count += 1) tape.flow.write([bytes(count * 4, 4)]);
    tape.run();
    expect(tape.read).toEqual([...bytes(0, 40)]);
    expect(Math.min(...tape.atMs)).toBeGreaterThanOrEqual(10);
    expect(tape.atMs).toEqual(tape.atMs.toSorted((one, other) => one - other));
  });

  it('reads what arrived during a stall in one burst, and no byte before', () => {
    const tape = new Tape();
    tape.flow.stall(500);
    for (let count = 0; count < 5; count += 1) tape.flow.write([bytes(count * 2, 2)]);
    tape.run(499);
    expect(tape.read).toEqual([]);
    tape.run();
    expect([tape.atMs, tape.chunks]).toEqual([[500], [10]]);
  });

  it('goes on at once when a stall is taken back', () => {
    const tape = new Tape();
    tape.flow.stall(60_000);
    tape.flow.write([bytes(0, 2)]);
    tape.run(100);
    expect(tape.read).toEqual([]);
    tape.flow.resume();
    tape.run(101);
    expect(tape.read).toEqual([0, 1]);
  });

  it('swallows bytes and ends for good, and tells nobody', () => {
    const tape = new Tape();
    tape.flow.stall(Infinity);
    tape.flow.write([bytes(0, 2)]);
    tape.flow.end('finish');
    tape.run();
    tape.flow.resume();
    tape.run();
    expect([tape.read, tape.end]).toEqual([[], undefined]);
  });

  it('reads slowly when the reader is slow', () => {
    const tape = new Tape({ bytesPerMs: 2, chunkBytes: 1 });
    tape.flow.write([bytes(0, 20)]);
    tape.flow.end('finish');
    tape.run();
    expect(tape.clock.now()).toBeGreaterThanOrEqual(10);
    expect(tape.read).toHaveLength(20);
  });

  it('alters exactly one bit of the byte that is read next', () => {
    const tape = new Tape();
    tape.flow.write([bytes(0, 10)]);
    tape.run();
    tape.flow.flip();
    tape.flow.write([bytes(10, 10)]);
    tape.flow.write([bytes(20, 10)]);
    tape.run();
    const altered = tape.read.flatMap((byte, index) => (byte === index ? [] : [[index, byte ^ index]]));
    expect(altered).toHaveLength(1);
    expect(altered[0]?.[0]).toBe(10);
    expect([1, 2, 4, 8, 16, 32, 64, 128]).toContain(altered[0]?.[1]);
  });

  it('loses what is on its way when it breaks off', () => {
    const tape = new Tape({ latencyMs: 5 });
    tape.flow.write([bytes(0, 9)]);
    tape.flow.breakOff('reset');
    tape.run();
    expect([tape.read, tape.end, tape.clock.now()]).toEqual([[], 'reset', 5]);
  });
});
