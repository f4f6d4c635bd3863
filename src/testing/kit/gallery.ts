/**
 * Who looks at a simulated run: every handle is watched, and all sights go to one judge. What cannot be seen from outside (what
 * is released, how much is held) is read from the sessions after each event that reached them.
 */
import { settingsOf } from '../../actors/options.ts';
import type { ClientOptions } from '../../client/client.ts';
import type { ServerOptions } from '../../server/server.ts';
import type { AnyContract, ClientNode, SimClient } from '../client-node.ts';
import { lifeOf } from '../oracles/end.ts';
import type { Finding, Invariant } from '../oracles/finding.ts';
import { Judge } from '../oracles/judge.ts';
import type { Fault } from '../plan.ts';
import { type BareSight, type Sight, sightBy } from '../sights.ts';
import type { SimHost } from '../sim-host.ts';
import { watch } from '../watch.ts';
import type { Watcher, Watching } from '../watcher.ts';
import type { World } from '../world.ts';
import { type Oracle, Verdict } from './verdict.ts';

/** What a gallery is made with. */
export interface GalleryOptions {
  readonly world: World;
  readonly faults: readonly Fault[];
  /** Codes that altered bytes may come to. */
  readonly allows: (code: string) => boolean;
  readonly server: ServerOptions;
  readonly clients: readonly ClientOptions<AnyContract>[];
  /** Told each sight before it is judged. */
  readonly told?: (sight: Sight, host: SimHost) => void;
  readonly begun?: (host: SimHost, what: string, message: string, promise: PromiseLike<unknown>) => void;
}

/** A process or thread as sights name it. */
interface Life {
  readonly who: string;
  readonly life: number;
}

/** The highest counts told so far of one end. */
interface Marks {
  released: number;
  messages: number;
  bytes: number;
  mailbox: number;
}

/** What of an end is looked at. */
type Actor = SimClient['dialler']['actor'];

/** Timers are set in whole milliseconds. */
const TICK_MS = 2;

/** Nobody is away for so long in a run; a session that nobody has seen at the server expires without a word. */
const LINGER_LONG_MS = 60_000;

/** Who looks at one run. */
export class Gallery {
  readonly judge: Judge;
  readonly #options: GalleryOptions;
  readonly #lives = new Map<SimHost, Life>();
  readonly #counts = new Map<string, number>();
  readonly #marks = new WeakMap<Actor, Marks>();
  readonly #serverLimits;
  readonly #clientLimits;
  readonly #lingerMs: number;
  /** Sessions of which somebody has a handle. */
  readonly #opened = new Set<string>();
  #isOver = false;

