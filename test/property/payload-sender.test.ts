import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Codec } from '../../src/wire/codec.ts';
import { defaultWireLimits } from '../../src/wire/limits.ts';
import { scan } from '../../src/wire/scan.ts';
import { asciiLength, isPlain } from '../../src/wire/survey.ts';

const key = fc.oneof(
  fc.string({ maxLength: 12 }),
  fc.string({ unit: 'binary', maxLength: 12 }),
  fc.constantFrom('__proto__', 'prototype', 'constructor', 'x'.repeat(300)),
);
const leaf = fc.oneof(
  fc.string({ maxLength: 80 }),
  fc.string({ unit: 'binary', maxLength: 40 }),
  fc.constantFrom('\ud800', 'a\udfffb'),
  fc.integer(),
  fc.maxSafeInteger(),
  fc.double(),
  fc.constantFrom(
    0,
    23,
    24,
    255,
    256,
    65_535,
    65_536,
    2 ** 32 - 1,
    2 ** 32,
    -1,
    -24,
    -25,
    -257,
    -65_537,
    -(2 ** 32),
    -0,
  ),
  fc.boolean(),
  fc.constantFrom(null, undefined),
  fc.uint8Array({ maxLength: 40 }),
);
const message = fc.letrec<{ value: unknown; tree: unknown }>((tie) => ({
  value: fc.oneof({ depthSize: 'medium' }, leaf, tie('tree')),
  tree: fc.oneof(
    { depthSize: 'medium' },
    fc.array(tie('value'), { maxLength: 10 }),
    fc.dictionary(key, tie('value'), { maxKeys: 5 }),
  ),
})).tree;

describe('what a sender lets out', () => {
  it('is let in by the scan, whether the sender scanned it or foretold its length', () => {
    const codec = new Codec(defaultWireLimits);
    let foretold = 0;
    fc.assert(
      fc.property(message, (value) => {
        try {
          codec.encode(value);
        } catch {
          return;
        }
        expect(scan(codec.scratch, codec.start, codec.end, defaultWireLimits)).toBeGreaterThanOrEqual(0);
        if (isPlain(value, defaultWireLimits) && asciiLength() === codec.end - codec.start) foretold += 1;
      }),
      { numRuns: 2_000 },
    );
    expect(foretold).toBeGreaterThan(100);
  });
});
