// The codec: every kind of value comes back equal and on its own memory, and what cannot cross is named by its path.
import { Encoder, isNativeAccelerationEnabled } from 'cbor-x/index-no-eval';
import { describe, expect, it } from 'vitest';
import { HomingError } from '../../../src/errors.ts';
import { Codec } from '../../../src/wire/codec.ts';
import { defaultWireLimits } from '../../../src/wire/limits.ts';
import type { WireLimits } from '../../../src/wire/limits.ts';
import { scan, scanReason } from '../../../src/wire/scan.ts';
import { array, bytes, head, map, of, tag, text, uint } from '../../payload/items.ts';
import { difference } from '../../payload/same.ts';

const codec = new Codec(defaultWireLimits);

/** The payload of a value, on memory of its own. */
function encoded(value: unknown, with_ = codec): Uint8Array {
  with_.encode(value);
  return new Uint8Array(with_.scratch.subarray(with_.start, with_.end));
}

function decoded(payload: Uint8Array): unknown {
  const verdict = scan(payload, 0, payload.length, defaultWireLimits);
  if (verdict < 0) throw new Error(`refused: ${scanReason(verdict)}`);
  return codec.decode(payload, 0, payload.length, verdict);
}

/** What a value is after a journey; fails with the first difference. */
function sent(value: unknown): unknown {
  const got = decoded(encoded(value));
  expect(difference(value, got)).toBeUndefined();
  return got;
}

function refusal(act: () => unknown): HomingError {
  try {
    act();
  } catch (error) {
    if (error instanceof HomingError) return error;
    throw error;
  }
  throw new Error('expected a refusal');
}

const pathOf = (...args: unknown[]): string => refusal(() => codec.encode(['say', ...args])).message;

describe('plain values', () => {
  const values: Record<string, unknown> = {
    integers: [0, 1, 23, 24, 255, 256, 65_535, 65_536, 2 ** 31, 2 ** 32 - 1, 2 ** 32, 2 ** 40, Number.MAX_SAFE_INTEGER],
    'negative integers': [
      -1,
      -24,
      -25,
      -256,
      -257,
      -65_536,
      -65_537,
      -(2 ** 31),
      -(2 ** 32),
      -(2 ** 32) - 1,
      Number.MIN_SAFE_INTEGER,
    ],
    'numbers that are no safe integers': [2 ** 53, -(2 ** 60), 1e300, 5e-324, 0.1, -1.5, Number.MAX_VALUE],
    'numbers that JSON loses': [NaN, Infinity, -Infinity, -0],
    'the rest of JSON and undefined': [true, false, null, undefined, '', [], {}],
    'keys of every kind': {
      '': 1,
      0: 2,
      'a b': 3,
      ключ: 4,
      '😀': 5,
      toString: 6,
      hasOwnProperty: 7,
      ['k'.repeat(256)]: 8,
    },
    'texts around each length of head': [22, 23, 24, 25, 63, 64, 65, 127, 128, 255, 256, 65_535, 65_536].map((n) =>
      'x'.repeat(n),
    ),
    'texts of two, three and four bytes': [1, 7, 8, 15, 16, 21, 22, 31, 32, 64, 3_000].flatMap((n) =>
      ['é', '€', '😀', 'aé€😀'].map((one) => one.repeat(n)),
    ),
    'texts that begin with a byte order mark': ['\uFEFF', '\uFEFFa', `\uFEFF${'x'.repeat(100)}`, '\uFEFF'.repeat(300)],
    'arrays around each length of head': [0, 1, 16, 17, 23, 24, 255, 256, 5_000].map((n) =>
      Array.from({ length: n }, (_, i) => i),
    ),
    'objects of many keys': Object.fromEntries(Array.from({ length: 4_096 }, (_, i) => [`key ${i}`, i])),
    'byte strings': [0, 1, 23, 24, 255, 256, 9_000, 65_536].map((n) => new Uint8Array(n).fill(n)),
  };
  for (const [title, value] of Object.entries(values)) it(title, () => void sent(value));

  it('an object without a prototype comes back as an ordinary one', () => {
    const bare: Record<string, unknown> = Object.assign(Object.create(null) as Record<string, unknown>, {
      a: { b: 1 },
    });
    expect(Object.getPrototypeOf(sent(bare))).toBe(Object.prototype);
  });

  it('a long text crosses the end of the buffer that cbor-x begins with, wherever it starts', () => {
    for (let before = 8_150; before < 8_230; before++)
      sent(['x'.repeat(before), 'é'.repeat(40), { a: 'y'.repeat(3_000) }]);
  });

  it('keys of one slot in the cache of keys are kept apart', () => {
    const letters = 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_$é';
    for (let round = 0; round < 2; round++) {
      for (const one of letters)
        for (const other of letters) sent({ [`k${one}${other}`]: 1, [`${one}${other}k`]: 2, [`${one}m${other}`]: 3 });
    }
  });

  it('floats of two bytes, which this encoder never writes, are read like any', () => {
    const half = (high: number, low: number): unknown => decoded(Uint8Array.of(0xf9, high, low));
    const known: [number, number, number][] = [
      [0x00, 0x00, 0],
      [0x80, 0x00, -0],
      [0x3c, 0x00, 1],
      [0xc4, 0x00, -4],
      [0x7b, 0xff, 65_504],
      [0x00, 0x01, 2 ** -24],
      [0x03, 0xff, 1_023 * 2 ** -24],
      [0x04, 0x00, 2 ** -14],
      [0x7c, 0x00, Infinity],
      [0xfc, 0x00, -Infinity],
      [0x7e, 0x00, NaN],
    ];
    for (const [high, low, value] of known) expect(half(high, low)).toBe(value);
    expect(decoded(Uint8Array.of(0xfa, 0xc0, 0x20, 0, 0))).toBe(-2.5);
  });
});

