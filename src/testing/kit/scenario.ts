/** What a user of the kit writes: a real behavior, what its users do, what may befall them, and what must hold. Types mostly. */
import type fc from 'fast-check';
import type { Client, ClientOptions } from '../../client/client.ts';
import type { Contract } from '../../contract.ts';
import { HomingError } from '../../errors.ts';
import type { Behavior } from '../../server/behavior.ts';
import type { Server, ServerOptions } from '../../server/server.ts';
import type { Session } from '../../server/session.ts';
import type { AnyContract, SimClient } from '../client-node.ts';
import type { Fault } from '../plan.ts';
import type { AnyBehavior } from '../world.ts';
import { HandDriven } from './hand-driven.ts';
import type { Sim, StartOptions } from './sim.ts';

/** The server of a run, as its own program would have it. */
export type SimulatedServer<C extends Contract> = Pick<Server<C>, 'counts' | 'on' | 'to' | 'toAll'>;

/** A server's options in a run; `shards` is in the scenario, and addresses there are none. */
export type SimulatedServerOptions = Omit<ServerOptions, 'shards' | 'tls' | 'insecure' | 'signal' | 'offloadThreads'>;

/** A client's options in a run. */
export type SimulatedClientOptions<C extends Contract> = Omit<
  ClientOptions<C, unknown>,
  'tls' | 'insecure' | 'signal' | 'autoConnect'
>;

/** Virtual time and chance. */
export interface Around<C extends Contract, Notes> {
  /** What the test itself keeps of this run; no crash takes it. */
  readonly notes: Notes;
  readonly server: SimulatedServer<C>;
  /** Virtual milliseconds since the run began. */
  now(): number;
}

/** What a step, or the set-up of a client, works with. */
export interface StepContext<C extends Contract, Notes> extends Around<C, Notes> {
  readonly client: Client<C, unknown>;
  /** Which client: 0, 1, … */
  readonly number: number;
  /** Resolves after so many virtual milliseconds; never if the client's process dies before. */
  sleep(ms: number): Promise<void>;
  /** A number in [0, 1), the same in each run of the same plan. */
  random(): number;
}

/** What an invariant looks at. */
export interface View<C extends Contract, Notes> extends Around<C, Notes> {
  /** The client of each number, in its newest life. */
  readonly clients: readonly Client<C, unknown>[];
}

/** Something that a user of a client does. */
export interface Step<C extends Contract, Value, Notes> {
  /** What it is done with; undefined without it. */
  readonly with?: fc.Arbitrary<Value>;
  /**
   * Does it. A promise that it returns must settle before the run is at rest, and may reject because a session or process
   * ended; any other rejection, and what it throws, fails the run.
   */
  run(value: Value, context: StepContext<C, Notes>): unknown;
}

/** A test of a behavior under faults. */
export interface Scenario<C extends Contract, Values extends Record<string, unknown>, Notes> {
  /**
   * The behavior, or a function that makes it (or its `start`) anew for each life of the server. A behavior given as it is
   * keeps what it knows from run to run.
   */
  readonly behavior: Behavior<C> | ((notes: Notes) => Behavior<C> | ((session: Session<C>) => unknown));
  /** Makes what the test itself keeps of a run. */
  readonly notes?: () => Notes;
  /** How many; 2 unless said otherwise. */
  readonly clients?: number;
  /** How many shards the server has; 0 unless said otherwise. */
  readonly shards?: number;
  readonly server?: SimulatedServerOptions;
  readonly clientOptions?: SimulatedClientOptions<C> | ((number: number) => SimulatedClientOptions<C>);
  /** Runs for each life of each client before it hears anything: attaches handlers, exposes methods. */
  client?(client: Client<C, unknown>, context: StepContext<C, Notes>): void;
  /** What users do, by name. */
  readonly steps: { readonly [Name in keyof Values]: Step<C, Values[Name], Notes> };
  /** How many steps a run has at most; 16 unless said otherwise. */
  readonly stepsMax?: number;
  /** What befalls lines and processes; `faults.reconnect()` unless said otherwise. */
  readonly faults?: fc.Arbitrary<readonly Fault[]>;
  /** How long the user's handlers and timers may take in all after the last fault, in virtual milliseconds; 60,000. */
  readonly workMs?: number;
  /** Looked at after each event of the world, so keep it cheap; throws when it does not hold. */
  invariant?(view: View<C, Notes>): void;
  /** Looked at once all is at rest; throws or rejects when it does not hold. May call, send and wait. */
  finally?(view: View<C, Notes>): unknown;
  /** Whether an error that a handler, a method or a step of the user came to is part of the plan. */
  allowErrors?(error: unknown): boolean;
  /** False: timers, `Date`, chance and the like are left as they are. */
  readonly globals?: boolean;
}

/** A scenario whose types are behind it. */
export interface AnyScenario extends Omit<
  Scenario<AnyContract, Record<string, unknown>, unknown>,
  'behavior' | 'client' | 'clientOptions'
> {
  readonly behavior: Exclude<AnyBehavior, (...args: never[]) => unknown> | ((notes: unknown) => AnyBehavior);
  readonly clientOptions?: ClientOptions<AnyContract> | ((number: number) => ClientOptions<AnyContract>);
  client?(client: SimClient, context: StepContext<AnyContract, unknown>): void;
}

/** A scenario that `check`, `torture`, `replay` and `onReal` take. */
export interface Simulation<Values extends Record<string, unknown> = Record<string, unknown>> {
  readonly scenario: AnyScenario;
  /** Types of the steps' values; nothing at run time. */
  readonly values?: Values;
}

/** A simulation as `simulate` makes it, which can be driven by hand too. */
export interface DrivenSimulation<
  C extends Contract,
  Values extends Record<string, unknown>,
  Notes,
> extends Simulation<Values> {
  /** Starts it; nothing befalls it and nobody does anything but by hand. Throws `BadOption` while another one is played in this thread. */
  start(options?: StartOptions): Sim<C, Values, Notes>;
}

/** Makes a simulation of a scenario. Throws `BadOption` for one that cannot be played. */
export function simulate<C extends Contract, Values extends Record<string, unknown>, Notes = undefined>(
  scenario: Scenario<C, Values, Notes>,
): DrivenSimulation<C, Values, Notes> {
  const { behavior, clients = 2, shards = 0, steps } = scenario;
  if (typeof behavior !== 'function' && typeof behavior?.start !== 'function')
    throw new HomingError('BadOption', 'expected a behavior with a start function, or a function that makes one');
  requireCount('clients', clients, 1);
  requireCount('shards', shards, 0);
  if (Object.keys(steps).length === 0) throw new HomingError('BadOption', 'expected at least one step, got none');
  const any = scenario as unknown as AnyScenario;
  return { scenario: any, start: (options = {}) => new HandDriven(any, options) as unknown as Sim<C, Values, Notes> };
}

/** Checks a number of clients or shards. Throws `BadOption`. */
export function requireCount(name: string, count: number, least: number): void {
  if (Number.isInteger(count) && count >= least && count <= 64) return;
  throw new HomingError('BadOption', `expected ${name} to be a whole number from ${least} to 64, got ${count}`);
}
