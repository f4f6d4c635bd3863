// Who tests the contracts of hosts and of their parts: each wrong in one thing, and the cases that say so.
import { createHash } from 'node:crypto';
import { crc32 } from 'node:zlib';
import { type HostAdapter, contracts } from 'homing/testing';
import { describe, expect, it } from 'vitest';
import { nodeHost } from '../../src/actors/host.ts';
import type { Host } from '../../src/actors/ports.ts';
import { simulatedHost } from './simulated.ts';

/** A part of a host that is wrong, with the right host at hand. */
type Twist = (right: Host) => Partial<Host>;

const node = nodeHost();

/** A simulated process with the cryptography, checksum and chance of Node, and something wrong. */
function adapterOf(twist: Twist): HostAdapter {
  const simulated = simulatedHost();
  const { host } = simulated;
  const right: Host = {
    clock: host.clock,
    chance: node.chance,
    secrets: node.secrets,
    checksum: node.checksum,
    defer: (task) => host.defer(task),
    soon: (task) => host.soon(task),
  };
  return { ...simulated, isDouble: false, host: { ...right, ...twist(right) } };
}

async function redOf(twist: Twist): Promise<readonly string[]> {
  const red: string[] = [];
  for (const { id, run } of contracts.host(adapterOf(twist))) {
    await run().catch(() => red.push(id));
  }
  return red;
}

/** The right clock with something else. */
const clock =
  (twist: (right: Host['clock']) => Partial<Host['clock']>): Twist =>
  ({ clock: right }) => ({ clock: { ...right, ...twist(right) } });

const chance =
  (twist: (right: Host['chance']) => Partial<Host['chance']>): Twist =>
  ({ chance: right }) => ({ chance: { ...right, ...twist(right) } });

const secrets =
  (twist: (right: Host['secrets']) => Partial<Host['secrets']>): Twist =>
  ({ secrets: right }) => ({ secrets: { ...right, ...twist(right) } });

const joined = (parts: readonly Uint8Array[]): Uint8Array => Buffer.concat(parts);

