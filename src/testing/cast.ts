/**
 * The cast of a rehearsal: one server, its clients, and a user at each end of each session, with a common ledger. What
 * the handles tell their users is entered here: welcomes, gaps, ends, errors.
 */
import type { EndOptions } from '../actors/options.ts';
import { type EndCode, HomingError, endTable, isViolation } from '../errors.ts';
import type { Session } from '../server/session.ts';
import { Gallery } from './kit/gallery.ts';
import type { AnyContract, ClientNode, SimClient } from './client-node.ts';
import { type Loss, PromiseBroken } from './course.ts';
import { ClientAccount, Ledger } from './ledger.ts';
import type { Plan, PlanOptions } from './plan.ts';
import type { ServerNode, SimServer } from './server-node.ts';
import type { SimHost } from './sim-host.ts';
import type { SimShard } from './sim-shard.ts';
import { SimShards } from './sim-shards.ts';
import { Speaker } from './speaker.ts';
import { type AnyBehavior, World } from './world.ts';

/** Timers of a rehearsal: short, so that little is waited for. */
export const rehearsalTimers = {
  heartbeat: { intervalMs: 400, timeoutMs: 1_200 },
  handshakeMs: 1_000,
  backoff: { firstMs: 10, baseMs: 50, maxMs: 800, stableMs: 1_000 },
} as const;

/** Nobody is away for so long in a rehearsal. */
const LINGER_LONG_MS = 120_000;

/**
 * Plans whose seed is a multiple of this are judged by the oracles of the kit as well; for all of them that would halve the
 * number of disconnects a second.
 */
const WATCHED_EVERY = 10;

/** What a message has beside its text, at most. */
const AROUND_BYTES = 64;

/** One client, its user, and the user of its newest session at the server. */
export class Pair {
  readonly node: ClientNode;
  account: ClientAccount;
  client: Speaker | undefined;
  server: Speaker | undefined;
  gapCount = 0;
  /** The shard in which its newest session began. */
  shard: SimShard | undefined;

  constructor(name: string, makeNode: (pair: Pair) => ClientNode) {
    this.account = new ClientAccount(name);
    this.node = makeNode(this);
  }
}

/** Everybody who takes part. */
export class Cast {
  readonly world: World;
  readonly ledger = new Ledger();
  readonly server: ServerNode;
  readonly pairs: readonly Pair[];
  /** No message is longer. */
  readonly longestBytes: number;
  readonly #options: PlanOptions;
  readonly #pairById = new Map<string, Pair>();
  readonly #isAltered: boolean;
  /** Watches one plan in ten, beside the ledger. */
  readonly gallery: Gallery | undefined;

  constructor(plan: Plan, isLinted = false) {
    this.#options = plan.options;
    const sizes = plan.acts.map((act) => (act.type === 'say' ? act.saying.bytes : 0));
    this.longestBytes = Math.max(0, ...sizes) + AROUND_BYTES;
    this.#isAltered = plan.faults.some(({ type }) => type === 'flip' || type === 'acks');
    this.world = new World(plan.seed);
    if (isLinted) this.world.lint((sentence) => this.world.loop.fail(new PromiseBroken(`I8: ${sentence}`)));
    const { checksum, lingerMs, mailboxMessages, mailboxBytes, outboxMessages, outboxBytes } = plan.options;
    const limits = { mailboxMessages, mailboxBytes, outboxMessages, outboxBytes };
    const { heartbeat, handshakeMs, backoff } = rehearsalTimers;
    const options: EndOptions = { heartbeat, handshakeMs, checksum, lingerMs, limits };
    const { shards } = plan.options;
    const clients = Array.from({ length: plan.clients }, () => options);
    const { world } = this;
    if (plan.seed % WATCHED_EVERY === 0)
      this.gallery = new Gallery({
        world,
        faults: plan.faults,
        allows: () => this.#isAltered,
        server: options,
        clients,
      });
    this.server = this.world.addServer(
      'server',
      (host) => this.#behavior(host),
      { ...options, shards },
      (server, host) => this.#hear(server, host),
    );
    this.pairs = Array.from({ length: plan.clients }, (_each, index) => {
      const name = `c${index}`;
      const all = { ...options, backoff, credentials: name };
      return new Pair(name, (pair) => {
        const prepare = (client: SimClient, host: SimHost): void => this.#prepare(pair, client, host);
        return this.world.addClient(name, this.server, all, { weather: plan.weather, prepare });
      });
    });
  }

