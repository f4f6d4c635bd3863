/**
 * All connections and sessions of a thread, for an inspector: it keeps the last events of each connection, answers
 * questions, and tells what those do that are watched. A thread that nobody inspects has no roster.
 */
import type {
  ConnectionDetail,
  ConnectionRow,
  InspectOrder,
  InspectReport,
  MachineName,
  RowFilter,
  WatchEvent,
} from './events.ts';
import type { ShardNews } from './news.ts';
import { Rings } from './ring.ts';
import { Entry, type Registrar, type RosterConnection, type RosterSession, type Ticket } from './roster-entry.ts';
import { addressOf, detachedRow, fits, sessionDetail, sessionRow } from './shown.ts';

/** What a roster is made with. */
export interface RosterOptions {
  readonly place: string;
  /** Wall clock, in milliseconds since 1970. */
  readonly nowMs: () => number;
  /** The sessions of this thread, connected or not; those that dial are found by their connections. */
  readonly sessions: () => Iterable<RosterSession>;
  readonly find: (id: string) => RosterSession | undefined;
}

/** The connections and sessions of one thread. */
export class Roster {
  readonly #options: RosterOptions;
  readonly #rings: Rings;
  readonly #entries: (Entry | undefined)[] = [];
  readonly #free: number[] = [];
  readonly #watched = new Set<string>();
  readonly #registrar: Registrar = {
    stepped: (entry, event, from, state, context) => {
      this.#rings.add(entry.slot, this.#options.nowMs(), event.type, state);
      if (this.#watched.size > 0) this.#tellStep(entry, event, from, state, context);
    },
    left: (entry, code) => {
      if (this.#watched.size > 0) this.#tellEnd(entry, code);
      this.#entries[entry.slot] = undefined;
      this.#free.push(entry.slot);
    },
  };
  #tell: ((report: InspectReport) => void) | undefined;
  #lastNumber = 0;

  constructor(options: RosterOptions) {
    this.#options = options;
    this.#rings = new Rings(options.nowMs);
  }

  /** From now on reports go there. */
  open(tell: (report: InspectReport) => void): void {
    this.#tell = tell;
  }

  /** A connection begins; ask before its machine starts. */
  enter(connection: RosterConnection): Ticket {
    this.#lastNumber += 1;
    const slot = this.#free.pop() ?? this.#entries.length;
    const entry = new Entry(this.#registrar, this.#lastNumber, slot, connection);
    this.#entries[slot] = entry;
    this.#rings.clear(slot);
    return entry;
  }

  /** Something happened to a session of this thread. */
  news(news: ShardNews): void {
    if (this.#watched.size === 0 || news.type === 'error') return;
    const { info } = news;
    const known = news.type === 'gap' && this.#watched.has(news.oldId) ? news.oldId : info.id;
    if (!this.#watched.has(known)) return;
    const atMs = this.#options.nowMs();
    const base = { type: 'session', atMs, session: info.id, epoch: info.epoch } as const;
    this.#report(known, [{ ...base, ...factsOf(news) }]);
    if (known === info.id) return;
    this.#watched.add(info.id);
  }

  /** Answers an inspector, or does what it says. */
  obey(order: InspectOrder): void {
    switch (order.type) {
      case 'list':
        return this.#list(order.ask, order.filter, order.limit);
      case 'watch':
        return this.#watch(order.id);
      case 'unwatch':
        this.#watched.delete(order.id);
        return;
      case 'look':
        return this.#look(order.id);
      case 'cut':
        this.#entryOf(order.id)?.connection.link?.cut();
        return;
    }
  }

  // ---- questions

  #list(ask: number, filter: RowFilter, limit: number): void {
    const rows: ConnectionRow[] = [];
    let total = 0;
    const consider = (make: () => ConnectionRow, state: string, machine: MachineName | undefined): void => {
      if (filter.machine !== undefined && filter.machine !== machine) return;
      if (filter.state !== undefined && state !== filter.state && !state.startsWith(`${filter.state}.`)) return;
      if (filter.store === undefined && filter.search === undefined && rows.length >= limit) total += 1;
      else {
        const row = make();
        if (!fits(row, filter)) return;
        total += 1;
        if (rows.length < limit) rows.push(row);
      }
    };
    for (const entry of this.#entries) {
      if (entry === undefined) continue;
      consider(() => this.#rowOf(entry), entry.connection.words.join('.'), entry.connection.machine);
    }
    for (const session of this.#options.sessions()) {
      if (!session.isAttached && !session.isEnded) consider(() => detachedRow(session), 'detached', undefined);
    }
    this.#tell?.({ type: 'listed', ask, total, rows });
  }

  #watch(id: string): void {
    const entry = this.#entryOf(id);
    const session = this.#sessionOf(id);
    if (entry === undefined && session === undefined) return this.#tell?.({ type: 'unknown', id });
    this.#watched.add(id);
    const events = entry === undefined ? [] : [...this.#memories(entry), this.#standing(entry)];
    this.#report(id, events);
    this.#look(id);
  }

  #look(id: string): void {
    const entry = this.#entryOf(id);
    const session = entry?.connection.session ?? this.#sessionOf(id);
    if (entry === undefined && session === undefined) return this.#tell?.({ type: 'unknown', id });
    const detail = {
      session: session === undefined ? undefined : sessionDetail(session),
      connection: entry === undefined ? undefined : this.#connectionDetail(entry),
    };
    this.#tell?.({ type: 'detail', id, detail });
  }

  // ---- what the watched do

  #tellStep(
    entry: Entry,
    event: { readonly type: string },
    from: string | undefined,
    state: string,
    context: object,
  ): void {
    for (const id of this.#watchersOf(entry)) {
      const { type, ...data } = event;
      const isFirst = from === undefined;
      const { machine } = entry.connection;
      const base = { atMs: this.#options.nowMs(), connection: this.#idOf(entry), machine, state, context };
      const step = { ...base, type: 'step', event: type, data, from } as const;
      this.#report(id, [isFirst ? { ...base, type: 'actor' } : step]);
    }
  }

  #tellEnd(entry: Entry, code: string | undefined): void {
    for (const id of this.#watchersOf(entry))
      this.#report(id, [
        {
          type: 'end',
          atMs: this.#options.nowMs(),
          connection: this.#idOf(entry),
          machine: entry.connection.machine,
          code,
        },
      ]);
  }

  /** Under which ids this connection is watched: its own, and that of its session. */
  #watchersOf(entry: Entry): string[] {
    const own = this.#idOf(entry);
    const session = entry.connection.session?.id;
    const ids = session === undefined ? [own] : [own, session];
    return ids.filter((id) => this.#watched.has(id));
  }

  #memories(entry: Entry): WatchEvent[] {
    const events: WatchEvent[] = [];
    let from: string | undefined;
    const { machine } = entry.connection;
    for (const { atMs, event, state } of this.#rings.of(entry.slot)) {
      const base = { atMs, connection: this.#idOf(entry), machine };
      events.push({ ...base, type: 'step', event, data: undefined, from, state, context: undefined });
      from = state;
    }
    return events;
  }

  #standing(entry: Entry): WatchEvent {
    const { machine, words, context } = entry.connection;
    const atMs = this.#options.nowMs();
    return { type: 'actor', atMs, connection: this.#idOf(entry), machine, state: words.join('.'), context };
  }

  #report(id: string, events: readonly WatchEvent[]): void {
    this.#tell?.({ type: 'watched', id, events });
  }

