/** The host that Node is: its clock, its randomness, its cryptography. One a client, so that it can be unreferenced. */
import { type KeyObject, createHmac, createSecretKey, randomFillSync, timingSafeEqual } from 'node:crypto';
import { crc32 } from 'node:zlib';
import { Deadlines } from './deadlines.ts';
import type { Host } from './ports.ts';

/** A host, and whether its timers keep the process alive. */
export interface NodeHost extends Host {
  /** True: timers keep the process alive, as they do at first. */
  ref(alive: boolean): void;
}

/**
 * Makes a host of this process. `isQuick`: what one callback writes leaves right after it; otherwise it leaves with what other
 * sockets have brought meanwhile, which is better where there are many.
 */
export function nodeHost(isQuick = false): NodeHost {
  const now = (): number => performance.now();
  const deadlines = new Deadlines(now);
  return {
    clock: {
      now,
      setTimeout: (fire, delayMs) => deadlines.set(fire, delayMs),
      clearTimeout: (ticket) => deadlines.clear(ticket),
    },
    chance: {
      bytes: randomBytes,
      number: () => Math.random(),
    },
    secrets: {
      sign(secret, ...parts) {
        const hmac = createHmac('sha256', keyOf(secret));
        for (const part of parts) hmac.update(part);
        return hmac.digest();
      },
      equal: (left, right) => left.length === right.length && timingSafeEqual(left, right),
    },
    checksum: (bytes) => crc32(bytes),
    defer: (task) => void setImmediate(task),
    soon: isQuick ? (task) => process.nextTick(task) : (task) => void setImmediate(task),
    ref: (alive) => deadlines.ref(alive),
  };
}

/** Bytes that are drawn at once, because the system is slow to be asked and a small buffer of its own costs twice its bytes. */
const DRAWN_BYTES = 1_024;

let drawn = new Uint8Array(0);
let taken = 0;

/** So many random bytes that nobody else gets: part of a larger buffer, when they are few. */
function randomBytes(count: number): Uint8Array {
  if (count * 4 > DRAWN_BYTES) return randomFillSync(new Uint8Array(count));
  if (taken + count > drawn.length) {
    drawn = randomFillSync(new Uint8Array(DRAWN_BYTES));
    taken = 0;
  }
  taken += count;
  return drawn.subarray(taken - count, taken);
}

/** Making a key costs several times what signing does, and a session signs with the same secret on every connection. */
const keys = new WeakMap<Uint8Array, KeyObject>();

function keyOf(secret: Uint8Array): KeyObject {
  const known = keys.get(secret);
  if (known !== undefined) return known;
  const key = createSecretKey(secret);
  keys.set(secret, key);
  return key;
}
