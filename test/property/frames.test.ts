// Laws of the wire below the session: frames and control bodies, over any bytes and any chopping.
import { crc32 } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { EndCode } from '../../src/errors.ts';
import { endTable } from '../../src/errors.ts';
import { sessionId } from '../../src/ids.ts';
import * as control from '../../src/wire/control.ts';
import {
  FRAGMENT_FLAG,
  FRAME_BYTES_MAX,
  FrameType,
  HEADER_BYTES,
  Kind,
  bodyBytesMax,
  stampChecksum,
  writeHeader,
} from '../../src/wire/frame.ts';
import { DEPTH_MAX, DEPTH_MIN } from '../../src/wire/limits.ts';
import { Splitter } from '../../src/wire/splitter.ts';

interface Frame {
  readonly type: number;
  readonly flags: number;
  readonly seq: number;
  readonly body: Uint8Array;
}

interface Outcome {
  readonly frames: readonly Frame[];
  readonly fault: EndCode | undefined;
}

const seqs = fc.oneof(
  fc.integer({ min: 1, max: 300 }),
  fc.maxSafeNat().map((n) => Math.max(1, n)),
);

/** Bytes of a length that is mostly small and now and then at the bound. */
function bodyOf(lengthMin: number, lengthMax: number): fc.Arbitrary<Uint8Array> {
  const small = fc.integer({ min: lengthMin, max: Math.min(lengthMax, lengthMin + 40) });
  const large = fc.integer({ min: lengthMin, max: lengthMax });
  return fc
    .tuple(fc.oneof({ weight: 12, arbitrary: small }, { weight: 1, arbitrary: large }), fc.nat(255))
    .map(([length, first]) => Uint8Array.from({ length }, (_, i) => (first + i * 7) & 0xff));
}

const messages: fc.Arbitrary<Frame> = fc
  .constantFrom([FrameType.ORDERED, Kind.EVENT], [FrameType.ORDERED, Kind.DELIVER], [FrameType.DIRECT, Kind.RECEIPT])
  .chain(([type = 0, kind = 0]) =>
    fc.oneof(
      fc.record({ type: fc.constant(type), flags: fc.constant(kind), seq: seqs, body: bodyOf(0, 65_536) }),
      fc.record({
        type: fc.constant(type),
        flags: fc.constant(kind | FRAGMENT_FLAG),
        seq: seqs,
        body: bodyOf(9, 65_544),
      }),
    ),
  );

const controls: fc.Arbitrary<Frame> = fc
  .constantFrom(...Object.values(FrameType).filter((type) => type < FrameType.ORDERED))
  .chain((type) => {
    const max = bodyBytesMax(type);
    const body = max <= 32 ? bodyOf(max, max) : bodyOf(0, max);
    return fc.record({ type: fc.constant(type), flags: fc.constant(0), seq: fc.constant(0), body });
  });

const frameLists = fc.array(fc.oneof({ weight: 2, arbitrary: messages }, controls), { minLength: 1, maxLength: 8 });

/** Sizes of chunks, used in turn; also the smallest and the ones around a header. */
const choppings = fc.array(fc.oneof(fc.constantFrom(1, 15, 16, 17), fc.integer({ min: 1, max: 5_000 })), {
  minLength: 1,
  maxLength: 12,
});

function encode(frames: readonly Frame[]): Uint8Array {
  return new Uint8Array(
    Buffer.concat(
      frames.map(({ type, flags, seq, body }) => {
        const bytes = new Uint8Array(HEADER_BYTES + body.length);
        writeHeader(bytes, 0, type, flags, seq, body.length);
        bytes.set(body, HEADER_BYTES);
        stampChecksum(bytes, 0, bytes.length, crc32);
        return bytes;
      }),
    ),
  );
}

