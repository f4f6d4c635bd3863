/**
 * Real ends on loopback: a server at a free port, its clients, and what both of them tell. Everything that was opened is
 * closed at the end of a test; whoever waits does so for an event, never for a time.
 */
import {
  type Behavior,
  type Client,
  type ClientOptions,
  type ClientWhere,
  type Connection,
  type Contract,
  type Server,
  type ServerEvents,
  type ServerOptions,
  type Session,
  createClient,
  createServer,
} from 'homing';

/** Methods of any name, with any arguments. */
export type LooseMethods = Record<string, (...args: unknown[]) => unknown>;

/** A contract whose names may be anything, for tests that are about behavior and not about types. */
export interface Loose extends Contract {
  server: { events: Record<string, unknown[]>; methods: LooseMethods };
  client: { events: Record<string, unknown[]>; methods: LooseMethods };
  credentials: unknown;
  identity: { id: string };
}

/** A session of the loose contract as `start` gets it. */
export type LooseSession = Session<Loose>;

/** A client of the loose contract. */
export type LooseClient = Client<Loose>;

const connectionEvents = ['change', 'up', 'down', 'reconnect', 'gap', 'refused', 'closed', 'error'] as const;
const serverEvents = ['session', 'up', 'down', 'gap', 'end', 'error'] as const;

type ConnectionEvent = (typeof connectionEvents)[number];

/** One thing that was told: the name of the event, then its arguments. */
export type Told = readonly [name: string, ...args: unknown[]];

/** Writes down every event of a connection, from now on. */
export function diaryOf(connection: Connection): Told[] {
  const told: Told[] = [];
  for (const name of connectionEvents) onAny(connection, name, (...args) => void told.push([name, ...args]));
  return told;
}

/** Writes down every event of a server, from now on. */
export function serverDiaryOf(server: Server<Loose>): Told[] {
  const told: Told[] = [];
  for (const name of serverEvents) server.on(name, (...args: unknown[]) => void told.push([name, ...args]));
  return told;
}

/** The names of what was told, in order; `change` with its states. */
export function namesOf(told: readonly Told[]): string[] {
  return told.map(([name, first, second]) => (name === 'change' ? `${String(second)}→${String(first)}` : name));
}

/** The arguments of the next event of this name. */
export function nextOf(connection: Connection, name: ConnectionEvent): Promise<unknown[]> {
  return new Promise((resolve) => {
    const remove = onAny(connection, name, (...args) => {
      remove();
      resolve(args);
    });
  });
}

/** The first argument of the next event of this name. */
export async function nextInfo<Info = Record<string, unknown>>(
  connection: Connection,
  name: ConnectionEvent,
): Promise<Info> {
  const [info] = await nextOf(connection, name);
  return info as Info;
}

/** The arguments of the next event of this name at a server. */
export function nextAt<Name extends keyof ServerEvents>(
  server: Server<Loose>,
  name: Name,
): Promise<ServerEvents[Name]> {
  return new Promise((resolve) => {
    const remove = server.on(name, (...args) => {
      remove();
      resolve(args);
    });
  });
}

/** The next tick of the event loop, after what is ready now. */
export function nextTick(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}

/** Turns of the event loop until something holds; for what no event tells. Gives up with a sentence. */
export async function until(holds: () => boolean, what: string): Promise<void> {
  const endsAt = performance.now() + 10_000;
  while (!holds()) {
    if (performance.now() > endsAt) throw new Error(`expected ${what} within ten seconds`);
    await nextTick();
  }
}

/** The error a promise rejects with. */
export async function failureOf(promise: Promise<unknown>): Promise<Error & { code: string; outcome?: string }> {
  try {
    await promise;
  } catch (error) {
    return error as Error & { code: string; outcome?: string };
  }
  throw new Error('expected a rejection, got a value');
}

/** The error a function throws. */
export function thrownBy(work: () => unknown): Error & { code: string } {
  try {
    work();
  } catch (error) {
    return error as Error & { code: string };
  }
  throw new Error('expected a throw');
}

/** Counts that a test waits for: `reached(3)` resolves at the third `count()`. */
export class Tally {
  #count = 0;
  readonly #waiting: { readonly at: number; readonly resolve: () => void }[] = [];

  get value(): number {
    return this.#count;
  }

  count(): void {
    this.#count += 1;
    for (const waiter of this.#waiting) if (waiter.at <= this.#count) waiter.resolve();
  }

  reached(at: number): Promise<void> {
    if (this.#count >= at) return Promise.resolve();
    return new Promise((resolve) => {
      this.#waiting.push({ at, resolve });
    });
  }
}

/** Something a test lets go when it wants to. */
export class Gate {
  readonly #opened = Promise.withResolvers<void>();
  open(): void {
    this.#opened.resolve();
  }
  get passed(): Promise<void> {
    return this.#opened.promise;
  }
}

/** A server at a free port and the clients of one test. */
export class Loopback implements AsyncDisposable {
  readonly server: Server<Loose>;
  readonly sessions: LooseSession[] = [];
  port = 0;
  readonly #closing: (() => Promise<void>)[] = [];

  constructor(behavior: Partial<Behavior<Loose>> | ((session: LooseSession) => unknown), options: ServerOptions) {
    const full = typeof behavior === 'function' ? { start: behavior } : behavior;
    this.server = createServer<Loose>(
      {
        ...full,
        start: (session) => {
          this.sessions.push(session);
          return full.start?.(session);
        },
      },
      options,
    );
  }

  /** A client of this server, or of another address that leads to it; quick to come back unless told otherwise. */
  client(options: ClientOptions<Loose> = {}, where: ClientWhere = this.port): LooseClient {
    const client = createClient<Loose>(where, { backoff: { firstMs: 1, baseMs: 5, maxMs: 20 }, ...options });
    this.#closing.push(() => client.close({ drainMs: 0 }));
    return client;
  }

  /** A client that is up, and its session at the server. */
  async pair(options: ClientOptions<Loose> = {}, where: ClientWhere = this.port) {
    const isUp = nextAt(this.server, 'up');
    const client = this.client(options, where);
    await isUp;
    await client.up();
    const session = this.sessions.at(-1);
    if (session === undefined) throw new Error('expected a session to have started');
    return { client, session };
  }

  /** Closes something of the test with the rest. */
  owns(close: () => Promise<void>): void {
    this.#closing.push(close);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const close of this.#closing.toReversed()) await close();
    await this.server.close({ drainMs: 0 });
  }
}

/** Opens a server at a free port. */
export async function loopback(
  behavior: Partial<Behavior<Loose>> | ((session: LooseSession) => unknown) = {},
  options: ServerOptions = {},
): Promise<Loopback> {
  const world = new Loopback(behavior, options);
  const { port } = await world.server.listen(0);
  world.port = port;
  return world;
}

/** Collects process warnings while a test runs. */
export class Warnings implements Disposable {
  readonly list: Error[] = [];
  readonly #listen = (warning: Error): void => void this.list.push(warning);

  constructor() {
    process.on('warning', this.#listen);
  }

  [Symbol.dispose](): void {
    process.off('warning', this.#listen);
  }
}

function onAny(connection: Connection, name: ConnectionEvent, listener: (...args: unknown[]) => void): () => void {
  return (connection.on as (name: string, listener: (...args: unknown[]) => void) => () => void)(name, listener);
}