  // ---- who is who

  #idOf({ number }: Entry): string {
    return `${this.#options.place}/${number}`;
  }

  /** The connection with this id, or the one that the session with this id has now. */
  #entryOf(id: string): Entry | undefined {
    const key = id.startsWith('s/') ? id.slice(2) : id;
    return this.#entries.findLast(
      (entry) => entry !== undefined && (this.#idOf(entry) === key || carries(entry.connection, key)),
    );
  }

  #sessionOf(id: string): RosterSession | undefined {
    return this.#options.find(id.startsWith('s/') ? id.slice(2) : id);
  }

  #rowOf(entry: Entry): ConnectionRow {
    const { connection, slot } = entry;
    const { session, words, machine, link } = connection;
    const base = { id: this.#idOf(entry), machine, state: words.join('.'), sinceMs: this.#rings.lastMs(slot) };
    return { ...sessionRow(session), ...base, address: addressOf(link) };
  }

  #connectionDetail(entry: Entry): ConnectionDetail {
    const { machine, words, link } = entry.connection;
    return {
      id: this.#idOf(entry),
      machine,
      state: words.join('.'),
      address: addressOf(link),
      sinceMs: this.#rings.lastMs(entry.slot) ?? 0,
      bytesIn: link?.bytesRead ?? 0,
      bytesOut: link?.bytesWritten ?? 0,
    };
  }
}

function carries({ session }: RosterConnection, id: string): boolean {
  return session !== undefined && session.id === id;
}

function factsOf(news: Exclude<ShardNews, { type: 'error' }>) {
  switch (news.type) {
    case 'session':
      return { what: 'begins' } as const;
    case 'up':
      return { what: 'up', resumed: news.resumed } as const;
    case 'down':
      return { what: 'down', code: news.code } as const;
    case 'gap':
      return { what: 'gap', unconfirmed: news.unconfirmed, carried: news.carried } as const;
    case 'end':
      return { what: 'ends', code: news.code, unconfirmed: news.unconfirmed, carried: news.carried } as const;
  }
}
