/**
 * One shard with the behavior running in it: accepted sessions and dialled ones alike. The same code serves the calling
 * thread and a worker; what happens is told as plain facts, in order.
 */
import { Dialler } from '../actors/dialler.ts';
import type { HostedSession, SessionInfo } from '../actors/hosted-session.ts';
import { describeError, isThenable } from '../actors/describe.ts';
import type { ShardNews } from '../actors/news.ts';
import type { RedialOptions, Settings } from '../actors/options.ts';
import type { Dial, Host } from '../actors/ports.ts';
import type { EndReport, LossReport } from '../actors/reports.ts';
import type { Surroundings } from '../actors/neighbors.ts';
import { type Authenticate, Shard, type ShardOwner } from '../actors/shard.ts';
import { publishNews } from '../actors/told.ts';
import { Validation } from '../actors/validation.ts';
import { ConnectionView } from '../client/connection.ts';
import type { Contract, Credentials } from '../contract.ts';
import { HomingError } from '../errors.ts';
import type { Behavior } from './behavior.ts';
import type { Certificate } from '../transports/ends.ts';
import { DialledSession } from './dialled-session.ts';
import { HostedSource } from './hosted-source.ts';
import { ShardDesk } from './shard-desk.ts';
import { type Held, type Offload, type Session, SessionHandle } from './session.ts';

/** What a behavior shard is made with. */
export interface BehaviorShardOptions {
  readonly host: Host;
  readonly behavior: Behavior<Contract>;
  readonly settings: Settings;
  /** Backoff of dialled sessions. */
  readonly redial: RedialOptions;
  readonly around?: Surroundings | undefined;
  readonly offload: Offload;
  readonly tell: (news: ShardNews) => void;
}

/** A session to dial. */
export interface DialOrder {
  readonly dial: Dial;
  readonly learn: ((directPort: number) => void) | undefined;
  readonly credentials: () => unknown;
  /** Told once: the session is up for the first time, or ended before. */
  readonly settled: (result: SessionInfo | HomingError) => void;
  /** Told once, when the session is over. */
  readonly over: () => void;
}

/** The sessions of one shard, with the behavior running in them. */
export class BehaviorShard {
  readonly shard: Shard;
  readonly #desk: ShardDesk;
  readonly #options: BehaviorShardOptions;
  readonly #views = new Map<string, ConnectionView>();
  /** Sessions whose `session` news is still to come: always before their `end`. */
  readonly #unannounced = new Set<string>();
  readonly #dialled = new Set<DialledSession>();
  #drained: (() => void) | undefined;
  #isShardDrained = false;