const wrongs: readonly (readonly [what: string, red: readonly string[], twist: Twist])[] = [
  ['is right in everything', [], () => ({})],
  ['whose clock stands still', ['clock-goes-on', 'clock-not-early'], clock(() => ({ now: () => 5 }))],
  [
    'whose clock goes back now and then',
    ['clock-goes-on', 'clock-not-early'],
    clock((right) => {
      let count = 0;
      return { now: () => right.now() - ((count += 1) % 3 === 0 ? 10 : 0) };
    }),
  ],
  ['whose clock has no time', ['clock-goes-on'], clock(() => ({ now: () => NaN }))],
  [
    'whose timers are early',
    ['clock-not-early'],
    clock((right) => ({ setTimeout: (fire, delayMs) => right.setTimeout(fire, delayMs / 2) })),
  ],
  [
    'whose timers of no delay fire at once',
    ['clock-not-early', 'clock-again'],
    clock((right) => ({
      setTimeout(fire, delayMs) {
        if (delayMs > 0) return right.setTimeout(fire, delayMs);
        fire();
        return right.setTimeout(() => {}, 1);
      },
    })),
  ],
  [
    'whose timers fire twice',
    ['clock-not-early', 'clock-in-order', 'clock-taken-back', 'clock-again'],
    clock((right) => ({
      setTimeout: (fire, delayMs) =>
        right.setTimeout(() => {
          fire();
          fire();
        }, delayMs),
    })),
  ],
  [
    'whose timers of one time fire backwards',
    ['clock-not-early', 'clock-in-order', 'clock-taken-back'],
    clock((right) => {
      const due = new Map<number, (() => void)[]>();
      return {
        setTimeout(fire, delayMs) {
          const atMs = right.now() + Math.max(1, delayMs);
          const others = due.get(atMs);
          if (others !== undefined) return void others.unshift(fire);
          due.set(atMs, [fire]);
          return right.setTimeout(() => {
            const all = due.get(atMs) ?? [];
            due.delete(atMs);
            for (const each of all) each();
          }, delayMs);
        },
        clearTimeout: (ticket) => void (ticket === undefined || right.clearTimeout(ticket)),
      };
    }),
  ],
  ['whose timers cannot be taken back', ['clock-taken-back'], clock(() => ({ clearTimeout() {} }))],
  [
    'whose clock takes no timer back that has fired',
    ['clock-taken-back'],
    clock((right) => {
      const fired = new Set<unknown>();
      return {
        setTimeout(fire, delayMs) {
          const ticket: unknown = right.setTimeout(() => {
            fired.add(ticket);
            fire();
          }, delayMs);
          return ticket;
        },
        clearTimeout(ticket) {
          if (fired.has(ticket)) throw new Error('expected a timer that is set');
          right.clearTimeout(ticket);
        },
      };
    }),
  ],
  [
    'whose timers of months fire at once, as those of Node do',
    ['clock-long'],
    clock((right) => ({
      setTimeout: (fire, delayMs) => right.setTimeout(fire, delayMs > 2 ** 31 - 1 ? 1 : delayMs),
    })),
  ],
  [
    'whose timers run those that they set',
    ['clock-again'],
    clock((right) => {
      let isFiring = false;
      return {
        setTimeout(fire, delayMs) {
          if (isFiring && delayMs === 0) return fire();
          return right.setTimeout(() => {
            isFiring = true;
            fire();
            isFiring = false;
          }, delayMs);
        },
      };
    }),
  ],
  [
    'whose chance is always the same',
    ['chance-differs', 'chance-numbers'],
    chance(() => ({ bytes: (count) => new Uint8Array(count).fill(4), number: () => 0.4 })),
  ],
  ['whose chance repeats', ['chance-differs'], chance(repeating)],
  [
    'whose chance gives a byte less',
    ['chance-counts', 'chance-differs'],
    chance((right) => ({ bytes: (count) => right.bytes(Math.max(0, count - 1)) })),
  ],
  [
    'whose chance gives Buffers',
    ['chance-counts'],
    chance((right) => ({ bytes: (count) => Buffer.from(right.bytes(count)) })),
  ],
  [
    'whose chance gives the same memory again',
    ['chance-owned', 'chance-differs'],
    chance((right) => {
      const memory = new Uint8Array(1_000);
      return {
        bytes(count) {
          memory.set(right.bytes(count));
          return memory.subarray(0, count);
        },
      };
    }),
  ],
  [
    'whose chance never sets a bit',
    ['chance-differs'],
    chance((right) => ({ bytes: (count) => right.bytes(count).map((byte) => byte & 0x7f) })),
  ],
  [
    'whose numbers come up to 1',
    ['chance-numbers'],
    chance((right) => ({ number: () => Math.round(right.number() * 10) / 10 })),
  ],
  ['whose numbers stay below a half', ['chance-numbers'], chance((right) => ({ number: () => right.number() / 2 }))],
  [
    'whose signatures are a plain hash',
    ['secrets-known'],
    secrets(() => ({ sign: (secret, ...parts) => createHash('sha256').update(secret).update(joined(parts)).digest() })),
  ],
  [
    'whose signatures are of the first part',
    ['secrets-parts'],
    secrets((right) => ({ sign: (secret, first = new Uint8Array(0)) => right.sign(secret, first) })),
  ],
  [
    'whose signatures are of the first sixteen bytes of a secret',
    ['secrets-known', 'secrets-differs'],
    secrets((right) => ({ sign: (secret, ...parts) => right.sign(secret.subarray(0, 16), ...parts) })),
  ],
  [
    'whose signatures lie in the same memory',
    ['secrets-parts'],
    secrets((right) => {
      const memory = new Uint8Array(32);
      return {
        sign(secret, ...parts) {
          memory.set(right.sign(secret, ...parts));
          return memory;
        },
      };
    }),
  ],
  [
    'whose signatures are longer',
    ['secrets-known', 'secrets-parts'],
    secrets((right) => ({ sign: (secret, ...parts) => Uint8Array.of(...right.sign(secret, ...parts), 0) })),
  ],
  ['to whom all bytes are equal', ['secrets-equal'], secrets(() => ({ equal: () => true }))],
  [
    'who compares the bytes that both have',
    ['secrets-equal'],
    secrets(() => ({
      equal: (left, right) => left.every((byte, index) => right[index] === undefined || right[index] === byte),
    })),
  ],
  [
    'who cannot compare bytes of another length',
    ['secrets-equal'],
    secrets((right) => ({
      equal(one, other) {
        if (one.length !== other.length) throw new RangeError('expected the same length');
        return right.equal(one, other);
      },
    })),
  ],
  ['whose checksum has a sign', ['checksum-known', 'checksum-any'], () => ({ checksum: (bytes) => crc32(bytes) | 0 })],
  [
    'whose checksum is a sum',
    ['checksum-known', 'checksum-any'],
    () => ({ checksum: (bytes) => bytes.reduce((sum, byte) => sum + byte, 0) }),
  ],
  [
    'whose checksum looks at the whole buffer',
    ['checksum-any'],
    () => ({ checksum: (bytes) => crc32(new Uint8Array(bytes.buffer)) }),
  ],
  [
    'whose checksum writes into the bytes',
    ['checksum-any'],
    () => ({
      checksum(bytes) {
        const sum = crc32(bytes);
        if (bytes.length > 60_000) bytes[0] = (bytes[0] ?? 0) ^ 1;
        return sum;
      },
    }),
  ],
  [
    'that runs tasks inside the call',
    ['host-defer-in-order', 'host-defer-nested', 'host-soon-in-order', 'host-soon-nested'],
    () => ({ defer: (task) => task(), soon: (task) => task() }),
  ],
  [
    'that runs tasks twice',
    ['host-defer-in-order', 'host-defer-nested'],
    (right) => ({ defer: (task) => [right.defer(task), right.defer(task)] }),
  ],
  ['that forgets every other task', ['host-defer-in-order', 'host-defer-nested'], (right) => everyOther(right)],
  [
    'that runs tasks backwards',
    ['host-soon-in-order'],
    (right) => {
      const tasks: (() => void)[] = [];
      return {
        soon(task) {
          tasks.push(task);
          if (tasks.length > 1) return;
          right.soon(() => {
            for (const each of tasks.splice(0).toReversed()) each();
          });
        },
      };
    },
  ],
  [
    'that runs what a task brings before it is over',
    ['host-soon-nested'],
    (right) => {
      let isRunning = false;
      const guarded = (task: () => void) => (): void => {
        isRunning = true;
        task();
        isRunning = false;
      };
      return { soon: (task) => (isRunning ? task() : right.soon(guarded(task))) };
    },
  ],
];

function repeating(right: Host['chance']): Partial<Host['chance']> {
  const drawn = Array.from({ length: 100 }, () => right.bytes(1_000));
  let count = 0;
  return { bytes: (length) => (drawn[(count += 1) % 100] as Uint8Array).slice(0, length) };
}

function everyOther(right: Host): Partial<Host> {
  let count = 0;
  return { defer: (task) => void ((count += 1) % 2 === 0 && right.defer(task)) };
}

describe('a host', () => {
  it.each(wrongs)('%s: of the contract %j is red', async (_, red, twist) => {
    expect(await redOf(twist)).toEqual(red);
  });
});

it('each case of the contract finds one of them', () => {
  const all = new Set(contracts.host(adapterOf(() => ({}))).map(({ id }) => id));
  expect(new Set(wrongs.flatMap(([, red]) => red))).toEqual(all);
});

it('a double of the cryptography is held against all but the known signatures', () => {
  const ids = (isDouble: boolean): string[] =>
    contracts.secrets({ secrets: node.secrets, isDouble }).map(({ id }) => id);
  expect(ids(false).filter((id) => !ids(true).includes(id))).toEqual(['secrets-known']);
});