describe('values beyond JSON', () => {
  const shared = { name: 'shared' };
  const values: Record<string, unknown> = {
    'dates, to the millisecond': [0, 1, -1, 1_700_000_000_123, -62_135_596_800_001, 8.64e15, NaN].map(
      (at) => new Date(at),
    ),
    maps: [
      new Map(),
      new Map<unknown, unknown>([
        ['a', 1],
        [1, 'a'],
        [null, undefined],
        [{ key: 1 }, new Map([[1, 2]])],
      ]),
    ],
    sets: [new Set(), new Set<unknown>(['a', 1, null, undefined, {}, new Set([1])])],
    bigints: [0n, 1n, -1n, 255n, 256n, -256n, 2n ** 64n, -(2n ** 64n), 2n ** 8_192n - 1n, -(2n ** 8_192n - 1n)],
    errors: [
      new Error('no'),
      new TypeError('wrong', { cause: new RangeError('deep', { cause: 'text' }) }),
      Object.assign(new Error(''), { code: 'E_CODE', name: 'Own' }),
    ],
    'an object in several places': [shared, shared, { again: shared }, new Map([[shared, shared]]), new Set([shared])],
    'a date, bytes and a map in several places': [new Date(1), Uint8Array.of(1), new Map([[1, 1]])].flatMap((one) => [
      one,
      one,
    ]),
    '-0 among everything else': [
      -0,
      [0, -0],
      { a: -0 },
      new Map([['a', -0]]),
      '\u001b\u0000',
      Uint8Array.of(0x1b, 0x80, 0, 0, 0, 0, 0, 0, 0),
      'x'.repeat(70_000),
      2 ** 60,
      70_000,
      -0,
    ],
  };
  for (const [title, value] of Object.entries(values)) it(title, () => void sent(value));

  it('cycles through each kind of container', () => {
    const list: unknown[] = [];
    const object: Record<string, unknown> = {};
    const lookup = new Map<unknown, unknown>();
    const set = new Set<unknown>();
    const error = new Error('round');
    error.cause = [error, set];
    list.push(list, object, lookup, set, error);
    Object.assign(object, { object, list, lookup });
    lookup.set(lookup, set).set('list', list);
    set.add(set).add(lookup).add(error);
    for (const root of [list, object, lookup, set, error]) sent(root);
  });

  it('an error keeps the class that its name says, if it is one of the language, and has no stack of this end', () => {
    const [type, own] = sent([new TypeError('a'), Object.assign(new TypeError('b'), { name: 'Map' })]) as [
      Error,
      Error,
    ];
    expect(type).toBeInstanceOf(TypeError);
    expect(Object.getPrototypeOf(own)).toBe(Error.prototype);
    expect(type.stack).not.toContain(' at ');
    expect(Error.stackTraceLimit).toBeGreaterThan(0);
    expect(Object.keys(own)).toEqual([]);
  });

  it('an error with strange fields still crosses', () => {
    const strange = Object.assign(new Error('a'), { code: 7, name: 5, extra: () => 1 });
    const got = decoded(encoded(strange)) as Error & { code?: unknown };
    expect([got.name, got.message, got.code]).toEqual(['5', 'a', undefined]);
  });

  it('a Buffer arrives as a Uint8Array', () => {
    const got = sent({ file: Buffer.from('hello'), again: [Buffer.from('')] }) as { file: Uint8Array };
    expect(Object.getPrototypeOf(got.file)).toBe(Uint8Array.prototype);
  });
});

