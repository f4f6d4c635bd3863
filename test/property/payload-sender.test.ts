import { Encoder } from 'cbor-x/index-no-eval';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Codec } from '../../src/wire/codec.ts';
import { defaultWireLimits, forbiddenKeys } from '../../src/wire/limits.ts';
import { UNREAD, read, readShort } from '../../src/wire/reader.ts';
import { scan } from '../../src/wire/scan.ts';
import { SHORT_BYTES_MAX, shortBytesMax, writeShort } from '../../src/wire/writer.ts';

const key = fc.oneof(
  fc.string({ maxLength: 12 }),
  fc.string({ unit: 'binary', maxLength: 12 }),
  fc.constantFrom('__proto__', 'prototype', 'constructor', 'x'.repeat(300)),
);
/** Long ones at the lengths where the head of a text grows: in characters, and in bytes. */
const longText = fc
  .tuple(
    fc.constantFrom('x', 'é', '€', '😀'),
    fc.constantFrom(1, 63, 64, 84, 85, 126, 127, 128, 129, 254, 255, 256, 300),
  )
  .map(([unit, length]) => unit.repeat(length));
const leaf = fc.oneof(
  fc.string({ maxLength: 80 }),
  longText,
  longText.map((text) => `${text}\ud800`),
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

const cbor = new Encoder({ useRecords: false, structuredClone: false, tagUint8Array: false });

describe('what a sender lets out', () => {
  it('is let in by the scan, also where the sender did not scan it', () => {
    const codec = new Codec(defaultWireLimits);
    let encoded = 0;
    fc.assert(
      fc.property(message, (value) => {
        try {
          codec.encode(value);
        } catch {
          return;
        }
        encoded += 1;
        expect(scan(codec.scratch, codec.start, codec.end, defaultWireLimits)).toBeGreaterThanOrEqual(0);
      }),
      { numRuns: 2_000 },
    );
    expect(encoded).toBeGreaterThan(250);
  });
});

describe('the writer of short payloads', () => {
  it('writes what cbor-x writes, or leaves it, and stays within its room', () => {
    const target = new Uint8Array(SHORT_BYTES_MAX + 16);
    const room = fc.oneof(fc.nat({ max: 400 }), fc.nat({ max: SHORT_BYTES_MAX }));
    let written = 0;
    fc.assert(
      fc.property(message, fc.nat({ max: 8 }), room, (value, start, room) => {
        target.fill(0xaa);
        const end = writeShort(value, target, start, start + room, defaultWireLimits);
        expect(target.subarray(start + room).every((byte) => byte === 0xaa)).toBe(true);
        if (end < 0) return;
        written += 1;
        expect(target.subarray(start, end)).toEqual(new Uint8Array(cbor.encode(value)));
        expect(scan(target, start, end, defaultWireLimits)).toBe(0);
      }),
      { numRuns: 3_000 },
    );
    expect(written).toBeGreaterThan(200);
  });

  it('writes texts of every length as cbor-x does, where their heads grow, and into room to the byte', () => {
    const target = new Uint8Array(2_048);
    for (const unit of ['x', 'é', '€', '😀', 'xé']) {
      for (let count = 20; count <= 300; count += 1) {
        const value = ['say', unit.repeat(count)];
        const whole = new Uint8Array(cbor.encode(value));
        // A head is given room for the longest, so a few bytes more may be asked for.
        for (const spare of [-1, 0, 5]) {
          const limit = 8 + whole.length + spare;
          target.fill(0xaa);
          const end = writeShort(value, target, 8, limit, defaultWireLimits);
          expect(target.subarray(limit).every((byte) => byte === 0xaa)).toBe(true);
          if (spare < 0) expect(end).toBe(-1);
          if (spare > 4) expect(end).toBe(8 + whole.length);
          if (end >= 0) expect(Buffer.compare(target.subarray(8, end), whole)).toBe(0);
        }
      }
    }
  });

  it('writes nothing that narrow limits refuse', () => {
    const target = new Uint8Array(SHORT_BYTES_MAX);
    const narrow = fc.record({
      messageBytes: fc.integer({ min: 1, max: 200 }),
      depth: fc.integer({ min: 1, max: 4 }),
      items: fc.integer({ min: 1, max: 40 }),
      arrayItems: fc.integer({ min: 1, max: 40 }),
      mapEntries: fc.integer({ min: 1, max: 40 }),
      textBytes: fc.integer({ min: 1, max: 60 }),
      keyBytes: fc.integer({ min: 1, max: 40 }),
      costBytes: fc.integer({ min: 100, max: 20_000 }),
    });
    let written = 0;
    fc.assert(
      fc.property(message, narrow, (value, limits) => {
        const end = writeShort(value, target, 0, shortBytesMax(limits), limits);
        if (end < 0) return;
        written += 1;
        expect(scan(target, 0, end, limits)).toBe(0);
        expect(end).toBeLessThanOrEqual(limits.messageBytes);
      }),
      { numRuns: 3_000 },
    );
    expect(written).toBeGreaterThan(100);
  });

  const shared = { a: 1 };
  const hole: unknown[] = [1];
  hole[2] = 3;
  it.each([
    ['an object that is there twice', [shared, shared]],
    ['-0', [-0]],
    ['a forbidden key', [JSON.parse('{"__proto__": 1}')]],
    ['a key longer than allowed', [{ ['x'.repeat(300)]: 1 }]],
    ['half of a character', ['\ud800']],
    ['half of a character in a long text', [`${'x'.repeat(64)}\ud800`]],
    ['the second half of a character first', ['\udc00\ud800']],
    ['a hole in an array', hole],
    ['a date', [new Date(0)]],
    ['a bigint', [1n]],
    ['a function', [() => 1]],
    ['bytes', [new Uint8Array(1)]],
    ['an object of one stream', [{ async *[Symbol.asyncIterator]() {} }]],
    ['a class of its own', [new (class Money {})()]],
    ['more objects than it looks through', Array.from({ length: 20 }, () => ({}))],
    ['more depth than allowed', JSON.parse(`${'['.repeat(33)}${']'.repeat(33)}`)],
  ])('leaves %s', (_what, value) => {
    expect(writeShort(value, new Uint8Array(SHORT_BYTES_MAX), 0, SHORT_BYTES_MAX, defaultWireLimits)).toBe(-1);
  });
});

describe('the reader of short payloads', () => {
  it('lets no forbidden key through, though a message of that name was read before', () => {
    const map = (key: string): Uint8Array =>
      Uint8Array.from([0x82, 0x61, 0x78, 0xa1, 0x60 + key.length, ...Buffer.from(key), 0x01]);
    for (const key of forbiddenKeys) {
      const name = Uint8Array.from([0x82, 0x60 + key.length, ...Buffer.from(key), 0x01]);
      expect(scan(name, 0, name.length, defaultWireLimits)).toBe(0);
      expect(read(name, 0, name.length)).toEqual([key, 1]);
      expect(readShort(map(key), 0, map(key).length, defaultWireLimits)).toBe(UNREAD);
    }
    expect(readShort(map('fine'), 0, map('fine').length, defaultWireLimits)).toEqual(['x', { fine: 1 }]);
  });

  it('leaves a key that occurs twice, also when another map with it lies between', () => {
    const of = (...bytes: number[]): Uint8Array => Uint8Array.from(bytes);
    const [a, b] = [
      [0x61, 0x61],
      [0x61, 0x62],
    ];
    const twice = of(0x81, 0xa2, ...a, 1, ...a, 2);
    const around = of(0x81, 0xa2, ...a, 0xa1, ...a, 1, ...a, 2);
    const after = of(0x81, 0xa3, ...a, 1, ...b, 0xa1, ...a, 1, ...a, 2);
    const apart = of(0x82, 0xa1, ...a, 1, 0xa1, ...a, 0xa1, ...a, 2);
    for (const bytes of [twice, around, after]) {
      expect(readShort(bytes, 0, bytes.length, defaultWireLimits)).toBe(UNREAD);
    }
    expect(readShort(apart, 0, apart.length, defaultWireLimits)).toEqual([{ a: 1 }, { a: { a: 2 } }]);
  });
});
