/**
 * A world whose users send to groups, and the books of all that came of it: what each sender was told, what was put into
 * which outbox (written down where it is put there), and what the client behind it handled. The audit compares the three.
 */
import { Sender } from '../../src/actors/sender.ts';
import type { Sent } from '../../src/client/surface.ts';
import { HomingError } from '../../src/errors.ts';
import type { Session } from '../../src/server/session.ts';
import { schedule } from '../../src/testing/befall.ts';
import { rehearsalTimers } from '../../src/testing/cast.ts';
import type { AnyContract, ClientNode, SimClient } from '../../src/testing/client-node.ts';
import { PromiseBroken } from '../../src/testing/course.ts';
import { isLinted } from '../../src/testing/linter.ts';
import type { Plan } from '../../src/testing/plan.ts';
import type { ServerNode, SimServer } from '../../src/testing/server-node.ts';
import type { SimHost } from '../../src/testing/sim-host.ts';
import { SimShards } from '../../src/testing/sim-shards.ts';
import { World } from '../../src/testing/world.ts';
import { Codec } from '../../src/wire/codec.ts';
import { defaultWireLimits } from '../../src/wire/limits.ts';

/** Whom a send is for: values of stores, or the session of a client. */
export type Target = { readonly values: Readonly<Record<string, string | boolean>> } | { readonly client: number };

/** What somebody does at its time; `by` is the end of the client's session that does it. */
export type GroupAct = { readonly atMs: number; readonly client: number; readonly by: 'client' | 'session' } & (
  | {
      readonly type: 'send';
      readonly target: Target;
      readonly except: number | undefined;
      readonly holdMs: number | undefined;
      readonly bytes: number;
      readonly count: number;
    }
  | { readonly type: 'store'; readonly key: string; readonly value: string | undefined }
);

/** A world with groups as data. `plan` says how it is made and what befalls it. */
export interface GroupPlan {
  readonly plan: Plan;
  /** How long `authorize` thinks, at most; 0: it answers at once. */
  readonly authorizeMs: number;
  readonly acts: readonly GroupAct[];
}

/** What a run was like. */
export interface GroupSum {
  sentCount: number;
  copyCount: number;
  refusedCount: number;
  heldCount: number;
  claimedCount: number;
  expiredCount: number;
  lossCount: number;
  gapCount: number;
  /** Copies for sessions that were away. */
  detachedCount: number;
}

/** Nothing is held for longer. */
export const HOLD_MS_MAX = 60_000;

interface Send {
  readonly number: number;
  readonly by: 'client' | 'session';
  /** Who sent it: the session, or the life of the client. */
  readonly sender: string;
  /** The session that it comes from; of a client, when it was sent. */
  readonly from: string;
  readonly selector: string | Readonly<Record<string, string | boolean>>;
  readonly except: string | undefined;
  readonly holdMs: number | undefined;
  readonly host: SimHost;
  result: Sent | undefined;
  error: string | undefined;
}

/** A copy that was offered to an outbox. */
interface Copy {
  readonly number: number;
  readonly actor: Sender;
  readonly isAccepted: boolean;
}

interface Member {
  readonly session: Session<AnyContract>;
  readonly host: SimHost;
  readonly sender: Sender;
}

const LATE_CODES = new Set(['OutcomeUnknown', 'Closed', 'Deadline', 'OutboxFull', 'SessionLost']);

/** Plays a plan to its end and audits it; throws at the first broken promise. */
export async function playGroups(plan: GroupPlan, prepare?: (world: World) => void): Promise<GroupSum> {
  using stage = new GroupStage(plan);
  prepare?.(stage.world);
  return await stage.play();
}

class GroupStage implements Disposable {
  readonly #plan: GroupPlan;
  readonly world: World;
  readonly #server: ServerNode;
  readonly #clients: ClientNode[];
  readonly #sends = new Map<number, Send>();
  readonly #copies: Copy[] = [];
  readonly #members = new Map<string, Member>();
  readonly #idOfSender = new Map<Sender, string>();
  /** Sessions by the life and epoch of their clients. */
  readonly #idOfEpoch = new Map<string, string>();
  readonly #handled = new Map<string, number[]>();
  /** Errors by session (told at the server) or by life of a client. */
  readonly #told = new Map<string, string[]>();
  readonly #forward = Sender.prototype.forward;
  #gapCount = 0;
  #detachedCount = 0;
  #serverLives = 0;