describe('memory', () => {
  it('a decoded value does not change when the bytes it came from do, Buffers included', () => {
    const value = {
      one: Uint8Array.of(1, 2, 3),
      text: 'abc',
      long: 'é'.repeat(5_000),
      big: 7n,
      bytes: new Uint8Array(6_000).fill(7),
    };
    for (const payload of [encoded(value), Buffer.from(encoded(value))]) {
      const got = decoded(payload) as typeof value;
      payload.fill(0);
      expect(difference(value, got)).toBeUndefined();
      expect(got.one.buffer).not.toBe(payload.buffer);
      expect(got.one.buffer.byteLength).toBe(3);
    }
  });

  it('a payload is decoded from the middle of a chunk', () => {
    const payload = encoded(['say', { at: new Date(5), text: 'x'.repeat(200), bytes: Uint8Array.of(9) }]);
    for (let before = 0; before < 9; before++) {
      const chunk = new Uint8Array(payload.length + 20).fill(0xff);
      chunk.set(payload, before);
      const end = before + payload.length;
      expect(scan(chunk, before, end, defaultWireLimits)).toBe(1);
      expect(codec.decode(chunk, before, end, 1)).toEqual(decoded(payload));
    }
  });

  it('the value that is sent is left as it was', () => {
    const value = { at: new Date(5), map: new Map([[{ a: 1 }, -0]]), list: [1n] };
    const copy = structuredClone(value);
    encoded(value);
    expect(value).toEqual(copy);
  });

  it('a slice of the scratch is a copy that later messages leave alone, also when the scratch has grown', () => {
    for (const text of ['first', 'x'.repeat(100_000)]) {
      codec.encode(['say', text]);
      expect(Object.getPrototypeOf(codec.scratch)).toBe(Uint8Array.prototype);
      const kept = codec.scratch.slice(codec.start, codec.end);
      codec.encode(['say', 'y'.repeat(text.length)]);
      expect(decoded(kept)).toEqual(['say', text]);
    }
  });

  it('codecs share nothing that one message leaves for the next', () => {
    const other = new Codec(defaultWireLimits);
    const first = encoded({ a: 1, b: 2 });
    encoded({ b: 'x', a: 'y' }, other);
    expect(encoded({ a: 1, b: 2 })).toEqual(first);
    // a map with its keys, never a record: B15, B16
    expect(first).toEqual(of([0xb9, 0, 2, ...text('a'), 1, ...text('b'), 2]));
    expect(isNativeAccelerationEnabled).toBe(false);
  });
});

