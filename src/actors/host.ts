/** The host that Node is: its clock, its randomness, its cryptography. One a client, so that it can be unreferenced. */
import { type KeyObject, createHmac, createSecretKey, randomBytes, timingSafeEqual } from 'node:crypto';
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
      bytes: (count) => new Uint8Array(randomBytes(count)),
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

/** Making a key costs several times what signing does, and a session signs with the same secret on every connection. */
const keys = new WeakMap<Uint8Array, KeyObject>();

function keyOf(secret: Uint8Array): KeyObject {
  const known = keys.get(secret);
  if (known !== undefined) return known;
  const key = createSecretKey(secret);
  keys.set(secret, key);
  return key;
}