  get #isTight(): boolean {
    return this.#options.outboxMessages < 1_000 || this.#options.outboxBytes < 1_000_000;
  }

  // ---- clients

  #prepare(pair: Pair, client: SimClient, host: SimHost): void {
    const account = new ClientAccount(host.name);
    this.gallery?.client(client, host, false);
    pair.account = account;
    pair.server = undefined;
    pair.client = new Speaker({
      handle: client,
      host,
      ledger: this.ledger,
      course: () => account.toServer,
      isTight: this.#isTight,
      start: (number) => account.start(client.turn.epoch, number),
      settle: (item, hasThrown) => account.settle(item, hasThrown),
    });
    const { loop } = this.world;
    client.connection.on('up', ({ resumed }) => {
      if (!resumed) loop.guard(() => this.#welcome(pair, client));
    });
    client.connection.on('gap', (report) => {
      const { resends: resend, discards: discard } = this.#options;
      if (resend) report.resend();
      if (discard) report.discard();
      pair.gapCount += 1;
      loop.guard(() => this.#expectShardLost(pair));
      const { inLineCount } = client.dialler.actor.session.outlet;
      loop.guard(() => account.gap(report.epoch, report, { resend, discard }, inLineCount));
    });
    client.connection.on('closed', (report) => {
      loop.guard(() => account.end(report));
      if (report.code !== 'closed')
        loop.fail(new PromiseBroken(`${host.name} was ended: ${report.code} ${report.reason}`));
    });
    client.connection.on('reconnect', ({ cause }) => {
      if (cause instanceof HomingError) this.#expectNoViolation(host.name, cause.code);
    });
    client.connection.on('error', (error) => this.#expectHandlerFailed(error));
  }

  #welcome(pair: Pair, client: SimClient): void {
    this.ledger.sessions.set(client.id, pair.account.welcome(client.epoch));
    this.#pairById.set(client.id, pair);
    pair.shard = this.server.shards?.find(client.id)?.thread;
  }

  // ---- the server

  #behavior(host: SimHost): AnyBehavior {
    const start = (session: Session<AnyContract>): void => this.world.loop.guard(() => this.#start(session, host));
    const { authMs } = this.#options;
    if (authMs === undefined) return { start };
    const authenticate = (credentials: unknown): { id: string } | Promise<{ id: string }> => {
      const known = { id: String(credentials) };
      const forMs = Math.floor(host.chance.number() * authMs);
      if (forMs === 0) return known;
      const thinking = host.sleep(forMs).then(() => known);
      host.hold(thinking);
      return thinking;
    };
    return { start, authenticate };
  }

  #start(session: Session<AnyContract>, host: SimHost): void {
    const courses = this.ledger.visible(session.id);
    this.gallery?.session(session, host, false);
    const speaker = new Speaker({
      handle: session,
      host,
      ledger: this.ledger,
      course: () => courses.toClient,
      isTight: this.#isTight,
      start: (number) => courses.toServer.start(number),
      settle: (item, hasThrown) => courses.toServer.settle(item, hasThrown),
    });
    const pair = this.#pairById.get(session.id);
    if (pair?.account.epochs.get(courses.epoch) === courses) pair.server = speaker;
  }

  #hear(server: SimServer, host: SimHost): void {
    const ended = (id: string, report: Loss & { readonly code: string }): void => {
      this.gallery?.news(host, { type: 'closed', session: id, ...report });
      const courses = this.ledger.sessions.get(id);
      if (courses !== undefined) this.world.loop.guard(() => courses.toClient.close(report));
    };
    // What a shard says of an end is true when it says it, and the user of the server hears of it later.
    if (!(server instanceof SimShards)) server.on('end', ({ id }, report) => ended(id, report));
    else server.onNews = (news) => (news.type === 'end' ? ended(news.info.id, news) : undefined);
    server.on('down', (_info, { code }) => this.#expectNoViolation('server', code));
    server.on('error', (error) => this.#expectHandlerFailed(error));
  }

  /** A session that does not expire is lost with its shard, never with another one. */
  #expectShardLost({ shard, account }: Pair): void {
    if (shard?.host.isAlive === true && this.#options.lingerMs >= LINGER_LONG_MS)
      throw new PromiseBroken(`${account.name} lost its session, and ${shard.host.name} is alive`);
  }

  /** Two honest ends never find fault with each other's frames, unless somebody altered them on the way. */
  #expectNoViolation(name: string, code: string): void {
    if (this.#isAltered || !Object.hasOwn(endTable, code) || !isViolation(code as EndCode)) return;
    this.world.loop.fail(new PromiseBroken(`${name} lost a connection to ${code}`));
  }

  #expectHandlerFailed(error: Error): void {
    if (error instanceof HomingError && error.code === 'ShardCrashed') return;
    if (!(error instanceof HomingError) || error.code !== 'HandlerFailed') this.world.loop.fail(error);
  }
}