  constructor(options: GalleryOptions) {
    const { faults, allows } = options;
    this.#options = options;
    const lateMs = faults.reduce((sum, fault) => sum + standstillOf(fault), TICK_MS);
    this.judge = new Judge({ allows, toleranceMs: lateMs, found: (finding) => this.#found(finding) });
    const { limits, lingerMs } = settingsOf(options.server);
    this.#serverLimits = limits;
    this.#lingerMs = lingerMs;
    this.#clientLimits = options.clients.map((each) => settingsOf(each).limits);
  }

  /** Watches a client of this life from now on. */
  client(client: SimClient, host: SimHost, isValidated: boolean): Watching {
    const homeOf = (id: string): string | undefined => {
      if (this.#lingerMs < LINGER_LONG_MS) return undefined;
      const [server] = this.#options.world.servers;
      // It may have died, and lost the session, since it said so.
      return server?.find(id) === undefined ? undefined : lifeOf(this.#lifeOf(server.hostOf(id)));
    };
    const inLine = (): number => client.dialler.actor.session.outlet.inLineCount;
    return watch(client, 'client', { ...this.#watcher(host), homeOf, inLine, isValidated });
  }

  /** Watches a session that is visible now. */
  session(session: object, host: SimHost, isValidated: boolean): Watching {
    return watch(session, 'server', { ...this.#watcher(host), isValidated });
  }

  /** Tells a sight of this process. */
  tell(host: SimHost, sight: BareSight): void {
    if (this.#isOver) return;
    this.#take(host, sightBy(this.#lifeOf(host), this.#options.world.nowMs, sight));
  }

  /** What a server tells of a session; where there is a handle, that tells for itself. */
  news(host: SimHost, sight: Extract<BareSight, { readonly type: 'down' | 'closed' }>): void {
    if (!this.#opened.has(sight.session)) this.tell(host, sight);
  }

  /** A fault has come. */
  befallen(fault: Fault, host: SimHost): void {
    this.#sweep();
    this.tell(host, { type: 'fault', kind: fault.type, touches: touchedBy(fault) });
  }

  /** Looks at both ends of a client's session after something has reached one of them. */
  look(node: ClientNode): void {
    if (this.#isOver || !node.isUp) return;
    const { actor } = node.client.dialler;
    const limits = this.#clientLimits[this.#options.world.clients.indexOf(node)];
    if (limits !== undefined) this.#lookAt(actor, node.host, '', limits);
    const far = node.target.isUp ? node.hosted : undefined;
    if (far?.isSeen === true) this.#lookAt(far.actor, node.target.hostOf(far.id), far.id, this.#serverLimits);
  }

  /** The run is over; throws what is found now. */
  end(): void {
    this.#sweep();
    const finding = this.judge.end();
    if (finding !== undefined) throw verdictOf(finding);
  }

  /** Nothing is looked at any more. */
  leave(): void {
    this.#isOver = true;
  }

  // ---- below

  #watcher(host: SimHost): Watcher {
    const { world, begun } = this.#options;
    return {
      ...this.#lifeOf(host),
      now: () => world.nowMs,
      tell: (sight) => {
        if (this.#isOver || !host.isAlive) return;
        if (sight.type === 'gap') this.#sweep();
        this.#take(host, sight);
      },
      ...(begun === undefined ? {} : { begun: (what, message, promise) => begun(host, what, message, promise) }),
    };
  }

  #take(host: SimHost, sight: Sight): void {
    if (sight.type === 'opens') this.#opened.add(sight.session);
    this.#options.told?.(sight, host);
    this.judge.take(sight);
  }

  #lifeOf(host: SimHost): Life {
    const known = this.#lives.get(host);
    if (known !== undefined) return known;
    const [, name = host.name, place] = /^([^#/]+)(?:#\d+)?(?:\/(\d+))?/.exec(host.name) ?? [];
    const who = place === undefined ? name : `${name}/${place}`;
    const count = (this.#counts.get(who) ?? 0) + 1;
    this.#counts.set(who, count);
    const life = { who, life: count };
    this.#sweep();
    this.#lives.set(host, life);
    this.#take(host, { type: 'begins', ...life, atMs: this.#options.world.nowMs });
    return life;
  }

  /** Who has died since the last time is over. */
  #sweep(): void {
    for (const [host, life] of this.#lives) {
      if (host.isAlive || this.judge.book.dead.has(lifeOf(life))) continue;
      this.#take(host, { type: 'ends', ...life, atMs: this.#options.world.nowMs });
    }
  }

  #lookAt(
    actor: Actor,
    host: SimHost,
    session: string,
    limits: { readonly outboxMessages: number; readonly outboxBytes: number; readonly mailboxMessages: number },
  ): void {
    let marks = this.#marks.get(actor);
    if (marks === undefined) this.#marks.set(actor, (marks = { released: 0, messages: 0, bytes: 0, mailbox: 0 }));
    const { released, messages, bytes } = actor.session.outlet.ordered;
    if (released !== marks.released) {
      marks.released = released;
      this.tell(host, { type: 'released', session, seq: released });
    }
    const mailbox = actor.mailbox.length;
    const { outboxMessages, outboxBytes, mailboxMessages } = limits;
    const isOver = messages > outboxMessages || bytes > outboxBytes || mailbox > mailboxMessages;
    // What grows is told whenever it has doubled.
    const hasGrown = messages > 2 * marks.messages || bytes > 2 * marks.bytes || mailbox > 2 * marks.mailbox;
    if (!isOver && !hasGrown) return;
    marks.messages = Math.max(messages, marks.messages);
    marks.bytes = Math.max(bytes, marks.bytes);
    marks.mailbox = Math.max(mailbox, marks.mailbox);
    // A message alone may be larger than the bound.
    const bytesMax = messages > 1 ? outboxBytes : Infinity;
    this.tell(host, {
      type: 'counts',
      counts: [
        ['messages in the outbox', messages, outboxMessages],
        ['bytes in the outbox', bytes, bytesMax],
        ['messages in the mailbox', mailbox, mailboxMessages],
      ],
    });
  }

  #found(finding: Finding): void {
    this.#options.world.loop.fail(verdictOf(finding));
  }
}

const oracleOf: Readonly<Record<Invariant, Oracle>> = {
  I1: 'order',
  I2: 'kept',
  I4: 'rest',
  I5: 'owner',
  I6: 'bounds',
  I7: 'calls',
  I8: 'violation',
  I9: 'isolation',
  I11: 'determinism',
};

/** What an oracle found, as the verdict on a run. */
export function verdictOf({ invariant, sentence, who, session, position }: Finding): Verdict {
  const about = position === undefined && session !== undefined ? `session ${session}: ${sentence}` : sentence;
  return new Verdict(oracleOf[invariant], about, { who, messageId: position, invariant });
}

/** Whom a fault may touch: a client, or everybody. */
function touchedBy(fault: Fault): string | undefined {
  const isOfServer = 'side' in fault && fault.side === 'server';
  const isOfShard = fault.type === 'shardCrash' || fault.type === 'shardPause';
  return isOfServer || isOfShard ? undefined : `c${fault.client}`;
}

/** How long a process may stand still by a fault; deadlines are told so much later. */
function standstillOf(fault: Fault): number {
  return fault.type === 'freeze' || fault.type === 'shardPause' ? fault.forMs : 0;
}
