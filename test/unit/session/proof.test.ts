import { createHmac, timingSafeEqual } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { type Secrets, isProven } from '../../../src/session/proof.ts';

const secrets: Secrets = {
  sign: (secret, ...parts) => {
    const hmac = createHmac('sha256', secret);
    for (const part of parts) hmac.update(part);
    return hmac.digest();
  },
  equal: (left, right) => left.length === right.length && timingSafeEqual(left, right),
};
const SECRET_BYTES = 32;
const secret = new Uint8Array(SECRET_BYTES).fill(7);
const hello = Uint8Array.of(1, 2, 3);
const welcome = Uint8Array.of(4, 5);

describe('proof', () => {
  it('holds for the same secret and the same parts in order', () => {
    const mac = secrets.sign(secret, hello, welcome);
    expect(mac.length).toBe(SECRET_BYTES);
    expect(isProven(secrets, secret, mac, hello, welcome)).toBe(true);
  });

  it('fails for another secret, other or fewer parts, a cut or a missing mac', () => {
    const mac = secrets.sign(secret, hello, welcome);
    expect(isProven(secrets, new Uint8Array(SECRET_BYTES), mac, hello, welcome)).toBe(false);
    expect(isProven(secrets, secret, mac, hello)).toBe(false);
    expect(isProven(secrets, secret, mac, welcome, hello)).toBe(false);
    expect(isProven(secrets, secret, mac.subarray(0, 31), hello, welcome)).toBe(false);
    expect(isProven(secrets, secret, undefined, hello, welcome)).toBe(false);
  });
});
