/**
 * Time and chance of user code: the globals and the functions of Node's modules that give them, replaced while runs last.
 * Each asks which simulated process calls it; for code outside of all of them everything is as before.
 */
import nodeCrypto from 'node:crypto';
import { syncBuiltinESMExports } from 'node:module';
import timers from 'node:timers';
import timersPromises from 'node:timers/promises';
import { Draws } from '../draws.ts';
import type { SimHost } from '../sim-host.ts';
import { processes } from './processes.ts';
import { sleep, ticks, virtualTimers } from './virtual-timers.ts';

/** When virtual time begins, for `Date`: 2026-01-01, midnight UTC. */
const BEGIN_MS = Date.UTC(2026, 0, 1);

const RealDate = Date;
const realRandom = Math.random;
const realNow = performance.now.bind(performance);
const realCrypto = { ...nodeCrypto };
const realWebUuid = crypto.randomUUID.bind(crypto);
const realWebValues = crypto.getRandomValues.bind(crypto);

const drawsOf = new WeakMap<SimHost, Draws>();

/** The chance of the user's code in the process that runs; apart from that of the runtime. */
function chance(): Draws | undefined {
  const host = processes.getStore();
  if (host === undefined) return undefined;
  let draws = drawsOf.get(host);
  if (draws === undefined) drawsOf.set(host, (draws = new Draws(host.seed, `user of ${host.name}`)));
  return draws;
}

function nowMs(): number | undefined {
  const host = processes.getStore();
  return host === undefined ? undefined : BEGIN_MS + Math.floor(host.loop.clock.now());
}

const VirtualDate: DateConstructor = new Proxy(RealDate, {
  construct: (target, args: unknown[], given) => {
    const now = args.length === 0 ? nowMs() : undefined;
    const newTarget = given === VirtualDate ? target : given;
    return Reflect.construct(target, now === undefined ? args : [now], newTarget) as object;
  },
  apply: () => new RealDate(nowMs() ?? RealDate.now()).toString(),
  get: (target, name): unknown => (name === 'now' ? virtualNow : (Reflect.get(target, name) as unknown)),
});

function virtualNow(): number {
  return nowMs() ?? RealDate.now();
}

function uuid(draws: Draws): string {
  const bytes = draws.bytes(16);
  bytes[6] = ((bytes[6] as number) & 0x0f) | 0x40;
  bytes[8] = ((bytes[8] as number) & 0x3f) | 0x80;
  const hex = Buffer.from(bytes).toString('hex');
  return [0, 8, 12, 16, 20].map((from, index, all) => hex.slice(from, all[index + 1])).join('-');
}

type Told<Value> = (error: Error | null, value: Value) => void;

function randomBytes(count: number, told?: Told<Buffer>): Buffer | undefined {
  const draws = chance();
  if (draws === undefined && told === undefined) return realCrypto.randomBytes(count);
  if (draws === undefined) {
    realCrypto.randomBytes(count, told as Told<Buffer>);
    return undefined;
  }
  const bytes = Buffer.from(draws.bytes(count));
  if (told === undefined) return bytes;
  virtualTimers.setImmediate(() => told(null, bytes));
  return undefined;
}

function randomInt(...args: unknown[]): number | undefined {
  const draws = chance();
  if (draws === undefined) return Reflect.apply(realCrypto.randomInt, undefined, args) as number | undefined;
  const told = typeof args.at(-1) === 'function' ? (args.pop() as Told<number>) : undefined;
  const [min, max] = args.length === 1 ? [0, Number(args[0])] : [Number(args[0]), Number(args[1])];
  const drawn = min + draws.below(max - min);
  if (told === undefined) return drawn;
  virtualTimers.setImmediate(() => told(null, drawn));
  return undefined;
}

function fillRandom<Values extends ArrayBufferView>(values: Values): Values {
  const draws = chance();
  if (draws === undefined) return realWebValues(values as never);
  new Uint8Array(values.buffer, values.byteOffset, values.byteLength).set(draws.bytes(values.byteLength));
  return values;
}

const randomUUID = (): string => {
  const draws = chance();
  return draws === undefined ? realCrypto.randomUUID() : uuid(draws);
};

/** What is replaced, where, by what. */
const replacements: readonly (readonly [owner: object, values: Readonly<Record<string, unknown>>])[] = [
  [globalThis, { ...virtualTimers, Date: VirtualDate }],
  [timers, virtualTimers],
  [timersPromises, { setTimeout: sleep, setInterval: ticks, setImmediate: (value?: unknown) => sleep(0, value) }],
  [
    timersPromises.scheduler,
    { wait: (delayMs: number, options?: { signal?: AbortSignal }) => sleep(delayMs, undefined, options) },
  ],
  [Math, { random: () => chance()?.number() ?? realRandom() }],
  [performance, { now: () => processes.getStore()?.loop.clock.now() ?? realNow() }],
  [nodeCrypto, { randomUUID, randomBytes, randomInt }],
  [crypto, { randomUUID: () => (chance() === undefined ? realWebUuid() : randomUUID()), getRandomValues: fillRandom }],
];

/** Replaces the globals; returns what puts back exactly what was there. */
export function replaceGlobals(): () => void {
  const before: (readonly [owner: object, name: string, descriptor: PropertyDescriptor | undefined])[] = [];
  for (const [owner, values] of replacements) {
    for (const [name, value] of Object.entries(values)) {
      const descriptor = Object.getOwnPropertyDescriptor(owner, name);
      before.push([owner, name, descriptor]);
      const enumerable = descriptor?.enumerable ?? true;
      Object.defineProperty(owner, name, { value, configurable: true, writable: true, enumerable });
    }
  }
  syncBuiltinESMExports();
  return () => {
    for (const [owner, name, descriptor] of before.toReversed()) {
      if (descriptor === undefined) Reflect.deleteProperty(owner, name);
      else Object.defineProperty(owner, name, descriptor);
    }
    syncBuiltinESMExports();
  };
}
