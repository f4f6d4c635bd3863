/**
 * The cast of a rehearsal of the shared store: one server, its clients, and a user at each end who writes the same few
 * keys. What both hear and see is entered in the account of the epoch it belongs to.
 */
import type { SharedStore } from '../actors/shared-store.ts';
import { type EndCode, HomingError, endTable, isViolation } from '../errors.ts';
import type { Session } from '../server/session.ts';
import { rehearsalTimers } from './cast.ts';
import type { AnyContract, ClientNode, SimClient } from './client-node.ts';
import { PromiseBroken } from './course.ts';
import { isLinted } from './linter.ts';
import type { ServerNode } from './server-node.ts';
import type { SimHost } from './sim-host.ts';
import type { Toward } from './sim-line.ts';
import { type Rules, StoreAccount } from './store-account.ts';
import { expectEnd, isAllowed, tryTo } from './store-manners.ts';
import { type StoreAct, type StorePlan, storeKeys } from './store-plan.ts';
import { type AnyBehavior, World } from './world.ts';

type SimSession = Session<AnyContract>;

const LARGE = 'x'.repeat(3_000);

/** One client, its user, and the user of its newest session at the server. */
export class StorePair {
  readonly node: ClientNode;
  account: StoreAccount;
  session: { readonly handle: SimSession; readonly account: StoreAccount; readonly host: SimHost } | undefined;
  gapCount = 0;
  /** Promises made to the client's user that have not settled, in its newest life. */
  openCount = 0;

  constructor(account: StoreAccount, makeNode: (pair: StorePair) => ClientNode) {
    this.account = account;
    this.node = makeNode(this);
  }
}

/** Everybody who takes part. */
export class StoreCast {
  readonly world: World;
  readonly server: ServerNode;
  readonly pairs: readonly StorePair[];
  writeCount = 0;
  refusedCount = 0;
  readonly #plan: StorePlan;
  readonly #rules: Rules;
  readonly #sessions = new Map<string, { readonly pair: StorePair; readonly account: StoreAccount }>();
  readonly #isAltered: boolean;
  #number = 0;

