/** The host that Node is: its clock, its randomness, its cryptography. One a client, so that it can be unreferenced. */
import { type KeyObject, createHmac, createSecretKey, randomBytes, timingSafeEqual } from 'node:crypto';
import { crc32 } from 'node:zlib';
import type { Host } from './ports.ts';

/** A host, and whether its timers keep the process alive. */
export interface NodeHost extends Host {
  /** True: timers keep the process alive, as they do at first. */
  ref(alive: boolean): void;
}

/** Longest delay that Node's timers take; with a longer one they would fire at once. */
const DELAY_MAX_MS = 2 ** 31 - 1;

interface Ticket {
  timer: NodeJS.Timeout;
}

/**
 * Makes a host of this process. `isQuick`: what one callback writes leaves right after it; otherwise it leaves with what other
 * sockets have brought meanwhile, which is better where there are many.
 */
export function nodeHost(isQuick = false): NodeHost {
  const tickets = new Set<Ticket>();
  let isReferenced = true;

  function arm(ticket: Ticket, fire: () => void, delayMs: number): void {
    const rest = delayMs - DELAY_MAX_MS;
    const timer = rest > 0 ? setTimeout(() => arm(ticket, fire, rest), DELAY_MAX_MS) : setTimeout(fire, delayMs);
    if (!isReferenced) timer.unref();
    ticket.timer = timer;
  }
  return {
    clock: {
      now: () => performance.now(),
      setTimeout(fire, delayMs) {
        const ticket = {} as Ticket;
        tickets.add(ticket);
        const end = (): void => {
          tickets.delete(ticket);
          fire();
        };
        arm(ticket, end, delayMs);
        return ticket;
      },
      clearTimeout(ticket) {
        clearTimeout((ticket as Ticket | undefined)?.timer);
        tickets.delete(ticket as Ticket);
      },
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
    ref(alive) {
      isReferenced = alive;
      for (const { timer } of tickets) {
        if (alive) timer.ref();
        else timer.unref();
      }
    },
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