describe('what the sender refuses', () => {
  it('names the path of the first value that cannot cross', () => {
    class Account {
      id = 1;
    }
    const cases: [string, unknown][] = [
      ['args[0]: a function cannot cross', () => 1],
      ['args[0].profile.avatar: a function cannot cross', { profile: { avatar: () => 1 } }],
      ['args[0][2]["a b"]: a symbol cannot cross', [1, 2, { 'a b': Symbol('s') }]],
      ['args[0].x: an instance of Account cannot cross', { x: new Account() }],
      ['args[0]: an instance of Float64Array cannot cross', new Float64Array(2)],
      ['args[0]: an instance of ArrayBuffer cannot cross', new ArrayBuffer(2)],
      ['args[0]: an instance of RegExp cannot cross', /a/],
      ['args[0]: an instance of Promise cannot cross', Promise.resolve()],
      ['args[0]: an instance of Own cannot cross', new (class Own extends Map {})()],
      ['args[0]: an instance of Object cannot cross', Object.create({ inherited: 1 })],
      // oxlint-disable-next-line no-sparse-arrays
      ['args[0].list[1]: a hole in an array cannot cross', { list: [1, , 3] }],
      ['args[0].a: a text with a lone surrogate cannot cross', { a: 'x\ud800' }],
      ['args[0].a: a text with a lone surrogate cannot cross', { a: `${'x'.repeat(200)}\udc00` }],
      ['args[0]["\\ud800"]: a key with a lone surrogate cannot cross', { '\ud800': 1 }],
      ['args[0].a: the key "constructor" cannot cross', { a: { constructor: 1 } }],
      ['args[0].a: the key "prototype" cannot cross', { a: { prototype: 1 } }],
      ['args[0].a: the key "__proto__" cannot cross', { a: JSON.parse('{"__proto__":1}') }],
      [
        'args[0]<value 1>.f: a function cannot cross',
        new Map<string, unknown>([
          ['a', 1],
          ['b', { f: () => 1 }],
        ]),
      ],
      ['args[0]<key 0>: a symbol cannot cross', new Map([[Symbol('s'), 1]])],
      ['args[0]<element 1>: a function cannot cross', new Set([1, () => 1])],
      ['args[0].cause.a: a function cannot cross', new Error('x', { cause: { a: () => 1 } })],
      ['args[0].a: a bigint of 1025 bytes cannot cross', { a: 2n ** 8_192n }],
      [
        'args[0][1001]: more than 1000 repeated references in one message',
        Array.from(
          { length: 1_002 },
          (
            (all) => () =>
              all
          )([]),
        ),
      ],
    ];
    for (const [sentence, value] of cases) {
      const error = refusal(() => codec.encode(['say', value]));
      expect([error.code, error.message]).toEqual(['NotEncodable', sentence]);
    }
  });

  it('calls another root by the name it was given, and the first element of a message its name', () => {
    expect(refusal(() => codec.encode({ token: () => 1 }, 'credentials')).message).toBe(
      'credentials.token: a function cannot cross',
    );
    expect(refusal(() => codec.encode(() => 1, 'credentials')).message).toBe('credentials: a function cannot cross');
    expect(refusal(() => codec.encode([Symbol('x')])).message).toBe('name: a symbol cannot cross');
    expect(refusal(() => codec.encode([[1], [() => 1]], 'all')).message).toBe('all[1][0]: a function cannot cross');
  });

  it('applies the bounds that the receiver applies, one by one', () => {
    const limits: WireLimits = {
      messageBytes: 4_000,
      depth: 4,
      items: 60,
      arrayItems: 30,
      mapEntries: 10,
      textBytes: 100,
      keyBytes: 8,
      costBytes: 5_000,
    };
    const bounded = new Codec(limits);
    const cases: [string, unknown, unknown][] = [
      ['args[0][0][0][0]: nested deeper than 4', [[[]]], [[[[]]]]],
      ['args[0][0][0]<value 0>: nested deeper than 4', [[new Map([[1, 1]])]], [[new Map([[1, []]])]]],
      ['args[0]: 31 elements, at most 30 cross', new Array(30).fill(1), new Array(31).fill(1)],
      [
        'args[0]: 32 elements, at most 30 cross',
        new Map(Array.from({ length: 15 }, (_, i) => [i, i])),
        new Map(Array.from({ length: 16 }, (_, i) => [i, i])),
      ],
      ['args[0]: more than 10 keys', keys(10), keys(11)],
      ['args[0]: a text of 101 bytes, at most 100 cross', `${'é'.repeat(49)}xx`, `${'é'.repeat(50)}x`],
      ['args[0]["ключи"]: a key of 10 bytes, at most 8 cross', { ключ: 1 }, { ключи: 1 }],
      [
        'args[0][1]: more than 60 values in one message',
        [new Array(28).fill(1), new Array(27).fill(1)],
        [new Array(28).fill(1), new Array(28).fill(1)],
      ],
      ['message: refused as too-costly', new Error('x'), [new Error('x'), new Error('y')]],
    ];
    for (const [sentence, within, beyond] of cases) {
      bounded.encode(['say', within]);
      expect(scan(bounded.scratch, bounded.start, bounded.end, limits)).toBeGreaterThanOrEqual(0);
      const error = refusal(() => bounded.encode(['say', beyond]));
      expect([error.code, error.message]).toEqual(['NotEncodable', sentence]);
    }
    bounded.encode(['say', new Uint8Array(3_992)]);
    expect(bounded.end - bounded.start).toBe(4_000);
    for (const large of [
      new Uint8Array(3_993),
      new Uint8Array(5_000),
      'x'.repeat(10_000),
      [new Date(1), 'x'.repeat(10_000)],
    ]) {
      expect(refusal(() => bounded.encode(['say', large])).code).toBe('MessageTooLarge');
    }
  });

  it('does not walk what is too large to cross anyway', () => {
    const deep: unknown[] = [];
    let at = deep;
    for (let i = 0; i < 200_000; i++) at.push((at = []));
    expect(pathOf(deep)).toMatch(/nested deeper than 32$/);
    const holes: unknown[] = [];
    holes.length = 2 ** 32 - 1;
    expect(pathOf(holes)).toBe(`args[0]: ${2 ** 32 - 1} elements, at most 65536 cross`);
  });

  it('goes on after getters and proxies that throw, lie or encode on their own', () => {
    const before = encoded({ a: 1 });
    const cause = new Error('from the getter');
    const throwing = {
      deep: {
        get now(): never {
          throw cause;
        },
      },
    };
    const error = refusal(() => codec.encode(['say', throwing]));
    expect([error.code, error.message, error.cause]).toEqual([
      'NotEncodable',
      'args[0].deep.now: reading it threw',
      cause,
    ]);

    let reads = 0;
    const lying = {
      bytes: new Uint8Array(1),
      get value(): unknown {
        return reads++ === 0 ? 1 : new Date(1);
      },
    };
    expect(refusal(() => codec.encode(['say', lying])).message).toBe('message: refused as unknown-tag');
    reads = 0;
    const lateThrowing = {
      first: 'x'.repeat(9_000),
      get value(): unknown {
        if (reads++ === 1) throw cause;
        return 1;
      },
    };
    expect(refusal(() => codec.encode(['say', lateThrowing])).cause).toBe(cause);

    const nesting = {
      get value(): number {
        codec.encode(1);
        return 1;
      },
    };
    expect(refusal(() => codec.encode(['say', nesting])).message).toContain('encoded another message');
    const proxy = new Proxy(
      {},
      {
        ownKeys: () => {
          throw cause;
        },
      },
    );
    expect(refusal(() => codec.encode(['say', proxy])).cause).toBe(cause);
    expect(encoded({ a: 1 })).toEqual(before);
    expect(sent(['say', new Proxy({ a: [1] }, {})])).toEqual(['say', { a: [1] }]);
  });

  it('a getter is read like any property, and what is keyed by a symbol stays behind, as in JSON', () => {
    expect(
      decoded(
        encoded({
          get now() {
            return 5;
          },
          [Symbol('hidden')]: () => 1,
        }),
      ),
    ).toEqual({ now: 5 });
  });
});

