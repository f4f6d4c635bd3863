/** A small world for one story: a server, a client, and a record of what each heard and was told. */
import type { ClientOptions } from '../../src/client/client.ts';
import { HomingError } from '../../src/errors.ts';
import type { Behavior } from '../../src/server/behavior.ts';
import type { ServerOptions } from '../../src/server/server.ts';
import type { Session } from '../../src/server/session.ts';
import type { AnyContract, ClientNode, SimClient } from '../../src/testing/client-node.ts';
import type { Weather } from '../../src/testing/flow.ts';
import type { ServerNode } from '../../src/testing/server-node.ts';
import type { SimHost } from '../../src/testing/sim-host.ts';
import { World } from '../../src/testing/world.ts';

/** What a stage is set with. */
export interface StageOptions {
  readonly seed?: number;
  readonly server?: ServerOptions;
  readonly client?: ClientOptions<AnyContract>;
  readonly weather?: Partial<Weather>;
  readonly authenticate?: (host: SimHost) => Behavior<AnyContract>['authenticate'];
  /** Runs in `start` of each session, and for each life of the client, before anything is heard. */
  readonly atServer?: (session: Session<AnyContract>, host: SimHost) => void;
  readonly atClient?: (client: SimClient, host: SimHost) => void;
}

/** A client, a server, and what happened. */
export class Stage {
  readonly world: World;
  readonly server: ServerNode;
  readonly node: ClientNode;
  /** Arguments of the events `say` that each end heard, in order. */
  readonly heardByServer: unknown[] = [];
  readonly heardByClient: unknown[] = [];
  /** Sessions that the behavior saw, in order. */
  readonly sessions: Session<AnyContract>[] = [];
  /** What the client's connection said, in words. */
  readonly told: string[] = [];
  /** What the server said of its sessions, in words. */
  readonly toldByServer: string[] = [];

  constructor(options: StageOptions = {}) {
    this.world = new World(options.seed ?? 1);
    // Stories are told with promises at every turn.
    this.world.loop.held();
    this.server = this.world.addServer(
      'server',
      (host) => {
        const start = (session: Session<AnyContract>): void => this.#start(session, host, options);
        const authenticate = options.authenticate?.(host);
        return authenticate === undefined ? { start } : { start, authenticate };
      },
      options.server,
      (server) => {
        server.on('end', (_info, { code, unconfirmed, carried }) =>
          this.toldByServer.push(`end ${code} ${unconfirmed} ${carried}`),
        );
        server.on('gap', (_info, { unconfirmed, carried }) => this.toldByServer.push(`gap ${unconfirmed} ${carried}`));
        server.on('error', (error) => this.toldByServer.push(`error ${error.code}`));
      },
    );
    this.node = this.world.addClient('client', this.server, options.client, {
      weather: options.weather ?? {},
      prepare: (client, host) => this.#prepare(client, host, options),
    });
  }

  /** The client's handle. */
  get client(): SimClient {
    return this.node.client;
  }

  /** The session that the behavior saw last. */
  get session(): Session<AnyContract> {
    const session = this.sessions.at(-1);
    if (session === undefined) throw new Error('expected a session, the server has seen none');
    return session;
  }

  /** Lets time pass until the client is up and its server knows. */
  async up(): Promise<void> {
    const isUp = (): boolean => this.client.connection.state === 'up' && this.node.hosted?.isSeen === true;
    if (!(await this.world.until(isUp, 60_000)))
      throw new Error(`expected to come up, got ${this.client.connection.state}`);
  }

  /** Lets time pass until the client's connection is in this state. */
  async state(wanted: SimClient['connection']['state']): Promise<void> {
    const isThere = await this.world.until(() => this.client.connection.state === wanted, 60_000);
    if (!isThere) throw new Error(`expected the state ${wanted}, got ${this.client.connection.state}`);
  }

  /** What becomes of a promise, in words: `open`, `resolved`, or the code of its error. */
  fate(promise: Promise<unknown>): { word: string } {
    const fate = { word: 'open' };
    promise.then(
      () => (fate.word = 'resolved'),
      (error: unknown) => (fate.word = wordOf(error)),
    );
    return fate;
  }

  #start(session: Session<AnyContract>, host: SimHost, options: StageOptions): void {
    this.sessions.push(session);
    session.on('say', (word) => void this.heardByServer.push(word));
    options.atServer?.(session, host);
  }

  #prepare(client: SimClient, host: SimHost, options: StageOptions): void {
    const { connection } = client;
    client.on('say', (word) => void this.heardByClient.push(word));
    connection.on('up', ({ resumed }) => this.told.push(resumed ? 'resumed' : 'up'));
    connection.on('down', ({ code }) => this.told.push(`down ${code}`));
    connection.on('gap', ({ reason, unconfirmed, carried }) =>
      this.told.push(`gap ${reason} ${unconfirmed} ${carried}`),
    );
    connection.on('refused', ({ code }) => this.told.push(`refused ${code}`));
    connection.on('closed', ({ code, unconfirmed, carried }) =>
      this.told.push(`closed ${code} ${unconfirmed} ${carried}`),
    );
    connection.on('error', ({ code }) => this.told.push(`error ${code}`));
    options.atClient?.(client, host);
  }
}

function wordOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const code = 'code' in error ? String(error.code) : error.name;
  return error instanceof HomingError && error.outcome !== undefined ? `${code} ${error.outcome}` : code;
}
