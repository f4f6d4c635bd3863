// The scan: what it lets through, each reason to refuse with its bound on both sides, and the inputs that broke others.
import { describe, expect, it } from 'vitest';
import { DEPTH_MAX, LINKS_MAX, defaultWireLimits } from '../../../src/wire/limits.ts';
import type { WireLimits } from '../../../src/wire/limits.ts';
import { scan, scanCost, scanReason } from '../../../src/wire/scan.ts';
import { array, bytes, head, list, map, of, repeat, tag, text, uint } from '../../payload/items.ts';

const small: WireLimits = {
  messageBytes: 2_000,
  depth: 4,
  items: 100,
  arrayItems: 50,
  mapEntries: 20,
  textBytes: 30,
  keyBytes: 10,
  costBytes: 16 + 40 * (8 + 64),
};

/** 'plain', 'tagged' or the reason, with junk around the payload that must not matter. */
function verdictOf(item: readonly number[] | Uint8Array, limits: WireLimits = defaultWireLimits): string {
  const around = new Uint8Array(item.length + 20).fill(0xf6);
  around.set(item, 10);
  const verdict = scan(around, 10, 10 + item.length, limits);
  return scanReason(verdict) ?? (verdict === 0 ? 'plain' : 'tagged');
}

/** How many times longer a scan takes than another one, next to it on the same machine: the best of several tries each, more on a busy one. */
function ratioOf(whole: Uint8Array, other: Uint8Array): number {
  const rounds = Math.max(3, Math.ceil(20_000 / (whole.length + 64)));
  let [otherMs, wholeMs] = [Infinity, Infinity];
  for (let tries = 0; tries < 8 || (tries < 60 && wholeMs / otherMs > 20); tries++) {
    otherMs = Math.min(otherMs, timeOf(other, rounds));
    wholeMs = Math.min(wholeMs, timeOf(whole, rounds));
  }
  return wholeMs / otherMs;
}

function timeOf(whole: Uint8Array, rounds: number): number {
  const begun = performance.now();
  for (let i = 0; i < rounds; i++) scan(whole, 0, whole.length, defaultWireLimits);
  return performance.now() - begun;
}

/** A benign payload of about this size, and not a tiny one. */
const benign = (size: number): Uint8Array => of(list(Math.max(1, Math.floor(size / 64)), text('x'.repeat(62))));

const keyed = (count: number, name = 'k'): number[][] =>
  Array.from({ length: count }, (_, i) => [text(`${name}${i}`), uint(0)]).flat();

