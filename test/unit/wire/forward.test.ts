import { describe, expect, it } from 'vitest';
import { SESSION_ID_BYTES_MAX } from '../../../src/ids.ts';
import { Codec } from '../../../src/wire/codec.ts';
import { forwardable, forwarded } from '../../../src/wire/forward.ts';
import { type WireLimits, defaultWireLimits } from '../../../src/wire/limits.ts';
import { scan, scanReason } from '../../../src/wire/scan.ts';

function payloadOf(event: readonly unknown[], limits: WireLimits = defaultWireLimits): Uint8Array {
  const codec = new Codec(limits);
  codec.encode(event);
  return codec.scratch.slice(codec.start, codec.end);
}

function valueOf(payload: Uint8Array): unknown {
  const verdict = scan(payload, 0, payload.length, defaultWireLimits);
  if (verdict < 0) throw new Error(String(scanReason(verdict)));
  return new Codec(defaultWireLimits).decode(payload, 0, payload.length, verdict);
}

const from = 'ab'.repeat(16);

describe('a forwarded event', () => {
  it.each([0, 1, 21, 22, 23, 24, 253, 254, 255, 256, 65_533, 65_534])(
    'with %i arguments says at its end whom it comes from',
    (count) => {
      const event = ['say', ...Array.from({ length: count }, (_, index) => index % 7)];
      expect(valueOf(forwarded(payloadOf(event), from))).toEqual([...event, from]);
    },
  );

  it.each([1, 23, 24, SESSION_ID_BYTES_MAX])('takes a session id of %i characters', (length) => {
    const id = 's'.repeat(length);
    expect(valueOf(forwarded(payloadOf(['say', 'it']), id))).toEqual(['say', 'it', id]);
  });

  it('is as it was where arguments share an object or hold themselves', () => {
    const shared = { deep: [new Map([['key', 1n]])] };
    const ring: unknown[] = [];
    ring.push(ring);
    const [, one, other, inner, circle] = valueOf(
      forwarded(payloadOf(['say', shared, shared, { shared }, ring]), from),
    ) as [string, object, object, { shared: object }, unknown[]];
    expect(one).toEqual(shared);
    expect(other).toBe(one);
    expect(inner.shared).toBe(one);
    expect(circle[0]).toBe(circle);
  });

  it('is a copy: the event may go to others', () => {
    const payload = payloadOf(['say', 'it']);
    const before = payload.slice();
    const bytes = forwarded(payload, from);
    bytes.fill(0);
    expect(payload).toEqual(before);
    expect(bytes.buffer).not.toBe(payload.buffer);
  });

  it('reads events whose name is long and whose head is not the shortest that could be', () => {
    const name = 'n'.repeat(300);
    expect(valueOf(forwarded(payloadOf([name, 1]), from))).toEqual([name, 1, from]);
  });
});

describe('limits for an event that will be forwarded', () => {
  const id = 'i'.repeat(SESSION_ID_BYTES_MAX);
  const kept = (event: readonly unknown[], limits: WireLimits): number => {
    const payload = payloadOf(event, forwardable(limits));
    const bytes = forwarded(payload, id);
    return scan(bytes, 0, bytes.length, limits);
  };

  it('leave room for the name in each of them', () => {
    const few = { ...defaultWireLimits, arrayItems: 10 };
    expect(kept(['say', ...Array<number>(8).fill(1)], few)).toBe(0);
    expect(() => kept(['say', ...Array<number>(9).fill(1)], few)).toThrow(/at most 9 cross/);

    const sparse = { ...defaultWireLimits, items: 10 };
    expect(kept(['say', [1, 1, 1, 1, 1], 1], sparse)).toBe(0);
    expect(() => kept(['say', [1, 1, 1, 1, 1, 1], 1], sparse)).toThrow(/more than 9 values/);

    // An array of two, a text, bytes: 16 + 16 + 27 + 100 and its length.
    const cheap = { ...defaultWireLimits, costBytes: 1_000 };
    const rest = 1_000 - 16 - 16 - 27 - 100 - 8 - 24 - SESSION_ID_BYTES_MAX;
    expect(kept(['say', new Uint8Array(rest)], cheap)).toBe(0);
    expect(() => kept(['say', new Uint8Array(rest + 1)], cheap)).toThrow(/too-costly/);
  });

  it('let a name through that was one too many without them', () => {
    const few = { ...defaultWireLimits, arrayItems: 10 };
    const bytes = forwarded(payloadOf(['say', ...Array<number>(9).fill(1)], few), id);
    expect(scanReason(scan(bytes, 0, bytes.length, few))).toBe('array-too-long');
  });
});