/** Feeds the stream in these chunks, each overwritten once it is used up, and checks the memory law on the way. */
function split(splitter: Splitter, stream: Uint8Array, sizes: readonly number[]): Outcome {
  const frames: Frame[] = [];
  let at = 0;
  for (let turn = 0; at < stream.length; turn++) {
    const chunk = stream.slice(at, at + (sizes[turn % sizes.length] ?? 1));
    at += chunk.length;
    splitter.push(chunk);
    while (splitter.next()) {
      const { type, flags, seq, bytes, start, end } = splitter;
      frames.push({ type, flags, seq, body: bytes.slice(start, end) });
    }
    chunk.fill(0xa5);
    if (splitter.retainedBytes > Math.min(FRAME_BYTES_MAX, Math.max(4_096, 2 * at))) {
      throw new Error(`${splitter.retainedBytes} bytes kept after ${at} had arrived`);
    }
    if (!splitter.isPartial && splitter.retainedBytes > 0) throw new Error('a buffer is kept between two frames');
  }
  return { frames, fault: splitter.fault };
}

function splitterOf(checksummed: boolean): Splitter {
  const splitter = new Splitter(crc32);
  splitter.checksummed = checksummed;
  return splitter;
}

/** Bytes that are often almost right: a stream of frames with some bytes put over it, or nothing but noise. */
const dubious = fc.oneof(
  fc.uint8Array({ maxLength: 200 }),
  fc.tuple(frameLists, fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 4 })).map(([frames, edits]) => {
    const bytes = encode(frames);
    for (const [at, value] of edits) bytes[at % bytes.length] = value;
    return bytes;
  }),
);

describe('frames', () => {
  it('survive encoding, decoding and any chopping, with memory bounded by what arrived', () => {
    fc.assert(
      fc.property(frameLists, choppings, (frames, sizes) => {
        const outcome = split(splitterOf(true), encode(frames), sizes);
        expect(outcome.fault).toBeUndefined();
        expect(outcome.frames).toEqual(frames);
      }),
      { numRuns: 400 },
    );
  });

  it('and faults are the same for any chopping of any bytes', () => {
    fc.assert(
      fc.property(dubious, choppings, fc.boolean(), (bytes, sizes, checksummed) => {
        const whole = split(splitterOf(checksummed), bytes, [bytes.length]);
        const chopped = split(splitterOf(checksummed), bytes, sizes);
        expect(chopped).toEqual(whole);
        expect(whole.fault === undefined || Object.hasOwn(endTable, whole.fault)).toBe(true);
      }),
      { numRuns: 600 },
    );
  });

  it('with one altered byte are never given: what came before it is, then the stream ends', () => {
    // Whatever length the altered header claims, this much more makes it whole.
    const later = encode(Array.from({ length: 2_800 }, () => ping));
    fc.assert(
      fc.property(
        frameLists,
        fc.nat(),
        fc.integer({ min: 1, max: 255 }),
        choppings,
        (frames, position, change, sizes) => {
          const stream = encode(frames);
          const altered = position % stream.length;
          stream[altered] = (stream[altered] ?? 0) ^ change;
          const splitter = splitterOf(true);
          const before = split(splitter, stream, sizes);
          expect(before.frames).toEqual(frames.slice(0, frameAt(frames, altered)));
          const after = split(splitter, later, [later.length]);
          expect(after.frames).toEqual([]);
          expect(after.fault).toBeDefined();
        },
      ),
      { numRuns: 400 },
    );
  });
});

const ping: Frame = { type: FrameType.PING, flags: 0, seq: 0, body: control.encodeNumber(1) };

/** The index of the frame that holds the byte at this position of the stream. */
function frameAt(frames: readonly Frame[], position: number): number {
  let end = 0;
  return frames.findIndex(({ body }) => (end += HEADER_BYTES + body.length) > position);
}

const u32s = fc.integer({ min: 0, max: 0xffff_ffff });
const terms = {
  features: u32s,
  heartbeatIntervalMs: u32s,
  heartbeatTimeoutMs: u32s,
  lingerMs: u32s,
  messageBytes: u32s,
  depth: fc.integer({ min: DEPTH_MIN, max: DEPTH_MAX }),
  windowMessages: u32s,
  windowBytes: u32s,
};
const positions = fc
  .tuple(fc.maxSafeNat(), fc.maxSafeNat(), fc.maxSafeNat())
  .map(([a, b, directReceived]) => ({ orderedReceived: Math.max(a, b), cursor: Math.min(a, b), directReceived }));
const ids = fc.stringMatching(/^[!-~]{1,64}$/).map(sessionId);
const epochs = seqs;
const codes = fc.constantFrom(...(Object.keys(endTable) as EndCode[]));
const reasons = fc.string({ unit: 'grapheme', maxLength: 60 });
const finalCursors = fc.option(fc.maxSafeNat(), { nil: undefined });