describe('what passes', () => {
  const plain: Record<string, number[]> = {
    'the smallest and largest integers': array(uint(0), uint(2 ** 53 - 1), head(1, 0), head(1, 2 ** 53 - 2)),
    'each width of an integer': array(
      uint(23),
      uint(24),
      uint(255),
      uint(256),
      uint(65_535),
      uint(65_536),
      uint(2 ** 32),
    ),
    'false, true, null and undefined': array([0xf4], [0xf5], [0xf6], [0xf7]),
    'floats of 2, 4 and 8 bytes, whole ones too': array(
      [0xf9, 0x3c, 0],
      [0xfa, 0x3f, 0x80, 0, 0],
      [0xfb, 0x80, 0, 0, 0, 0, 0, 0, 0],
    ),
    'an empty text, array, map and byte string': array(text(''), array(), map(), bytes()),
    'a map under the longest head, as cbor-x writes it': [...head(5, 1, 2), ...text('a'), ...uint(1)],
    'an empty key and a key with a small number in it': map(text(''), uint(1), text('7'), uint(2)),
    'text of 1 to 4 bytes a character': array(text('a'), text('é'), text('€'), text('😀'), text('\uFEFF'.repeat(40))),
    'keys that only exist on prototypes': map(text('toString'), uint(1), text('hasOwnProperty'), uint(2)),
    'the same key in two maps, beside and inside': map(
      text('a'),
      map(text('a'), uint(1)),
      text('b'),
      map(text('a'), uint(1)),
    ),
  };
  for (const [title, item] of Object.entries(plain)) {
    it(`${title} are plain`, () => expect(verdictOf(item)).toBe('plain'));
  }

  const tagged: Record<string, number[]> = {
    'a date in milliseconds': tag(40000, uint(1)),
    'an invalid date': tag(40000, [0xf9, 0x7e, 0]),
    'a Map': tag(40001, array(uint(1), uint(2))),
    'a Map of 200 entries': tag(40001, list(400, [0])),
    'a Set': tag(40002, array(uint(1))),
    'a bigint': tag(40003, bytes(1, 2, 3)),
    'the longest bigint': tag(40003, bytes(0, ...repeat([255], 1_024))),
    'an error': tag(
      40004,
      array(text('Error'), text('no'), text('E'), tag(40004, array(text(''), text(''), [0xf7], [0xf7]))),
    ),
    'a link': array(array(), tag(40005, array(uint(0)))),
    'a link to the root': array(tag(40005, array())),
  };
  for (const [title, item] of Object.entries(tagged)) {
    it(`${title} is tagged`, () => expect(verdictOf(item)).toBe('tagged'));
  }

  it('every bound itself is allowed, one more is refused', () => {
    const nest = (depth: number): number[] => [...repeat([0x81], depth), 0];
    const pairs: [string, number[], number[]][] = [
      ['message-too-large', bytes(...repeat([0], 1_997)), bytes(...repeat([0], 1_998))],
      ['too-deep', nest(4), nest(5)],
      ['array-too-long', list(50, [0]), list(51, [0])],
      ['map-too-long', map(...keyed(20)), map(...keyed(21))],
      ['text-too-long', text('x'.repeat(30)), text('x'.repeat(31))],
      ['key-too-long', map(text('x'.repeat(10)), uint(0)), map(text('x'.repeat(11)), uint(0))],
      // the items counted are the outermost array, three in it, and theirs
      ['too-many-items', list(3, list(32, [0])), list(3, list(33, [0]))],
      ['too-costly', list(40, map()), list(41, map())],
    ];
    for (const [reason, within, beyond] of pairs) {
      expect([reason, verdictOf(within, small)]).toEqual([reason, 'plain']);
      expect(verdictOf(beyond, small)).toBe(reason);
    }
  });
});

