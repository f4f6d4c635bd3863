/** The handle of a simulation that a test drives by hand, with what it is started with. Types only. */
import type { Client } from '../../client/client.ts';
import type { Contract } from '../../contract.ts';
import type { Weather } from '../flow.ts';
import type { SimulatedServer } from './scenario.ts';
import type { LinkVerbs } from './verbs.ts';

/** What a simulation is started with. */
export interface StartOptions {
  /** Everything that is left to chance comes from it; 1 unless said otherwise. */
  readonly seed?: number;
  /** How the lines are on the whole: a latency of 1 ms and no other trouble unless said otherwise. */
  readonly weather?: Partial<Weather>;
}

/** Who can crash and freeze: the server, or the client with this number. */
export type Who = 'server' | number;

/** A simulation driven by hand. */
export interface Sim<C extends Contract, Values extends Record<string, unknown>, Notes> extends AsyncDisposable {
  /** The server's handle, in its newest life. */
  readonly server: SimulatedServer<C>;
  /** What `notes()` of the scenario made. */
  readonly notes: Notes;
  /** Virtual milliseconds since it began. */
  readonly nowMs: number;
  /** The handle of a client, in its newest life. Throws `BadOption` while its process is down. */
  client(number?: number): Client<C, unknown>;
  /** The path of a client to the server, with a verb for each fault. */
  link(number?: number): LinkVerbs;
  /** A client does a step of the scenario, now; what it comes to is judged as in `check`. */
  step<Name extends keyof Values & string>(name: Name, value?: Values[Name], client?: number): void;
  /** A process dies and loses its memory; it starts again after `forMs`, or by `restart` or `heal`. Silent: nor does its machine say so. */
  crash(who: Who, choice?: { readonly forMs?: number; readonly isSilent?: boolean }): void;
  /** Starts a process that crashed. */
  restart(who: Who): void;
  /** A process stands still for this time. */
  freeze(who: Who, forMs: number): void;
  /** Lets so much virtual time pass. Rejects, as all that follows do, with `SimulationFailed` once something is wrong. */
  run(ms: number): Promise<void>;
  /** Lets time pass until this is so, after each event anew; rejects when it is not within so many virtual ms (60,000). */
  until(isThere: () => boolean, withinMs?: number): Promise<void>;
  /** No fault waits or lasts any more, and who was down starts again. */
  heal(): this;
  /** Lets time pass until all is at rest: connected, nothing under way; then looks whether both ends agree. */
  settled(): Promise<void>;
  /** Throws `SimulationFailed` if any message came twice, out of order or not at all, or anything else was wrong so far. */
  expectExactlyOnce(): void;
  /** What has crossed between the ends so far, with virtual times. */
  picture(): string;
  /** Heals, waits for rest, says goodbye, and looks whether anything is left. */
  [Symbol.asyncDispose](): Promise<void>;
}