const hellos: fc.Arbitrary<control.Hello> = fc.record({
  ...terms,
  versionMin: fc.constant(1),
  versionMax: fc.integer({ min: 1, max: 255 }),
  dialNumber: fc.maxSafeNat(),
  seenAddress: fc.stringMatching(/^[!-~]{0,60}$/),
  seenPort: fc.nat(65_535),
  claim: fc.option(
    fc
      .tuple(fc.constantFrom('resume', 'renew'), ids, epochs, positions)
      .map(([mode, id, epoch, place]) => ({ mode, id, epoch, ...place })),
    { nil: undefined },
  ),
  credentials: fc.uint8Array({ maxLength: 300 }),
});

const welcomes: fc.Arbitrary<control.Welcome> = fc.record({
  ...terms,
  version: fc.nat(255),
  directPort: fc.nat(65_535),
  session: fc.oneof(
    positions.map((place) => ({ type: 'resumed' as const, ...place })),
    fc.record({
      type: fc.constant('new' as const),
      id: ids,
      secret: fc.uint8Array({ minLength: 32, maxLength: 32 }),
      epoch: epochs,
      finalCursor: finalCursors,
      loss: fc.option(codes, { nil: undefined }),
    }),
  ),
});

const refusals: fc.Arbitrary<control.Refused> = fc.record({
  code: codes,
  retryAfterMs: u32s,
  finalCursor: finalCursors,
  reason: reasons,
});

function sign(unsigned: Uint8Array): Uint8Array {
  return new Uint8Array(32).fill(crc32(unsigned) & 0xff);
}

describe('control bodies', () => {
  it('come back as they went, with their proof over exactly the bytes before it', () => {
    fc.assert(
      fc.property(hellos, welcomes, refusals, (hello, welcome, refused) => {
        for (const [value, body, decode] of [
          [hello, control.encodeHello(hello, sign), control.decodeHello],
          [welcome, control.encodeWelcome(welcome, sign), control.decodeWelcome],
          [refused, control.encodeRefused(refused, sign), control.decodeRefused],
        ] as const) {
          const decoded = decode(body, 0, body.length);
          expect(decoded).toMatchObject(value);
          const mac = decoded?.mac;
          if (mac !== undefined) expect(mac).toEqual(sign(decoded?.unsigned ?? body));
          expect(decoded?.unsigned.length).toBe(body.length - (mac?.length ?? 0));
        }
      }),
      { numRuns: 300 },
    );
  });

  it('of any bytes are decoded or refused, never thrown, and what is decoded encodes to something that decodes', () => {
    const decoders = [
      control.decodeHello,
      control.decodeWelcome,
      control.decodeRefused,
      control.decodeGoAway,
      control.decodeClose,
    ];
    const almost = fc.oneof(
      fc.uint8Array({ maxLength: 120 }),
      hellos.map((hello) => control.encodeHello(hello, sign)),
      welcomes.map((welcome) => control.encodeWelcome(welcome, sign)),
      refusals.map((refused) => control.encodeRefused(refused, sign)),
    );
    const edits = fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 3 });
    fc.assert(
      fc.property(almost, edits, fc.nat(3), (original, changes, cut) => {
        const bytes = original.slice(0, Math.max(0, original.length - cut));
        for (const [at, value] of changes) if (bytes.length > 0) bytes[at % bytes.length] = value;
        for (const decode of decoders) {
          const decoded = decode(bytes, 0, bytes.length);
          expect(decoded === undefined || typeof decoded === 'object').toBe(true);
        }
        const hello = control.decodeHello(bytes, 0, bytes.length);
        if (hello !== undefined) {
          const again = control.encodeHello(hello, () => hello.mac ?? new Uint8Array(32));
          expect(control.decodeHello(again, 0, again.length)).toMatchObject(withoutProof(hello));
        }
      }),
      { numRuns: 1_000 },
    );
  });
});

/** The fields of a HELLO without the bytes it came in: extra bytes are not kept, so the proof may cover fewer now. */
function withoutProof({ unsigned: _unsigned, mac: _mac, ...hello }: control.HelloReceived): control.Hello {
  return hello;
}