describe('what is refused', () => {
  const refused: Record<string, [string, number[]]> = {
    'no byte at all': ['truncated', []],
    'a head without its argument': ['truncated', [0x19, 1]],
    'a text longer than what follows': ['truncated', text('ab', 3)],
    'an array that lacks an element': ['truncated', [0x82, 0]],
    'a map that ends after a key': ['truncated', [0xa1, ...text('a')]],
    'a second item': ['trailing-bytes', [0, 0]],
    'a reserved head': ['reserved-head', [0x1c]],
    'a reserved head in a float': ['reserved-head', [0xfc]],
    'an array without a length': ['indefinite-length', [0x9f, 0xff]],
    'a text without a length': ['indefinite-length', [0x7f, 0xff]],
    'a break alone': ['indefinite-length', [0xff]],
    'a key without a length': ['indefinite-length', [0xa1, 0x7f, 0x61, 0x61, 0xff, 0]],
    'an integer in a longer form': ['head-not-minimal', head(0, 5, 1)],
    'a 2-byte integer in 4 bytes': ['head-not-minimal', head(0, 65_535, 4)],
    'a 4-byte integer in 8 bytes': ['head-not-minimal', head(1, 2 ** 32 - 1, 8)],
    'a text in a longer form': ['head-not-minimal', [...head(3, 1, 2), 0x61]],
    'a key in a longer form': ['head-not-minimal', [0xa1, ...head(3, 1, 1), 0x61, 0]],
    'a map under an even longer head': ['head-not-minimal', [...head(5, 1, 4), ...text('a'), 0]],
    'a simple value below 20': ['simple-value', [0xe0]],
    'a simple value of two bytes': ['simple-value', [0xf8, 0x20]],
    'an integer above the safe ones': ['integer-range', head(0, 2 ** 53, 8)],
    'an integer below the safe ones': ['integer-range', head(1, 2 ** 53 - 1, 8)],
    'a number as key': ['key-not-text', map(uint(1), uint(2))],
    'bytes as key': ['key-not-text', map(bytes(97), uint(2))],
    'a tag as key': ['key-not-text', map(tag(40000, uint(1)), uint(2))],
    'the key __proto__': ['key-forbidden', map(text('__proto__'), map())],
    'the key prototype': ['key-forbidden', map(text('a'), uint(1), text('prototype'), uint(2))],
    'the key constructor': ['key-forbidden', array(map(text('constructor'), uint(2)))],
    'a key twice': ['key-duplicate', map(text('a'), uint(1), text('b'), uint(2), text('a'), uint(1))],
    'a key twice around a map with keys of its own': [
      'key-duplicate',
      map(text('a'), map(...keyed(30)), text('a'), uint(2)),
    ],
    'the empty key twice': ['key-duplicate', map(text(''), uint(1), text(''), uint(2))],
    'the first key again as the 64th': ['key-duplicate', map(...keyed(63), text('k0'), uint(0))],
    'a foreign tag': ['unknown-tag', tag(39_999, uint(1))],
    'a tag kept for later': ['unknown-tag', tag(40008, uint(1))],
    'a function without a number': ['tag-content', tag(40006, text('f'))],
    'a stream of a negative number': ['tag-content', tag(40007, head(1, 0))],
    'a date of a text': ['tag-content', tag(40000, text('2020-01-01'))],
    'a Map of a map': ['tag-content', tag(40001, map())],
    'a Map of an odd length': ['tag-content', tag(40001, array(uint(1)))],
    'a Map of an odd length in a longer head': ['tag-content', tag(40001, list(257, [0]))],
    'a Set of a text': ['tag-content', tag(40002, text('a'))],
    'a bigint of nothing': ['tag-content', tag(40003, bytes())],
    'a bigint with another sign': ['tag-content', tag(40003, bytes(2, 1))],
    'a bigint of a number': ['tag-content', tag(40003, uint(1))],
    'a bigint too long': ['tag-content', tag(40003, bytes(0, ...repeat([1], 1_025)))],
    'an error of three': ['tag-content', tag(40004, array(text(''), text(''), [0xf7]))],
    'an error without a name': ['tag-content', tag(40004, array([0xf7], text(''), [0xf7], [0xf7]))],
    'an error without a message': ['tag-content', tag(40004, array(text(''), [0xf7], [0xf7], [0xf7]))],
    'an error with a numbered code': ['tag-content', tag(40004, array(text(''), text(''), uint(1), [0xf7]))],
    'a link through a negative step': ['tag-content', tag(40005, array(head(1, 0)))],
    'a link through a tag': ['tag-content', tag(40005, array(tag(40000, uint(1))))],
    'a link deeper than any value': ['tag-content', tag(40005, list(33, [0]))],
    'a tag before nothing': ['truncated', head(6, 40000)],
    'a tag before a tag': ['tag-content', tag(40000, tag(40000, uint(1)))],
    'one link too many': ['too-many-links', list(LINKS_MAX + 1, tag(40005, array()))],
  };
  for (const [title, [reason, item]] of Object.entries(refused)) {
    it(`${title} is refused: ${reason}`, () => expect(verdictOf(item)).toBe(reason));
  }

  const badText: Record<string, number[]> = {
    'a lone continuation': [0x80],
    'an overlong slash': [0xc0, 0xaf],
    'an overlong form of three': [0xe0, 0x9f, 0xbf],
    'a surrogate': [0xed, 0xa0, 0x80],
    'an overlong form of four': [0xf0, 0x8f, 0xbf, 0xbf],
    'a character above the last': [0xf4, 0x90, 0x80, 0x80],
    'a lead that no character has': [0xf5, 0x80, 0x80, 0x80],
    'a character cut at its end': [0xe2, 0x82],
    'a character cut by a letter': [0xe2, 0x82, 0x61],
  };
  for (const [title, wrong] of Object.entries(badText)) {
    it(`${title} is no text, short, long or as a key`, () => {
      for (const before of [0, 1, 50, 125, 127, 128, 129, 300, 5_000]) {
        const all = [...repeat([97], before), ...wrong];
        expect(verdictOf([...head(3, all.length), ...all])).toBe('text-not-utf8');
        expect(verdictOf([...head(3, all.length + 20), ...all, ...repeat([97], 20)])).toBe('text-not-utf8');
      }
      expect(verdictOf([0xa1, ...head(3, wrong.length), ...wrong, 0])).toBe('text-not-utf8');
    });
  }

  it('a cut anywhere is refused, and never read past', () => {
    const whole = array(
      text('say'),
      map(text('a'), tag(40001, array(uint(300), [0xfb, ...repeat([1], 8)]))),
      tag(40003, bytes(0, 9)),
    );
    expect(verdictOf(whole)).toBe('tagged');
    for (let length = 0; length < whole.length; length++) {
      expect(['truncated', 'tag-content']).toContain(verdictOf(whole.slice(0, length)));
    }
  });

  it('a depth above what this code can walk is not believed', () => {
    const nest = (depth: number): number[] => [...repeat([0x81], depth), 0];
    const deep = { ...defaultWireLimits, depth: 1_000_000 };
    expect(verdictOf(nest(DEPTH_MAX), deep)).toBe('plain');
    expect(verdictOf(nest(DEPTH_MAX + 1), deep)).toBe('too-deep');
  });

  it('a verdict that lets through has no reason, and every reason is one of a closed set of words', () => {
    expect([scanReason(0), scanReason(1)]).toEqual([undefined, undefined]);
    const words = Array.from({ length: 22 }, (_, i) => scanReason(-1 - i));
    expect(new Set(words).size).toBe(22);
    expect(words).not.toContain(undefined);
    expect(scanReason(-23)).toBeUndefined();
  });

  it('the cost counts what the decoded value takes', () => {
    const costOf = (item: number[]): number => (scan(of(item), 0, item.length, defaultWireLimits), scanCost());
    expect(costOf(array(uint(1), uint(2)))).toBe(16 + 2 * 8);
    expect(costOf(map(text('a'), text('bc')))).toBe(64 + 40 + 24 + 2);
    expect(costOf(bytes(1, 2, 3))).toBe(103);
    expect(costOf([0x9f])).toBe(0);
  });
});

