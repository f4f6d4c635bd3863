// Payloads by the million. The scan says what a slow model of its rules says. What it lets through, cbor-x reads without
// a throw and as our reader does, and it comes back equal when it is sent on; what it refuses has a reason of the closed
// set. `FUZZ_SEED` and `FUZZ_INPUTS` choose another run; a failure prints the seed and the bytes.
import { Decoder } from 'cbor-x/index-no-eval';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { HomingError } from '../../src/errors.ts';
import { Codec } from '../../src/wire/codec.ts';
import { defaultWireLimits, forbiddenKeys } from '../../src/wire/limits.ts';
import type { WireLimits } from '../../src/wire/limits.ts';
import { UNREAD, read, readShort } from '../../src/wire/reader.ts';
import { scan, scanCost, scanReason } from '../../src/wire/scan.ts';
import { shortBytesMax } from '../../src/wire/writer.ts';
import { HostileTrees } from '../payload/hostile.ts';
import { modelVerdict } from '../payload/model.ts';
import { mutate } from '../payload/mutation.ts';
import { Chance } from '../payload/random.ts';
import { difference, isSameReading } from '../payload/same.ts';

const SEED = Number(process.env['FUZZ_SEED'] ?? 20_260_731);
const INPUTS = Number(process.env['FUZZ_INPUTS'] ?? 1_050_000);
const BYTES_MAX = 1_024;

/** Bounds that small inputs reach. */
const tight: WireLimits = {
  messageBytes: 700,
  depth: 6,
  items: 150,
  arrayItems: 40,
  mapEntries: 66,
  textBytes: 120,
  keyBytes: 20,
  costBytes: 6_000,
};

const codec = new Codec(defaultWireLimits);
const oracle = new Decoder({ useRecords: false, copyBuffers: true, int64AsNumber: true } as never) as unknown as {
  decode(bytes: Uint8Array, end: number): unknown;
};

/** What all parts of the run met, for the last test. */
const met = { inputs: 0, accepted: 0, tagged: 0, atOnce: 0, contradicting: 0, reasons: new Set<string>() };

function payloadOf(value: unknown): Uint8Array {
  codec.encode(value, 'value');
  return new Uint8Array(codec.scratch.subarray(codec.start, codec.end));
}

/** Judges one input; returns the verdict under the given limits. Throws a sentence when the law is broken. */
function judge(bytes: Uint8Array, length: number, limits: WireLimits): number {
  met.inputs++;
  const verdict = scan(bytes, 0, length, limits);
  const expected = modelVerdict(bytes.subarray(0, length), limits);
  if (Math.max(verdict, -1) !== expected) {
    throw new Error(`the model says ${expected}, the scan ${verdict} (${scanReason(verdict) ?? 'accepted'})`);
  }
  const atOnce = length <= shortBytesMax(limits) ? readShort(bytes, 0, length, limits) : UNREAD;
  if (atOnce !== UNREAD) {
    met.atOnce++;
    if (verdict !== 0) throw new Error(`read at once, but the scan says ${scanReason(verdict) ?? verdict}`);
    if (!isSameReading(atOnce, read(bytes, 0, length))) throw new Error('read at once otherwise than after the scan');
  }
  if (verdict < 0) {
    const reason = scanReason(verdict);
    if (reason === undefined) throw new Error(`verdict ${verdict} has no reason`);
    met.reasons.add(reason);
    return verdict;
  }
  met.accepted++;
  const begun = process.threadCpuUsage();
  const theirs = oracle.decode(bytes, length);
  const ours = read(bytes, 0, length);
  if (!isSameReading(ours, theirs)) throw new Error('read otherwise than by cbor-x');
  const value = valueOf(bytes, length, verdict);
  if (value === nothing) return verdict;
  const again = payloadOf(value);
  const second = scan(again, 0, again.length, defaultWireLimits);
  if (second < 0) throw new Error(`what was accepted is refused when sent on: ${scanReason(second)}`);
  const wrong = difference(value, codec.decode(again, 0, again.length, second));
  if (wrong !== undefined) throw new Error(`not equal when sent on: ${wrong}`);
  const took = process.threadCpuUsage(begun);
  const tookMs = (took.user + took.system) / 1_000;
  if (tookMs > 250) throw new Error(`took ${tookMs} ms of the processor`);
  return verdict;
}

const nothing = Symbol('nothing');

/** The decoded value; `nothing` when its tags contradict each other, which only decoding can see. */
function valueOf(bytes: Uint8Array, length: number, verdict: number): unknown {
  if (verdict === 1) met.tagged++;
  try {
    return codec.decode(bytes, 0, length, verdict);
  } catch (error) {
    if (verdict !== 1 || !(error instanceof HomingError) || error.code !== 'payload-refused') throw error;
    met.contradicting++;
    return nothing;
  }
}