  constructor(plan: StorePlan) {
    this.#plan = plan;
    this.#isAltered = plan.faults.some(({ type }) => type === 'flip' || type === 'acks');
    const hasHook = plan.manners.thinksMs !== undefined;
    this.#rules = { isJudged: (key) => hasHook && key !== 'role', isAllowed };
    this.world = new World(plan.seed);
    if (isLinted(plan.seed)) this.world.lint((sentence) => this.world.loop.fail(new PromiseBroken(`I8: ${sentence}`)));
    const { checksum, lingerMs, mailboxMessages, mailboxBytes, outboxMessages, outboxBytes, shards } = plan.options;
    const limits = { mailboxMessages, mailboxBytes, outboxMessages, outboxBytes };
    const { heartbeat, handshakeMs, backoff } = rehearsalTimers;
    const options = { heartbeat, handshakeMs, checksum, lingerMs, limits };
    this.server = this.world.addServer(
      'server',
      (host) => this.#behavior(host),
      { ...options, shards },
      (server) => {
        server.on('down', (_info, { code }) => this.#expectNoViolation('server', code));
        server.on('error', (error) => {
          if (!(error instanceof HomingError) || error.code !== 'ShardCrashed') this.world.loop.fail(error);
        });
      },
    );
    this.pairs = Array.from({ length: plan.clients }, (_each, index) => {
      const name = `c${index}`;
      return new StorePair(new StoreAccount(name, this.#rules), (pair) =>
        this.world.addClient(
          name,
          this.server,
          { ...options, backoff, credentials: name },
          { weather: plan.weather, prepare: (client, host) => this.#prepare(pair, client, host) },
        ),
      );
    });
  }

  /** Looks at both ends of a client's session. */
  look(pair: StorePair): void {
    if (pair.node.isUp) pair.account.look(storeOf(pair.node.client));
    if (pair.session !== undefined && pair.session.host.isAlive)
      pair.session.account.lookAtServer(pair.session.handle.store);
  }

  /** Somebody does something. */
  perform(act: StoreAct): void {
    const pair = this.pairs[act.client];
    if (pair === undefined) return;
    if (act.type === 'write')
      for (let count = 0; count < act.count; count += 1) this.#write(pair, act.by, storeKeys[act.key] ?? 'a', act.kind);
    else if (act.type === 'ask') this.#ask(pair, act.by, act.worksMs);
    else this.#flush(pair, act.by);
  }

  // ---- the client

  #prepare(pair: StorePair, client: SimClient, host: SimHost): void {
    pair.account = new StoreAccount(host.name, this.#rules);
    pair.openCount = 0;
    const { loop } = this.world;
    const { connection } = client;
    connection.on('up', ({ resumed }) => {
      if (!resumed) this.#sessions.set(client.id, { pair, account: pair.account });
    });
    connection.on('gap', ({ store, epoch }) => {
      pair.gapCount += 1;
      loop.guard(() => pair.account.lost(store));
      pair.account = new StoreAccount(`${host.name} epoch ${epoch}`, this.#rules);
      loop.guard(() => pair.account.look(storeOf(client)));
    });
    connection.on('closed', ({ code, reason }) => {
      if (code !== 'closed') loop.fail(new PromiseBroken(`${host.name} was ended: ${code} ${reason}`));
    });
    connection.on('reconnect', ({ cause }) => {
      if (cause instanceof HomingError) this.#expectNoViolation(host.name, cause.code);
    });
    connection.on('error', (error) => {
      if (error.code !== 'WriteRefused') return loop.fail(error);
      this.refusedCount += 1;
    });
    client.on('ask', (name, length) =>
      loop.guard(() => {
        const { account } = pair;
        if (account.name === name) account.heardAtClient(storeOf(client), Number(length));
      }),
    );
  }

  // ---- the server

  #behavior(host: SimHost): AnyBehavior {
    const { thinksMs } = this.#plan.manners;
    const start = (session: SimSession): void => this.world.loop.guard(() => this.#start(session, host));
    const hook = { authorize: (session: SimSession, action: unknown) => this.#judge(session, host, action as Asked) };
    const { authMs } = this.#plan.options;
    const authenticate = (credentials: unknown): Promise<{ id: string }> => {
      const thinking = host.sleep(host.chance.number() * (authMs ?? 0)).then(() => ({ id: String(credentials) }));
      host.hold(thinking);
      return thinking;
    };
    return {
      start,
      serverKeys: ['role'],
      ...(thinksMs === undefined ? {} : hook),
      ...(authMs === undefined ? {} : { authenticate }),
    };
  }

  #start(session: SimSession, host: SimHost): void {
    const known = this.#sessions.get(session.id);
    if (known === undefined) throw new PromiseBroken(`a ghost is visible: session ${session.id}`);
    const { pair, account } = known;
    if (pair.account === account) pair.session = { handle: session, account, host };
    const { echoes, begins } = this.#plan.manners;
    session.store.on('change', (key, value, by) => account.changed(key, value, by));
    if (echoes) {
      session.store.on('change', (key, _value, by) => {
        if (by === 'peer' && key === 'b') tryTo(() => session.store.set('b', this.#next('echo')));
      });
    }
    if (begins) tryTo(() => session.store.set('role', this.#next('begun')));
    session.on('ask', (name, count, worksMs) => {
      if (account.name === name) this.world.loop.guard(() => account.heardAtServer(Number(count)));
      const working = Number(worksMs) === 0 ? undefined : host.sleep(Number(worksMs));
      if (working !== undefined) host.hold(working);
      return working;
    });
  }

  #judge(session: SimSession, host: SimHost, { key, value }: Asked): boolean | Promise<boolean> {
    const { account } = this.#sessions.get(session.id) ?? {};
    if (account === undefined) throw new PromiseBroken('asked about a session that nobody knows');
    this.world.loop.guard(() => account.asked(key, value));
    const answer = isAllowed(value);
    const { thinksMs = 0, chases } = this.#plan.manners;
    const forMs = Math.floor(host.chance.number() * thinksMs);
    if (forMs === 0) {
      account.answered();
      return answer;
    }
    const thinking = host.sleep(forMs).then(() => {
      account.answered();
      return answer;
    });
    host.hold(chases ? this.#chase(session, thinking) : thinking);
    return thinking;
  }

  /** Writes after one promise, and after two, …: somewhere in between the write is decided. */
  async #chase(session: SimSession, thinking: Promise<unknown>): Promise<void> {
    await thinking;
    for (let hop = 0; hop < 5; hop += 1) {
      tryTo(() => session.store.set('a', this.#next('chase')));
      await Promise.resolve();
    }
  }

  // ---- acts

  #write(pair: StorePair, by: Toward, key: string, kind: Extract<StoreAct, { type: 'write' }>['kind']): void {
    const end = endOf(pair, by);
    if (end === undefined) return;
    const value = kind === 'deleted' ? undefined : this.#valueOf(kind);
    const before = JSON.stringify([...end.store.entries()]);
    if (!tryTo(() => end.store.set(key, value))) {
      if (JSON.stringify([...end.store.entries()]) !== before)
        throw new PromiseBroken(`${pair.account.name}: a write was not taken, and the store changed`);
      return;
    }
    this.writeCount += 1;
    if (by === 'client') {
      pair.account.wrote(key, value);
      if (JSON.stringify(end.store.get(key)) !== JSON.stringify(value))
        throw new PromiseBroken(`${pair.account.name}: an own write does not show`);
    }
    this.look(pair);
  }

  #ask(pair: StorePair, by: Toward, worksMs: number): void {
    const { account, session, node } = pair;
    if (by === 'server') {
      if (session?.host.isAlive !== true) return;
      tryTo(() => session.handle.send('ask', session.account.name, session.account.length));
    } else if (node.isUp) tryTo(() => node.client.send('ask', account.name, account.judgeable.length, worksMs));
  }

  #flush(pair: StorePair, by: Toward): void {
    const { account, session, node } = pair;
    const { loop } = this.world;
    if (by === 'server') {
      if (session?.host.isAlive === true) session.host.hold(session.handle.flush().catch(expectEnd));
      return;
    }
    if (!node.isUp) return;
    const { host } = node;
    const count = account.judgeable.length;
    const flushing = node.client.flush().then(
      () => loop.guard(() => account.flushed(count)),
      (error: unknown) => {
        expectEnd(error);
        if (pair.account === account) throw new PromiseBroken(`${account.name}: a flush failed without a gap`);
      },
    );
    pair.openCount += 1;
    host.hold(flushing);
    flushing.then(
      () => {
        if (node.host === host) pair.openCount -= 1;
      },
      (error: unknown) => loop.fail(error),
    );
  }

  #next(by: string): { readonly n: number; readonly by: string } {
    this.#number += 1;
    return { n: this.#number, by };
  }

  #valueOf(kind: 'number' | 'object' | 'large'): unknown {
    const value = this.#next(kind === 'large' ? LARGE : kind);
    return kind === 'number' ? value.n : value;
  }

  /** Two honest ends never find fault with each other's frames, unless somebody altered them on the way. */
  #expectNoViolation(name: string, code: string): void {
    if (this.#isAltered || !Object.hasOwn(endTable, code) || !isViolation(code as EndCode)) return;
    this.world.loop.fail(new PromiseBroken(`${name} lost a connection to ${code}`));
  }
}

interface Asked {
  readonly key: string;
  readonly value: unknown;
}

/** The store with what a user does not see. */
export function storeOf(client: SimClient): SharedStore {
  return client.dialler.actor.store;
}

function endOf({ node, session }: StorePair, by: Toward): Pick<SimSession, 'store'> | undefined {
  if (by === 'client') return node.isUp ? node.client : undefined;
  return session?.host.isAlive === true ? session.handle : undefined;
}