/** Inputs that cost cbor-x, or a library like it, memory, time or safety; the numbers are those of the issue list. */
describe('inputs that broke others are refused at once', () => {
  const records = [0xdff9, 0xdffa, 0xdffe, 0xdfff, 105];
  const nested = (item: number[], count: number): number[] => [...repeat(item, count), 0];
  const remaining: number[] = [];
  for (let left = 40_000; left > 3; left -= 3) remaining.push(...head(4, left, 2));
  const hostile: Record<string, [string | RegExp, number[][]]> = {
    'B1 an array of four billion in five bytes': [
      /truncated|array-too-long/,
      [head(4, 2 ** 32 - 1), head(4, 2 ** 31 - 1)],
    ],
    'B2 arrays that each claim all that is left': [/truncated|too-deep/, [remaining]],
    'B3 a map, text and bytes of huge length': [
      /truncated|too-long/,
      [5, 3, 2].flatMap((major) => [head(major, 2 ** 31 - 1), head(major, 2 ** 32 - 1), head(major, 2 ** 40)]),
    ],
    'B4 100,000 levels of arrays, maps, tags and open ends': [
      /too-deep|tag-content|unknown-tag|indefinite/,
      [
        nested([0x81], 100_000),
        nested([0xa1, 0x60], 100_000),
        nested(head(6, 40000), 100_000),
        nested([0xc1], 100_000),
        nested([0x9f], 100_000),
      ],
    ],
    'B5 levels that decode, but break who encodes them again': [
      'too-deep',
      [nested([0x81], 33), nested([0x81], 1_294), nested([0xa1, 0x60], 2_000)],
    ],
    'B6 packed tables': ['unknown-tag', [tag(51, array(array(), array(), array(), uint(0)))]],
    'B7 packed prefixes and references': [
      'unknown-tag',
      [tag(225, uint(0)), tag(6, uint(0)), tag(28_704, uint(0)), tag(1_879_052_288, uint(0))],
    ],
    'B8 bignums, and bigints of ours beyond their bound': [
      /unknown-tag|tag-content/,
      [
        tag(2, [...head(2, 200_000), ...repeat([255], 200_000)]),
        tag(3, bytes(1)),
        tag(40003, [...head(2, 60_000), ...repeat([1], 60_000)]),
      ],
    ],
    'B9 the key __proto__': ['key-forbidden', [map(text('__proto__'), uint(1))]],
    'B10 the key constructor': ['key-forbidden', [map(text('constructor'), uint(1))]],
    'B11 keys twice, as number and text, or not UTF-8': [
      /key-duplicate|key-not-text|text-not-utf8/,
      [map(text('a'), uint(1), text('a'), uint(2)), map(uint(1), uint(1), text('1'), uint(2)), [0xa1, 0x61, 0xff, 0]],
    ],
    'B12 a constructor call': ['unknown-tag', [tag(27, array(text('RegExp'), text('(')))]],
    'B13 foreign shared references': ['unknown-tag', [tag(28, array(tag(29, uint(0)))), tag(29, uint(7))]],
    'B14 records': ['unknown-tag', records.map((number) => tag(number, array(uint(1))))],
    'B16 what an encoder with records writes': [
      'unknown-tag',
      [[0xd9, 0xdf, 0xff, 0x83, 0x19, 0xe0, 0, 0x81, 0x61, 0x61, 1]],
    ],
    'B17 a typed array with a wrong byte count': ['unknown-tag', [tag(69, bytes(1, 2, 3)), tag(86, bytes(1))]],
    'B18 integers that would become bigints': [
      'integer-range',
      [head(0, 2 ** 53), head(1, 2 ** 53), [0x1b, ...repeat([255], 8)], [0x3b, ...repeat([255], 8)]],
    ],
    'B19 a megabyte of empty containers': [
      /too-many-items|array-too-long/,
      [0x80, 0xa0, 0x40].map((empty) => list(17, list(60_000, [empty]))),
    ],
    'B21 nothing, too much, a break, reserved and simple values': [
      /truncated|trailing-bytes|indefinite-length|reserved-head|simple-value/,
      [[], [0, 0], [0xff], [0xdc], [0xe5], [0xf8, 0xff], [0x7f, 0x61, 0x61, 0xff]],
    ],
  };
  for (const [title, [reason, inputs]] of Object.entries(hostile)) {
    it(title, () => {
      for (const input of inputs) {
        const whole = of(input);
        expect(verdictOf(whole)).toMatch(reason);
        // the worst one takes ten times as long; whoever believes a claim takes thousands
        expect(ratioOf(whole, benign(whole.length))).toBeLessThan(100);
      }
    });
  }

  it('B19 values that take far more heap than bytes are refused for it', () => {
    const errors = tag(40004, array(text(''), text(''), [0xf7], [0xf7]));
    expect(verdictOf(list(3_990, errors))).toBe('tagged');
    expect(verdictOf(list(4_000, errors))).toBe('too-costly');
  });

  it('two keys of one hash are two keys, but many of them are refused before they are all compared', () => {
    const keys = keysOfOneHash(6);
    const entries = keys.map((key) => [...text(key), 0]);
    expect(new Set(keys).size).toBe(64);
    expect(verdictOf([...head(5, 2), ...entries.slice(0, 2).flat()])).toBe('plain');
    expect(verdictOf([...head(5, 64), ...entries.flat()])).toBe('key-duplicate');
  });

  it('the slowest payloads take time that grows as they do', () => {
    const slowest = [
      (size: number) => text('é'.repeat(size / 2)),
      (size: number) => text('aé'.repeat(size / 3)),
      (size: number) => list(size, text('')),
    ];
    for (const make of slowest) {
      const [large, small] = [of(make(60_000)), of(make(6_000))];
      expect(scan(large, 0, large.length, defaultWireLimits)).toBe(0);
      // ten times, as the size; a hundred times if each byte were compared with each
      expect(ratioOf(large, small)).toBeLessThan(40);
    }
  });
});

/** 2^blocks keys whose FNV-1a is equal: each block is a pair of texts that lead from one state to the same next one (Joux 2004). */
function keysOfOneHash(blocks: number): string[] {
  const step = (state: number, part: string): number => {
    let next = state;
    for (let i = 0; i < part.length; i++) next = Math.imul(next ^ part.charCodeAt(i), 16_777_619);
    return next;
  };
  let keys = [''];
  let state = blocks * 6;
  for (let block = 0; block < blocks; block++) {
    const seen = new Map<number, string>();
    for (let i = 0; ; i++) {
      // letters without an order that the hash would keep
      const part = (Math.imul(i, 0x9e3779b1) >>> 0).toString(36).slice(-6).padStart(6, '-');
      const next = step(state, part);
      const twin = seen.get(next);
      if (twin === undefined) {
        seen.set(next, part);
        continue;
      }
      keys = keys.flatMap((key) => [key + twin, key + part]);
      state = next;
      break;
    }
  }
  return keys;
}