/** Runs `make` and judges what it wrote, so many times. */
function run(
  part: string,
  count: number,
  make: (chance: Chance, target: Uint8Array) => number,
  seen?: (bytes: Uint8Array, length: number, verdict: number) => void,
): void {
  const chance = new Chance(SEED ^ part.length);
  // a byte more than any input: cbor-x takes an end only when the buffer goes on after it
  const bytes = new Uint8Array(BYTES_MAX + 1);
  const target = bytes.subarray(0, BYTES_MAX);
  for (let i = 0; i < count; i++) {
    const length = make(chance, target);
    try {
      const verdict = judge(bytes, length, i % 2 === 0 ? tight : defaultWireLimits);
      seen?.(bytes, length, verdict);
    } catch (cause) {
      const hex = Buffer.from(bytes.subarray(0, length)).toString('hex');
      throw new Error(`${part}, input ${i} with FUZZ_SEED=${SEED}: ${hex}`, { cause });
    }
  }
}

function seeds(): Uint8Array[] {
  const shared = { at: new Date(1_700_000_000_123) };
  const cyclic: Record<string, unknown> = { list: [shared, shared] };
  cyclic['self'] = cyclic;
  const values: unknown[] = [
    ['say', { id: 12_345, user: 'ann', text: 'hello world, this is a text', at: 1_700_000_000_000, ok: true }],
    ['all', [0, 24, 256, 65_536, 2 ** 32, -1, -500, 1.5, -0, NaN, null, undefined, false]],
    ['texts', 'é', '€', '😀', 'x'.repeat(70), 'é'.repeat(70), `\uFEFF${'y'.repeat(130)}`],
    [
      'beyond',
      new Map<unknown, unknown>([
        ['a', 1],
        [{ b: 2 }, new Set([1, 'x', [3]])],
      ]),
      123_456_789_012_345_678_901n,
      -1n,
    ],
    ['error', new TypeError('wrong', { cause: Object.assign(new Error('deep'), { code: 'E_DEEP' }) })],
    ['bytes', Uint8Array.of(0x1b, 0x80, 0, 0), new Uint8Array(40)],
    ['cyclic', cyclic],
    ['deep', [[[[[[[[{ a: { b: { c: {} } } }]]]]]]]]],
    ['wide', Object.fromEntries(Array.from({ length: 66 }, (_, i) => [`k${i}`, i]))],
    [
      'rows',
      Array.from({ length: 8 }, (_, i) => ({ id: i, name: `n${i}`, tags: ['a', 'b'], pos: { x: i / 2, y: -1 - i } })),
    ],
  ];
  return values.map((value) => payloadOf(value));
}

describe('by the million', () => {
  const share = Math.ceil(INPUTS / 3);

  it('changed payloads keep the law', () => {
    const valid = seeds();
    run('mutation', share, (chance, target) => mutate(chance, target, chance.pick(valid), chance.pick(valid)));
  });

  it('hostile trees keep the law', () => {
    let trees: HostileTrees | undefined;
    run('hostile trees', share, (chance, target) => (trees ??= new HostileTrees(chance)).write(target));
  });

  it('a corpus that grows by what is new keeps the law', () => {
    const corpus = seeds();
    const known = new Set<number>();
    const make = (chance: Chance, target: Uint8Array): number =>
      mutate(chance, target, chance.pick(corpus), chance.pick(corpus));
    run('greybox', share, make, (bytes, length, verdict) => {
      const signature = signatureOf(bytes, length, verdict);
      if (known.has(signature)) return;
      known.add(signature);
      corpus.push(bytes.slice(0, length));
    });
    expect(known.size).toBeGreaterThan(100);
  });

  it('between them they were let through often enough, and refused for every reason there is', () => {
    const all = Array.from({ length: 22 }, (_, i) => scanReason(-1 - i));
    // a thousand links do not fit into these inputs; the scan's own tests have them
    expect(met.reasons).toEqual(new Set(all.filter((reason) => reason !== 'too-many-links')));
    expect(met.inputs).toBeGreaterThanOrEqual(INPUTS);
    expect(met.accepted).toBeGreaterThan(INPUTS / 20);
    expect(met.atOnce).toBeGreaterThan(INPUTS / 50);
    expect(met.tagged).toBeGreaterThan(INPUTS / 100);
    expect(met.contradicting).toBeGreaterThan(100);
  });
});

