/**
 * What is known of a run: its lives, the ends of its sessions, and the messages between them. It is kept from sights alone, and
 * judges nothing; what does not fit is in `fault` for the oracles, until the next sight.
 */
import type { Sight, SightOf } from '../sights.ts';
import { type End, lifeOf, newEnd, placeOf } from './end.ts';
import { type Fault, type Item, Stream, again } from './stream.ts';

/** What an end can show before its first message is handled. */
const beforeAnything: ReadonlySet<Sight['type']> = new Set(['opens', 'listens', 'sent', 'spread']);

/** A handle whose handlers are attached so soon had them when its first message came. */
const START_MS = 1;

/** Everything that was seen. */
export class Book {
  /** Sights entered so far. */
  count = 0;
  /** What the newest sight contradicts. */
  fault: Fault | undefined;
  /** The end that the newest sight is of, if any. */
  end: End | undefined;
  /** The stream and message that it is about. */
  stream: Stream | undefined;
  item: Item | undefined;
  /** Ends that are somebody's, in the order in which they came. */
  readonly ends = new Map<string, End>();
  readonly streams = new Map<string, Stream>();
  /** Lives, `who#life`, that are over. */
  readonly dead = new Set<string>();
  /** Sessions that a server ended. */
  readonly ended = new Set<string>();
  /** The life that holds each session at its server, `who#life`. */
  readonly homes = new Map<string, string>();
  readonly #receivers = new Map<Stream, End>();
  /** Messages to groups by name and content, and how many of them each session has had. */
  readonly #spread = new Map<string, { count: number; readonly had: Map<string, number> }>();

  /** Enters a sight. */
  take(sight: Sight): void {
    this.count += 1;
    this.fault = undefined;
    this.item = undefined;
    this.stream = undefined;
    this.end = 'session' in sight ? this.#endOf(sight) : undefined;
    if (this.end !== undefined && 'session' in sight) this.#takeOf(this.end, sight);
    else if (sight.type === 'ends') this.dead.add(lifeOf(sight));
  }

  /** Whether an end's process or thread is there. */
  isAlive({ life }: End): boolean {
    return !this.dead.has(life);
  }

  /** Time that this end has had a connection, in milliseconds. */
  upMsOf({ upMs, upSinceMs }: End, atMs: number): number {
    return upMs + (upSinceMs === undefined ? 0 : atMs - upSinceMs);
  }

  /** Whether the receiver of what this end sends may have handled a message unseen. */
  excuseOf(stream: Stream): (item: Item) => boolean {
    const receiver = this.#receivers.get(stream);
    return ({ how, name, digest, sentAt }) => {
      if (how === 'call' || digest === undefined) return true;
      const since = receiver?.listens.get(name);
      return receiver !== undefined && (since === undefined || since > sentAt);
    };
  }

  /** The end that handles what goes on this stream. */
  receiverOf(stream: Stream): End | undefined {
    return this.#receivers.get(stream);
  }

  // ---- below

