/** The host that Node is: its clock, its randomness, its cryptography. One a client, so that it can be unreferenced. */
import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { crc32 } from 'node:zlib';
import type { Host } from './ports.ts';

/** A host, and whether its timers keep the process alive. */
export interface NodeHost extends Host {
  /** True: timers keep the process alive, as they do at first. */
  ref(alive: boolean): void;
}

/** Makes a host of this process. */
export function nodeHost(): NodeHost {
  const timers = new Set<NodeJS.Timeout>();
  let isReferenced = true;
  return {
    clock: {
      now: () => performance.now(),
      setTimeout(fire, delayMs) {
        const timer = setTimeout(() => {
          timers.delete(timer);
          fire();
        }, delayMs);
        if (!isReferenced) timer.unref();
        timers.add(timer);
        return timer;
      },
      clearTimeout(ticket) {
        clearTimeout(ticket as NodeJS.Timeout);
        timers.delete(ticket as NodeJS.Timeout);
      },
    },
    chance: {
      bytes: (count) => new Uint8Array(randomBytes(count)),
      number: () => Math.random(),
    },
    secrets: {
      sign(secret, ...parts) {
        const hmac = createHmac('sha256', secret);
        for (const part of parts) hmac.update(part);
        return hmac.digest();
      },
      equal: (left, right) => left.length === right.length && timingSafeEqual(left, right),
    },
    checksum: (bytes) => crc32(bytes),
    defer: (task) => void setImmediate(task),
    ref(alive) {
      isReferenced = alive;
      for (const timer of timers) {
        if (alive) timer.ref();
        else timer.unref();
      }
    },
  };
}