  constructor(options: BehaviorShardOptions) {
    const { host, behavior, around } = options;
    const { validate, telemetry } = behavior;
    const validation = validate === undefined ? undefined : new Validation(validate);
    const settings = { ...options.settings, session: { ...options.settings.session, validation, telemetry } };
    this.#options = { ...options, settings };
    const authenticate = behavior.authenticate === undefined ? undefined : this.#authenticate;
    this.shard = new Shard(host, settings, authenticate, this.#told(), around);
    this.#desk = new ShardDesk({
      shard: this.shard,
      behavior,
      wire: settings.session.wire,
      offload: options.offload,
      failed: (error, from) => {
        if (from === undefined) this.#tell({ type: 'error', error, info: undefined });
        else this.#fail(error, from);
      },
    });
  }

  /** Opens a session to another server; the same behavior runs for it. What is returned ends it at once. */
  dial(order: DialOrder): () => void {
    const { host, settings, redial } = this.#options;
    const { dial, learn, credentials } = order;
    const { books, roster } = this.shard;
    if (!this.shard.hasRoom || this.shard.isDraining) {
      order.settled(new HomingError('overloaded', 'no room for another session'));
      order.over();
      return () => {};
    }
    let isSettled = false;
    const settle = (result: SessionInfo | HomingError): void => {
      if (isSettled) return;
      isSettled = true;
      order.settled(result);
    };
    const view = new ConnectionView({
      state: () => dialler.state,
      rttMs: () => dialler.actor.session.liveness.rttMs,
    });
    const dialler: Dialler = new Dialler(
      host,
      { settings, redial, dial, learn, credentials, autoReconnect: true, isOnce: false, books, roster },
      {
        changed: (state, previous) => {
          this.shard.beat();
          view.emit('change', state, previous);
        },
        up: (resumed) => {
          if (!held.isSeen) {
            held.isSeen = true;
            this.shard.groups.join(held);
            this.#start(held, view);
          }
          if (held.isOver) return;
          settle(this.#infoOf(held));
          held.isToldUp = true;
          this.#tell({ type: 'up', info: this.#infoOf(held), resumed });
          view.emit('up', { resumed });
        },
        down: (code) => {
          if (held.isToldUp) this.#tell({ type: 'down', info: this.#infoOf(held), code });
          held.isToldUp = false;
          view.emit('down', { code });
        },
        redialling: (attempt, delayMs, cause) => view.emit('reconnect', { attempt, delayMs, cause }),
        lost: (report) => this.#lost(held, view, report),
        refused: (report) => view.emit('refused', report),
        closed: (report) => {
          this.#closed(held, view, report);
          settle(new HomingError(report.code, `the dialled session has ended: ${report.reason || report.code}`));
          order.over();
          this.#checkDrained();
        },
        failed: (error) => {
          if (view.has('error')) view.emit('error', error);
          this.#fail(error, held);
        },
        shown: (key, now, before) => this.shard.groups.shown(held, key, now, before),
      },
    );
    const held: DialledSession = new DialledSession(dialler);
    this.#dialled.add(held);
    this.shard.countDialled(1);
    host.defer(() => dialler.connect());
    return () => dialler.close(0);
  }

  /** Ends all sessions well, as `Shard.drain` and `Client.close` do; `done` comes once, when nothing is left. */
  drain(drainMs: number, done: () => void): void {
    this.#drained = done;
    for (const held of this.#dialled) held.dialler.drain(drainMs);
    this.shard.drain(drainMs, () => {
      this.#isShardDrained = true;
      this.#checkDrained();
    });
  }

  // ---- below

  #checkDrained(): void {
    if (!this.#isShardDrained || this.#dialled.size > 0) return;
    this.#drained?.();
    this.#drained = undefined;
  }

  #tell(news: ShardNews): void {
    this.shard.roster?.news(news);
    publishNews('homing', news);
    this.#options.tell(news);
  }

  readonly #authenticate: Authenticate = (credentials, ends) => {
    const { remoteAddress, remotePort, certificate } = ends;
    const port = remotePort === 0 ? undefined : remotePort;
    const peer = { address: remoteAddress, port, certificate: certificate as Certificate | undefined };
    return this.#options.behavior.authenticate?.(credentials as Credentials<Contract>, peer);
  };

  #told(): ShardOwner {
    return {
      started: (session) => this.#started(session),
      up: (info, resumed) => {
        this.#tell({ type: 'up', info, resumed });
        this.#view(info, (view) => {
          view.emit('change', 'up', 'authenticating');
          view.emit('up', { resumed });
        });
      },
      down: (info, code) => {
        this.#tell({ type: 'down', info, code });
        this.#view(info, (view) => {
          view.emit('change', 'closed', 'up');
          view.emit('down', { code });
        });
      },
      gap: (info, counts) => this.#tell({ type: 'gap', info, oldId: info.id, ...counts }),
      ended: (info, report) => {
        const { code, unconfirmed, carried } = report;
        this.#announce(info);
        this.#tell({ type: 'end', info, code, unconfirmed, carried });
        this.#view(info, (view) => view.emit('closed', report));
        this.#views.delete(info.id);
      },
      failed: (error, info) => this.#tell({ type: 'error', error, info }),
    };
  }

  #started(hosted: HostedSession): void {
    const view = new ConnectionView(new HostedSource(hosted));
    this.#views.set(hosted.id, view);
    this.#start(hosted, view);
  }

  /** Runs the behavior for a session that has just become visible, and opens its mailbox. */
  #start(held: Held, view: ConnectionView): void {
    this.#unannounced.add(held.id);
    const handle = new SessionHandle(held, view, this.#desk);
    this.#desk.govern(held, handle as unknown as Session<Contract>);
    let started: unknown;
    try {
      started = this.#options.behavior.start(handle as unknown as Session<Contract>);
    } catch (error) {
      this.#startFailed(held, error);
      return;
    }
    this.#announce(this.#infoOf(held));
    if (isThenable(started)) this.#openLater(held, Promise.resolve(started));
    else held.actor.mailbox.open();
  }

  #announce(info: SessionInfo): void {
    if (this.#unannounced.delete(info.id)) this.#tell({ type: 'session', info });
  }

  /** An async start opens the mailbox when it settles, or in the tick after its first handler. */
  #openLater(held: Held, started: Promise<unknown>): void {
    const { handlers, mailbox } = held.actor;
    const open = (): void => {
      handlers.attached = undefined;
      mailbox.open();
      held.actor.wake();
    };
    const openSoon = (): void => {
      handlers.attached = undefined;
      this.#options.host.defer(open);
    };
    if (handlers.count > 0) openSoon();
    else handlers.attached = openSoon;
    started.then(open, (error: unknown) => this.#startFailed(held, error));
  }

  #startFailed(held: Held, error: unknown): void {
    const sentence = `start() failed for session ${held.id}: ${describeError(error).message}`;
    this.#fail(new HomingError('HandlerFailed', sentence, { cause: error }), held);
    held.end('ended', 'the behavior failed to start');
  }

  #fail(error: HomingError, held: Held): void {
    this.#tell({ type: 'error', error, info: this.#infoOf(held) });
  }

  #lost(held: DialledSession, view: ConnectionView, loss: LossReport) {
    const choice = view.reportGap(loss);
    const { oldId, unconfirmed, carried } = loss;
    this.shard.groups.members.renamed(held, oldId);
    if (held.isSeen) this.#tell({ type: 'gap', info: this.#infoOf(held), oldId, unconfirmed, carried });
    return choice;
  }

  #closed(held: DialledSession, view: ConnectionView, report: EndReport): void {
    if (this.#dialled.delete(held)) this.shard.countDialled(-1);
    held.isOver = true;
    this.shard.groups.leave(held);
    const { code, unconfirmed, carried } = report;
    if (held.isSeen) {
      const info = this.#infoOf(held);
      this.#announce(info);
      this.#tell({ type: 'end', info, code, unconfirmed, carried });
    }
    view.emit('closed', report);
  }

  #infoOf(held: Held): SessionInfo {
    const { id, epoch, identity } = held;
    const dialled = held instanceof DialledSession;
    return { id, shard: this.shard.place, epoch, identityId: identity?.id, dialled };
  }

  #view(info: SessionInfo, tell: (view: ConnectionView) => void): void {
    const view = this.#views.get(info.id);
    if (view !== undefined) tell(view);
  }
}