  #endOf(sight: Extract<Sight, { readonly session: string }>): End {
    const { session } = sight;
    const life = lifeOf(sight);
    const key = session === '' ? life : `${life}/${session}`;
    const known = this.ends.get(key);
    if (known !== undefined) return known;
    const isServer = session !== '';
    const out = isServer ? this.#streamTo('client', session) : new Stream(`${life} to server`);
    const end = newEnd(sight, isServer, out);
    this.ends.set(key, end);
    if (isServer) this.#receivers.set(this.#streamTo('server', session), end);
    return end;
  }

  #streamTo(toward: 'server' | 'client', session: string): Stream {
    const key = `${session} to ${toward}`;
    let stream = this.streams.get(key);
    if (stream === undefined) this.streams.set(key, (stream = new Stream(key)));
    return stream;
  }

  #takeOf(end: End, sight: Extract<Sight, { readonly session: string }>): void {
    end.isFresh &&= beforeAnything.has(sight.type);
    switch (sight.type) {
      case 'sent':
        return this.#sent(end, sight);
      case 'answered':
        return this.#answered(end, sight);
      case 'spread':
        return this.#spreads(end, sight);
      case 'listens':
        return this.#listens(end, sight);
      case 'started':
        return this.#started(end, sight);
      case 'ended':
        return this.#finished(end, sight);
      case 'opens':
        this.homes.set(sight.session, end.life);
        return;
      case 'up':
        end.upSinceMs ??= sight.atMs;
        if (sight.home !== undefined) this.homes.set(sight.id, sight.home);
        if (!end.isServer) this.#bind(end, sight.id, sight.epoch);
        return;
      case 'down':
        end.upMs = this.upMsOf(end, sight.atMs);
        end.upSinceMs = undefined;
        return;
      case 'gap':
        return this.#gap(end, sight);
      case 'chose':
        return this.#chose(end, sight.choice);
      case 'closed':
        return this.#closed(end, sight);
      case 'released':
        return this.#released(end, sight.seq);
      default:
    }
  }

  #listens(end: End, { name, isOn, atMs }: SightOf<'listens'>): void {
    const isFirst = end.isFresh && atMs - end.firstMs <= START_MS;
    if (isOn) end.listens.set(name, isFirst ? 0 : this.count);
    else end.listens.delete(name);
  }

  #sent(end: End, { n, how, name, digest }: SightOf<'sent'>): void {
    const item: Item = {
      n,
      how,
      name,
      digest,
      sentAt: this.count,
      state: 'sent',
      hasThrown: false,
      outcome: undefined,
      fate: 'open',
    };
    end.sent.set(n, item);
    end.out.items.push(item);
    this.item = item;
  }

  #answered(end: End, { n, outcome }: SightOf<'answered'>): void {
    const item = end.sent.get(n);
    this.item = item;
    if (item === undefined) return;
    if (item.outcome === undefined && outcome === 'never-sent' && item.state === 'sent') item.state = 'gone';
    if (item.outcome === undefined && outcome === 'unheard' && item.state === 'sent') item.state = 'passed';
    item.outcome ??= outcome;
  }

  #spreads(end: End, { name, digest }: SightOf<'spread'>): void {
    if (!end.isServer) end.isLoose = true;
    for (const key of [spreadKey(name, digest), spreadKey(name, undefined)]) {
      const spread = this.#spread.get(key);
      if (spread === undefined) this.#spread.set(key, { count: 1, had: new Map() });
      else spread.count += 1;
      if (digest === undefined) return;
    }
  }

  #started(end: End, sight: SightOf<'started'>): void {
    const { epoch, seq } = placeOf(sight.message);
    const session = end.isServer ? end.session : (end.sessions.get(epoch) ?? end.session);
    const stream = session === undefined ? undefined : this.#streamTo(end.isServer ? 'server' : 'client', session);
    this.stream = stream;
    if (stream === undefined || session === undefined) {
      this.fault = { kind: 'foreign', sentence: `message ${sight.message} started before there was a session` };
      return;
    }
    if (epoch < end.epoch)
      this.fault = { kind: 'order', sentence: `message ${seq} of epoch ${epoch} started after one of ${end.epoch}` };
    else if (end.hearing !== stream && end.hearing?.isBusy === true)
      this.fault = { kind: 'overlap', sentence: `message ${seq} started while one of epoch ${end.epoch} was running` };
    end.epoch = epoch;
    end.hearing = stream;
    const takeSpread = (name: string, digest: string | undefined): boolean => this.#takeSpread(session, name, digest);
    this.fault ??= stream.start(seq, sight, this.excuseOf(stream), takeSpread);
  }

  #takeSpread(session: string, name: string, digest: string | undefined): boolean {
    const spread = this.#spread.get(spreadKey(name, digest));
    const had = spread?.had.get(session) ?? 0;
    if (spread === undefined || had >= spread.count) return false;
    spread.had.set(session, had + 1);
    return true;
  }

  #finished(end: End, { message, worker, isWell }: SightOf<'ended'>): void {
    const { epoch, seq } = placeOf(message);
    const session = end.isServer ? end.session : (end.sessions.get(epoch) ?? end.session);
    if (session === undefined) return;
    this.stream = this.#streamTo(end.isServer ? 'server' : 'client', session);
    this.stream.finish(seq, worker, isWell);
  }

  /** The client has this session: what it sends now, and has sent before the first one, goes there. */
  #bind(end: End, id: string, epoch: number): void {
    if (end.session === id) return;
    end.session = id;
    end.sessions.set(epoch, id);
    const key = `${id} to server`;
    const receiver = this.streams.get(key);
    if (receiver !== undefined && receiver !== end.out) {
      const known = this.#receivers.get(receiver);
      if (known !== undefined) this.#receivers.set(end.out, known);
    }
    this.streams.set(key, end.out);
    this.#receivers.set(this.#streamTo('client', id), end);
  }

  #gap(end: End, sight: SightOf<'gap'>): void {
    const { out } = end;
    this.stream = out;
    const excuse = this.excuseOf(out);
    const loss = end.isLoose ? { unconfirmed: 0, carried: 0 } : sight;
    const report = end.isLoose ? undefined : out.report(loss, excuse);
    if (typeof report === 'string') this.fault = { kind: 'gap', sentence: report };
    const { unconfirmed, kept } =
      report === undefined || typeof report === 'string' ? this.#guessed(out, sight) : report;
    const isCarried = new Set(kept.slice(0, sight.carried));
    end.gap = { unconfirmed, carried: [...isCarried] };
    end.out = new Stream(`${end.life} to server, epoch ${sight.epoch}`, [...kept]);
    this.#bind(end, sight.id, sight.epoch);
  }

  /** What a report cannot be held against is cut by what has started. */
  #guessed(out: Stream, { carried }: SightOf<'gap'>): { unconfirmed: readonly Item[]; kept: readonly Item[] } {
    const open = out.items.filter(({ state }) => state === 'sent' || state === 'started');
    const from = Math.max(0, open.length - carried);
    const unconfirmed = open.slice(0, from);
    for (const item of unconfirmed) item.fate = 'lost';
    return { unconfirmed, kept: open.slice(from) };
  }

  #chose(end: End, choice: 'resend' | 'discard'): void {
    const { gap, out } = end;
    if (gap === undefined) return;
    if (choice === 'resend') {
      const events = gap.unconfirmed.filter(({ how }) => how !== 'call');
      out.items.unshift(...events.map((item) => again(item, false)));
    } else {
      const carried = new Set(gap.carried);
      for (const item of gap.carried) item.fate = 'lost';
      out.items = out.items.filter((item) => !carried.has(item));
    }
  }

  #closed(end: End, sight: SightOf<'closed'>): void {
    // A server and its handle of the session both tell.
    if (end.closed !== undefined) return;
    end.closed = sight.code;
    this.stream = end.out;
    if (end.isServer && end.session !== undefined) this.ended.add(end.session);
    // What went to a group is in the report of each member, and nobody can tell from outside who they were.
    if (!end.isLoose && (!end.isServer || this.#spread.size === 0)) {
      const report = end.out.report({ ...sight, inLine: undefined }, this.excuseOf(end.out));
      if (typeof report === 'string') this.fault = { kind: 'gap', sentence: report };
    }
    for (const item of end.out.items) if (item.fate === 'open' && item.state !== 'ended') item.fate = 'lost';
  }

  #released(end: End, seq: number): void {
    this.stream = end.out;
    const running = end.out.release(seq);
    if (running === undefined) return;
    this.fault = { kind: 'released', sentence: `everything up to ${seq} is acknowledged, and message ${running} runs` };
  }
}

function spreadKey(name: string, digest: string | undefined): string {
  return `${name} ${digest ?? ''}`;
}