/** What makes an input interesting: the verdict, which tags are in it, how deep and how costly it is. */
function signatureOf(bytes: Uint8Array, length: number, verdict: number): number {
  const open = [1];
  let tags = 0;
  let deepest = 0;
  for (let at = 0; at < length && open.length > 0;) {
    const first = bytes[at++] as number;
    const [major, minor] = [first >> 5, first & 31];
    let argument = minor;
    if (minor > 27) break;
    if (minor > 23) {
      argument = 0;
      for (let i = 1 << (minor - 24); i > 0; i--) argument = argument * 256 + (bytes[at++] as number);
    }
    open[open.length - 1] = (open.at(-1) ?? 0) - 1;
    if (major === 2 || major === 3) at += argument;
    else if (major === 4) open.push(argument);
    else if (major === 5) open.push(2 * argument);
    else if (major === 6) {
      tags |= argument >= 40000 && argument < 40008 ? 1 << (argument - 40000) : 256;
      open.push(1);
    }
    deepest = Math.max(deepest, open.length);
    while (open.length > 0 && (open.at(-1) ?? 0) <= 0) open.pop();
  }
  const depth = Math.min(7, deepest >> 2);
  const cost = Math.min(3, Math.floor(Math.log10(scanCost() + 1) / 1.5));
  return (((verdict + 30) * 512 + tags) * 8 + depth) * 4 + cost;
}

describe('any value', () => {
  const check = <T>(values: fc.Arbitrary<T>, law: (value: T) => void, numRuns: number): void =>
    fc.assert(fc.property(values, law), { seed: SEED, numRuns });

  const key = fc.string({ unit: 'binary', maxLength: 60 }).filter((text) => !forbiddenKeys.includes(text));
  const leaf = fc.oneof(
    fc.integer(),
    fc.maxSafeInteger(),
    fc.double(),
    fc.string({ unit: 'binary', maxLength: 200 }),
    fc.boolean(),
    fc.constantFrom(null, undefined, -0, 0, '', '\uFEFF'),
    fc.bigInt(),
    fc.date({ noInvalidDate: false }),
    fc.uint8Array({ maxLength: 100 }),
  );

  /** Nodes of each kind whose parts are leaves or any node, itself included. */
  const graph = fc
    .array(
      fc.record({
        kind: fc.constantFrom('array', 'object', 'map', 'set', 'error'),
        name: fc.oneof(fc.constantFrom('Error', 'TypeError', 'RangeError', 'Own'), key),
        code: fc.option(key, { nil: undefined }),
        parts: fc.array(fc.tuple(key, fc.oneof(fc.record({ node: fc.nat() }), fc.record({ leaf }))), { maxLength: 5 }),
      }),
      { minLength: 1, maxLength: 8 },
    )
    .map((specs) => {
      const nodes = specs.map(({ kind, name, code }): unknown => {
        if (kind === 'array') return [];
        if (kind === 'object') return {};
        if (kind === 'map') return new Map();
        if (kind === 'set') return new Set();
        const error =
          name === 'TypeError' ? new TypeError(name) : name === 'RangeError' ? new RangeError(name) : new Error(name);
        if (error.name !== name) error.name = name;
        return code === undefined ? error : Object.assign(error, { code });
      });
      specs.forEach(({ parts }, i) => {
        const node = nodes[i];
        for (const [at, part] of parts) {
          const value = 'leaf' in part ? part.leaf : nodes[part.node % nodes.length];
          if (Array.isArray(node)) node.push(value);
          else if (node instanceof Map) node.set('leaf' in part ? at : value, value);
          else if (node instanceof Set) node.add(value);
          else if (node instanceof Error) node.cause = value;
          else Reflect.set(node as object, at, value);
        }
      });
      return nodes[0];
    });

  const journey = (value: unknown): void => {
    const payload = payloadOf(value);
    const verdict = scan(payload, 0, payload.length, defaultWireLimits);
    expect(verdict).toBeGreaterThanOrEqual(0);
    const got = codec.decode(payload, 0, payload.length, verdict);
    payload.fill(0xff);
    expect(difference(value, got)).toBeUndefined();
  };

  it('of every kind, with cycles and repeated references, comes back equal and with the same identities', () => {
    check(graph, journey, 4_000);
  });

  it('of JSON comes back equal', () => {
    const json = fc.json({ maxDepth: 12 }).filter((text) => !forbiddenKeys.some((word) => text.includes(`"${word}"`)));
    check(json, (text) => journey(JSON.parse(text)), 2_000);
  });

  it('at all comes back equal, or is refused with a path', () => {
    const anything = fc.anything({
      withBigInt: true,
      withDate: true,
      withMap: true,
      withSet: true,
      withNullPrototype: true,
      withObjectString: true,
      withSparseArray: true,
      withTypedArray: true,
      withBoxedValues: true,
      stringUnit: 'binary',
      maxDepth: 4,
    });
    let refused = 0;
    const law = (value: unknown): void => {
      try {
        payloadOf(value);
      } catch (error) {
        if (!(error instanceof HomingError) || error.code !== 'NotEncodable') throw error;
        expect(error.message).toMatch(/^value.*: /);
        refused++;
        return;
      }
      journey(value);
    };
    check(anything, law, 4_000);
    expect(refused).toBeGreaterThan(100);
  });
});