describe('what only decoding can refuse', () => {
  const refused: Record<string, number[]> = {
    'a link to nowhere': array(uint(1), tag(40005, array(uint(5)))),
    'a link by a name into an array': array(array(), tag(40005, array(text('length')))),
    'a link by a number into an object': array(map(text('0'), array()), tag(40005, array(uint(0), uint(0)))),
    'a link to what objects inherit': array(map(), tag(40005, array(uint(0), text('toString')))),
    'a link to a text': array(text('a'), tag(40005, array(uint(0)))),
    'a link through a text': array(text('abc'), tag(40005, array(uint(0), uint(1)))),
    'a link into bytes': array(bytes(1, 2), tag(40005, array(uint(0), uint(0)))),
    'a link to itself': array(tag(40005, array(uint(0)))),
    'a link alone': tag(40005, array()),
    'a link to a date that comes later': array(tag(40005, array(uint(1))), tag(40000, uint(1))),
    'a Map with a key twice': tag(40001, array(uint(1), uint(2), uint(1), uint(3))),
    'a Map with one key in two forms': tag(40001, array(uint(1), uint(2), [0xf9, 0x3c, 0], uint(3))),
    'a Set with an element twice': tag(40002, array(text('a'), text('a'))),
  };
  for (const [title, item] of Object.entries(refused)) {
    it(title, () => {
      const payload = of(item);
      expect(scan(payload, 0, payload.length, defaultWireLimits)).toBe(1);
      expect(refusal(() => codec.decode(payload, 0, payload.length, 1)).code).toBe('payload-refused');
    });
  }

  it('bytes that were not scanned stop at once when they end elsewhere', () => {
    expect(refusal(() => codec.decode(of([0, 0]), 0, 2, 0)).code).toBe('InvariantBroken');
    expect(decoded(of([...head(4, 1), 5]))).toEqual([5]);
  });

  it('a bigint with leading zeros or a negative zero is the number it says', () => {
    expect(decoded(of(array(tag(40003, bytes(0, 0, 0, 7)), tag(40003, bytes(1)), tag(40003, bytes(1, 0, 7)))))).toEqual(
      [7n, 0n, -7n],
    );
  });
});

describe('beside cbor-x', () => {
  it('reads and writes plain messages as cbor-x alone does', () => {
    const bare = new Encoder({ useRecords: false });
    const value = [
      'say',
      { id: 12345, user: 'ann', text: 'hello world, this is a text', at: 1_700_000_000_000, ok: true, no: null },
    ];
    expect(encoded(value)).toEqual(new Uint8Array(bare.encode(value)));
    expect(bare.decode(encoded(value))).toEqual(value);
  });
});

/** An object of so many keys. */
function keys(count: number): Record<string, number> {
  return Object.fromEntries(Array.from({ length: count }, (_, i) => [`k${i}`, i]));
}