  constructor(plan: GroupPlan) {
    this.#plan = plan;
    const { options, seed, weather, clients } = plan.plan;
    this.world = new World(seed);
    if (isLinted(seed)) this.world.lint((sentence) => this.world.loop.fail(new PromiseBroken(`I8: ${sentence}`)));
    this.world.loop.held();
    this.#spy();
    const { heartbeat, handshakeMs, backoff } = rehearsalTimers;
    const { lingerMs, outboxMessages, outboxBytes, mailboxMessages, mailboxBytes, shards, checksum } = options;
    const limits = { outboxMessages, outboxBytes, mailboxMessages, mailboxBytes };
    const common = { heartbeat, handshakeMs, lingerMs, limits, checksum };
    this.#server = this.world.addServer(
      'server',
      (host) => ({
        start: (session) => this.#start(session, host),
        authorize: (_session, action) =>
          action.type !== 'address' || plan.authorizeMs === 0 ? true : this.#think(host, plan.authorizeMs),
      }),
      { ...common, shards },
      (server) => this.#hear(server),
    );
    this.#clients = Array.from({ length: clients }, (_each, index) =>
      this.world.addClient(
        `c${index}`,
        this.#server,
        { ...common, backoff },
        { weather, prepare: (client, host) => this.#prepare(client, host) },
      ),
    );
  }

  [Symbol.dispose](): void {
    Sender.prototype.forward = this.#forward;
  }

  async play(): Promise<GroupSum> {
    const world = this.world;
    const { plan, acts } = this.#plan;
    for (const fault of plan.faults) schedule(world, fault);
    for (const act of acts) world.loop.clock.at(act.atMs, () => this.#perform(act));
    await world.run(plan.chaosMs);
    world.heal();
    await world.run(20_000);
    await this.#quiet('after the chaos');
    this.#auditOpenHolds();
    if (acts.some((act) => act.type === 'send' && act.holdMs !== undefined)) await world.run(HOLD_MS_MAX + 1_000);
    await this.#quiet('after all holds');
    this.#auditNothingLeft();
    const sum = this.#audit();
    await this.#rollCall();
    return sum;
  }

  // ---- what users do

  #perform(act: GroupAct): void {
    const node = this.#clients[act.client];
    if (node === undefined || !node.isUp) return;
    const { client } = node;
    const member = this.#members.get(client.id);
    if (act.by === 'session' && (member === undefined || !member.host.isAlive)) return;
    const handle = act.by === 'client' ? client : (member as Member).session;
    const host = act.by === 'client' ? node.host : (member as Member).host;
    if (act.type === 'store') {
      try {
        if (act.value === undefined) handle.store.delete(act.key);
        else handle.store.set(act.key, act.value);
      } catch (error) {
        if (!(error instanceof HomingError) || !LATE_CODES.has(error.code)) throw error;
      }
      return;
    }
    const { target, holdMs, bytes } = act;
    const selector = 'values' in target ? target.values : (this.#clients[target.client]?.client.id ?? 'nobody');
    const except = act.except === undefined ? undefined : this.#clients[act.except]?.client.id;
    if (selector === '') return;
    const sender = act.by === 'client' ? host.name : handle.id;
    for (let i = 0; i < act.count; i += 1)
      this.#send(handle, { by: act.by, sender, from: handle.id, selector, except, holdMs, host }, bytes);
  }

  #send(
    handle: SimClient | Session<AnyContract>,
    what: Omit<Send, 'number' | 'result' | 'error'>,
    bytes: number,
  ): Send {
    const number = this.#sends.size + 1;
    const send: Send = { ...what, number, result: undefined, error: undefined };
    this.#sends.set(number, send);
    const { except, holdMs } = what;
    handle
      .to(what.selector as never, { except, holdMs })
      .send('g', number, 'x'.repeat(bytes))
      .then(
        (result) => void (send.result = result),
        (error: unknown) => {
          if (!(error instanceof HomingError) || !LATE_CODES.has(error.code)) this.world.loop.fail(error);
          else send.error = error.code;
        },
      );
    return send;
  }

  #start(session: Session<AnyContract>, host: SimHost): void {
    const hosted = this.#server.find(session.id);
    if (hosted === undefined) throw new Error(`session ${session.id} is started and nowhere`);
    const { sender } = hosted.actor;
    this.#idOfSender.set(sender, session.id);
    this.#members.set(session.id, { session, host, sender });
    session.store.set('all', true);
  }

  #prepare(client: SimClient, host: SimHost): void {
    const { name } = host;
    client.connection.on('up', () => this.#idOfEpoch.set(`${name}/${client.epoch}`, client.id));
    client.connection.on('gap', () => void (this.#gapCount += 1));
    client.connection.on('error', ({ code }) => this.#tell(name, code));
    client.on('g', (number) => {
      const { epoch, from } = client.turn;
      const send = this.#sends.get(number as number);
      const id = this.#idOfEpoch.get(`${name}/${epoch}`) ?? 'nowhere';
      this.world.loop.guard(() => {
        if (send === undefined) throw new PromiseBroken(`message ${String(number)} was never sent`);
        const isFrom = send.by === 'session' ? from === send.from : from !== undefined && this.#isOf(send.sender, from);
        if (!isFrom) throw new PromiseBroken(`message ${String(number)} is said to come from ${String(from)}`);
      });
      const list = this.#handled.get(id) ?? [];
      this.#handled.set(id, list);
      list.push(number as number);
      return (number as number) % 3 === 0 ? host.sleep((number as number) % 40) : undefined;
    });
  }

  #isOf(life: string, id: string): boolean {
    for (const [key, each] of this.#idOfEpoch) if (each === id && key.startsWith(`${life}/`)) return true;
    return false;
  }

  #hear(server: SimServer): void {
    this.#serverLives += 1;
    if (!(server instanceof SimShards)) throw new Error('expected a server with shards');
    server.onNews = (news) => {
      if (news.type === 'error' && news.info !== undefined) this.#tell(news.info.id, news.error.code);
    };
    server.on('error', ({ code }) => {
      if (code === 'InvariantBroken') throw new PromiseBroken('an invariant is broken');
    });
  }

  #tell(whom: string, code: string): void {
    const list = this.#told.get(whom) ?? [];
    this.#told.set(whom, list);
    list.push(code);
  }

  async #think(host: SimHost, ms: number): Promise<boolean> {
    await host.sleep(Math.floor(host.chance.number() * ms));
    return true;
  }

  /** Writes down every copy that is offered to an outbox, and checks that it is one that was meant. */
  #spy(): void {
    const { loop } = this.world;
    const forward = this.#forward;
    const codec = new Codec(defaultWireLimits);
    const offered = (actor: Sender, payload: Uint8Array, isAccepted: boolean): void => {
      const [, number] = codec.decode(payload, 0, payload.length, 1) as [string, number];
      this.#copies.push({ number, actor, isAccepted });
      loop.guard(() => this.#checkMeant(actor, number));
    };
    Sender.prototype.forward = function (this: Sender, kind, payload) {
      const isAccepted = forward.call(this, kind, payload);
      offered(this, payload, isAccepted);
      return isAccepted;
    };
  }

  #checkMeant(actor: Sender, number: number): void {
    const send = this.#sends.get(number);
    const id = this.#idOfSender.get(actor);
    // One that has just become visible is not known here yet.
    if (send === undefined || id === undefined) return;
    if (this.#server.hostOf(id).isAlive && this.#server.find(id)?.isAttached === false) this.#detachedCount += 1;
    if (id === send.except) throw new PromiseBroken(`message ${number} went to ${id}, who was left out`);
    if (!this.#isMatched(id, send)) throw new PromiseBroken(`message ${number} went to ${id}, who was not meant`);
  }

  #isMatched(id: string, { selector }: Send): boolean {
    if (typeof selector === 'string') return selector === id;
    const store = this.#members.get(id)?.session.store;
    return Object.entries(selector).every(([key, value]) => store?.get(key) === value);
  }

  // ---- what has to be so

  async #quiet(when: string): Promise<void> {
    const isThere = await this.world.until(() => this.#unrest() === undefined, 60_000);
    if (!isThere) throw new PromiseBroken(`no rest ${when}: ${this.#unrest()}`);
  }

  #unrest(): string | undefined {
    const { shards } = this.#server;
    if (shards?.isServing !== true) return 'a shard does not serve';
    for (const { name, client, hosted } of this.#clients) {
      if (client.connection.state !== 'up') return `${name} is ${client.connection.state}`;
      if (hosted?.isSeen !== true) return `${name} is not seen`;
      if (hosted.actor.session.outlet.ordered.messages > 0) return `${name} has not got all`;
      if (client.dialler.actor.session.outlet.ordered.messages > 0) return `${name} has not sent all`;
    }
    for (const { number, host, result, error, by } of this.#sends.values()) {
      if (result === undefined && error === undefined && host.isAlive) return `send ${number} of a ${by} is open`;
    }
    return undefined;
  }

  get #alive() {
    return (this.#server.shards?.threads ?? []).filter(({ host }) => host.isAlive);
  }

  /** What is still held is held because nobody is there who matches. */
  #auditOpenHolds(): void {
    const taken = new Set(this.#copies.map(({ number }) => number));
    const nowMs = this.world.nowMs;
    let open = 0;
    for (const thread of this.#alive) open += thread.inner?.shard.groups.sender.heldCount ?? 0;
    const copies = this.#alive.map(({ inner }) => inner?.shard.groups.copyCount ?? 0);
    if (copies.some((count) => count !== open))
      throw new PromiseBroken(`${open} are held, and the shards have ${copies.join()} copies at ${nowMs} ms`);
    for (const send of this.#sends.values()) {
      if (send.result?.held !== 1 || taken.has(send.number) || this.#toldOf(send).includes('HeldExpired')) continue;
      if (send.by === 'session' && !send.host.isAlive) continue;
      if (this.#server.find(send.from) === undefined) continue;
      for (const { client } of this.#clients) {
        if (client.id !== send.except && this.#isMatched(client.id, send))
          throw new PromiseBroken(`message ${send.number} is held, and ${client.id} matches`);
      }
    }
  }

  #auditNothingLeft(): void {
    for (const { inner, host } of this.#alive) {
      const { sender, copyCount } = inner?.shard.groups ?? {};
      const left = [sender?.heldCount, sender?.pendingCount, copyCount];
      if (left.some((count) => count !== 0))
        throw new PromiseBroken(`${host.name} is left with ${left.join()} held, pending and copies`);
    }
  }

  #toldOf({ sender }: Send): readonly string[] {
    return this.#told.get(sender) ?? [];
  }

  #audit(): GroupSum {
    this.#auditSequences();
    const lossCount = (this.#server.shards?.lossCount ?? 0) + (this.#serverLives - 1);
    const byNumber = new Map<number, Copy[]>();
    for (const copy of this.#copies) byNumber.set(copy.number, [...(byNumber.get(copy.number) ?? []), copy]);
    const sum: GroupSum = {
      sentCount: this.#sends.size,
      copyCount: this.#copies.length,
      refusedCount: 0,
      heldCount: 0,
      claimedCount: 0,
      expiredCount: [...this.#told.values()].flat().filter((code) => code === 'HeldExpired').length,
      lossCount,
      gapCount: this.#gapCount,
      detachedCount: this.#detachedCount,
    };
    for (const send of this.#sends.values()) {
      const copies = byNumber.get(send.number) ?? [];
      this.#auditCounts(send, copies, lossCount);
      sum.refusedCount += send.result?.refused ?? 0;
      sum.heldCount += send.result?.held ?? 0;
      if (send.result?.held === 1 && copies.length > 0) sum.claimedCount += 1;
    }
    this.#auditTold(byNumber);
    return sum;
  }

  /** What the sender was told is what was put into outboxes. */
  #auditCounts({ number, result }: Send, copies: readonly Copy[], lossCount: number): void {
    const actors = new Set(copies.map(({ actor }) => actor));
    if (actors.size !== copies.length) throw new PromiseBroken(`message ${number} went to somebody twice`);
    if (result === undefined) return;
    const { accepted, refused, held } = result;
    const acceptedCount = copies.filter(({ isAccepted }) => isAccepted).length;
    const story = `message ${number}: told ${accepted}, ${refused}, ${held}, and ${acceptedCount} of ${copies.length} copies were accepted`;
    if (held === 1 && (accepted + refused > 0 || copies.length > 1)) throw new PromiseBroken(story);
    if (held === 1) return;
    const isRight = accepted === acceptedCount && accepted + refused === copies.length;
    const mayBe = accepted <= acceptedCount && accepted + refused <= copies.length;
    if (lossCount === 0 ? !isRight : !mayBe) throw new PromiseBroken(story);
  }

  /** Every held message was given to somebody, or its sender was told, if it is still there. */
  #auditTold(byNumber: ReadonlyMap<number, readonly Copy[]>): void {
    const bySender = new Map<string, Send[]>();
    for (const send of this.#sends.values()) bySender.set(send.sender, [...(bySender.get(send.sender) ?? []), send]);
    for (const [sender, sends] of bySender) {
      const [first] = sends;
      if (first === undefined || !this.#isThereStill(sends)) continue;
      const told = this.#told.get(sender) ?? [];
      const held = sends.filter(({ result }) => result?.held === 1).map(({ number }) => byNumber.get(number) ?? []);
      const lostCount = held.filter((copies) => copies.length === 0).length;
      const fullCount = held.filter(([copy]) => copy?.isAccepted === false).length;
      // Claimed while the shards were asked, by one that ended: counted nowhere, and told.
      const gone = sends.filter(({ holdMs, result }) => holdMs !== undefined && isNothing(result));
      const isIn = (copy: Copy): boolean => this.#alive.some(({ host }) => host === this.#hostOf(copy.actor));
      const dead = [...held, ...gone.map(({ number }) => byNumber.get(number) ?? [])];
      const deadCount = dead.filter(([copy]) => copy !== undefined && !isIn(copy)).length;
      const count = (code: string): number => told.filter((each) => each === code).length;
      const [expired, full, unknown] = [count('HeldExpired'), count('OutboxFull'), count('OutcomeUnknown')];
      const story = `${sender} was told of ${expired} expired, ${full} full, ${unknown} unknown; ${lostCount} found nobody, ${fullCount} no room, ${deadCount} are in dead shards`;
      if (expired !== lostCount || full > fullCount || full + unknown < fullCount + gone.length || unknown > deadCount)
        throw new PromiseBroken(story);
    }
  }

  /** Whether one session made all of these sends, and lives. */
  #isThereStill(sends: readonly Send[]): boolean {
    const ids = new Set(sends.map(({ from }) => from));
    const [id = ''] = ids;
    const isAlive = sends.every(({ host, error }) => host.isAlive && error === undefined);
    return ids.size === 1 && isAlive && this.#server.find(id) !== undefined;
  }

  #hostOf(actor: Sender): SimHost | undefined {
    return this.#members.get(this.#idOfSender.get(actor) ?? '')?.host;
  }

  /** What was put into an outbox is what its client handled: all of it where the session lives, else the first of it. */
  #auditSequences(): void {
    const accepted = new Map<string, number[]>();
    for (const { actor, number, isAccepted } of this.#copies) {
      if (!isAccepted) continue;
      const id = this.#idOfSender.get(actor) ?? 'nowhere';
      accepted.set(id, [...(accepted.get(id) ?? []), number]);
    }
    for (const [id, handled] of this.#handled) {
      const put = accepted.get(id) ?? [];
      if (handled.some((number, index) => put[index] !== number))
        throw new PromiseBroken(`${id} was given ${put.join()}, and its client handled ${handled.join()}`);
      this.#auditOrder(id, handled);
    }
    for (const { client } of this.#clients) {
      const [put = [], handled = []] = [accepted.get(client.id), this.#handled.get(client.id)];
      if (put.length !== handled.length)
        throw new PromiseBroken(
          `${client.id} lives, was given ${put.join()}, and its client handled ${handled.join()}`,
        );
    }
  }

  /** Of one sender in its order; one that was held for other values may come later than what did not wait. */
  #auditOrder(id: string, handled: readonly number[]): void {
    const sends = handled.map((number) => this.#sends.get(number) as Send);
    for (const [index, later] of sends.entries()) {
      for (const earlier of sends.slice(0, index)) {
        if (earlier.sender !== later.sender || earlier.number < later.number) continue;
        const mayWait = later.holdMs !== undefined;
        if (mayWait && JSON.stringify(later.selector) !== JSON.stringify(earlier.selector)) continue;
        throw new PromiseBroken(`${id} got ${earlier.number} before ${later.number} of ${later.sender}`);
      }
    }
  }

  /** At the end every session is where its groups say, each once, for each of the others. */
  async #rollCall(): Promise<void> {
    const asked = [];
    for (const { client } of this.#clients) {
      const member = this.#members.get(client.id);
      if (member === undefined) throw new PromiseBroken(`${client.id} is no member`);
      for (const selector of [{ all: true }, { room: 'a' }, { room: 'b' }, { room: 'a', role: 'x' }, client.id]) {
        const what = { by: 'session' as const, sender: client.id, from: client.id, selector };
        const rest = { except: undefined, holdMs: undefined, host: member.host };
        asked.push(this.#send(member.session, { ...what, ...rest }, 1));
        await this.world.run(200);
        await this.#quiet('in the roll call');
      }
    }
    for (const send of asked) {
      // Those of clients that started anew linger.
      const all = this.#alive.flatMap(({ inner }) => [...(inner?.shard.sessions() ?? [])]);
      const meant = all.filter(({ id }) => this.#isMatched(id, send)).length;
      const { accepted, refused } = send.result ?? { accepted: 0, refused: 0 };
      if (accepted + refused !== meant)
        throw new PromiseBroken(
          `${meant} are ${JSON.stringify(send.selector)}, and told were ${accepted} and ${refused}`,
        );
    }
    this.#auditSequences();
  }
}

function isNothing(result: Sent | undefined): boolean {
  return result !== undefined && result.accepted + result.refused + result.held === 0;
}
