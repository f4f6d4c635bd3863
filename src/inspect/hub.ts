/**
 * Joins the threads that hold connections with those who look at them: asks on behalf of viewers, gathers the answers, and
 * passes on what watched connections do. While nobody looks it reads a few counters a second and asks nothing.
 */
import type {
  ConnectionRow,
  Detail,
  InspectOrder,
  InspectReport,
  InspectSource,
  RowFilter,
  WatchEvent,
} from '../actors/events.ts';
import { Counters, type FleetShard } from './counters.ts';
import { HISTORY_EVERY_MS, History } from './history.ts';

/** How often the counts of the fleet, and the details of what is watched, are looked at. */
export const FLEET_EVERY_MS = 250;

/** A thread that has not answered after this time is left out of an answer. */
const ANSWER_MS = 1_000;

/** Events that are kept of what is watched, for viewers that come later. */
const KEPT_EVENTS = 200;

/** Rows of one answer at most. */
const ROWS_MAX = 1_000;

/** What somebody who looks is told. */
export interface Onlooker {
  fleet(frame: { readonly atMs: number; readonly shards: readonly FleetShard[] }): void;
  /** `isWhole`: these are all events that are kept, in place of those told before. */
  watched(id: string, events: readonly WatchEvent[], isWhole: boolean): void;
  /** What is so at one place: both ends of a session may be in this process. */
  detail(id: string, place: string, atMs: number, detail: Detail): void;
  /** Nothing with this id is there, or is there any more. */
  gone(id: string): void;
}

/** Rows that were asked for. */
export interface Listed {
  readonly total: number;
  readonly rows: readonly ConnectionRow[];
}

interface Joined {
  readonly source: InspectSource;
  readonly counters: Counters;
}

/** A question that several threads answer. */
interface Asking {
  readonly open: Set<Joined>;
  readonly rows: ConnectionRow[];
  readonly limit: number;
  readonly timer: NodeJS.Timeout;
  readonly done: (listed: Listed) => void;
  total: number;
}

/** Something that is watched, by anybody. */
interface Watched {
  readonly onlookers: Set<Onlooker>;
  /** Who may have it: all at first, then those who did not say that they do not. */
  readonly owners: Set<Joined>;
  readonly events: WatchEvent[];
  /** By place, the last one. */
  readonly details: Map<string, { readonly detail: Detail; readonly text: string }>;
}

/** The middle between threads and viewers. */
export class Hub {
  readonly history = new History();
  readonly #sources = new Set<Joined>();
  readonly #onlookers = new Set<Onlooker>();
  readonly #askings = new Map<number, Asking>();
  readonly #watched = new Map<string, Watched>();
  readonly #historyTimer: NodeJS.Timeout;
  #fleetTimer: NodeJS.Timeout | undefined;
  #lastAsk = 0;

  constructor() {
    this.#historyTimer = setInterval(() => this.history.add(this.fleet()), HISTORY_EVERY_MS).unref();
  }

  /** A thread with connections is there. */
  join(source: InspectSource): { readonly told: (report: InspectReport) => void; readonly leave: () => void } {
    const joined: Joined = { source, counters: new Counters(source) };
    this.#sources.add(joined);
    // What is watched may come up again here: a session goes on in the shard that takes its place.
    for (const [id, watched] of this.#watched) {
      watched.owners.add(joined);
      source.order({ type: 'watch', id });
    }
    return { told: (report) => this.#told(joined, report), leave: () => this.#left(joined) };
  }

  /** The counts of all threads now. */
  fleet(): FleetShard[] {
    return [...this.#sources].map(({ counters }) => counters.read());
  }

  /** Somebody begins to look. */
  enter(onlooker: Onlooker): void {
    this.#onlookers.add(onlooker);
    this.#fleetTimer ??= setInterval(() => this.#tick(), FLEET_EVERY_MS).unref();
  }

  /** Somebody looks no more. */
  leave(onlooker: Onlooker): void {
    this.#onlookers.delete(onlooker);
    for (const id of this.#watched.keys()) this.unwatch(onlooker, id);
    if (this.#onlookers.size > 0) return;
    clearInterval(this.#fleetTimer);
    this.#fleetTimer = undefined;
  }

  /** Lists connections of one place, or of all. */
  list(place: string | undefined, filter: RowFilter, limit: number): Promise<Listed> {
    this.#lastAsk += 1;
    const ask = this.#lastAsk;
    const asked = [...this.#sources].filter(({ source }) => place === undefined || source.place === place);
    const most = Math.min(Math.max(0, Math.trunc(limit)), ROWS_MAX);
    return new Promise((done) => {
      const timer = setTimeout(() => this.#answer(ask), ANSWER_MS).unref();
      this.#askings.set(ask, { open: new Set(asked), rows: [], limit: most, timer, done, total: 0 });
      for (const { source } of asked) source.order({ type: 'list', ask, filter, limit: most });
      if (asked.length === 0) this.#answer(ask);
    });
  }

  /**
   * Tells this onlooker what a connection or a session does, until `unwatch`. Whoever watches it already is told all that is kept
   * once more: frames may have been left out.
   */
  watch(onlooker: Onlooker, id: string): void {
    const known = this.#watched.get(id);
    if (known !== undefined) {
      known.onlookers.add(onlooker);
      onlooker.watched(id, known.events, true);
      for (const [place, { detail }] of known.details) onlooker.detail(id, place, Date.now(), detail);
      return;
    }
    const owners = new Set(this.#sources);
    this.#watched.set(id, { onlookers: new Set([onlooker]), owners, events: [], details: new Map() });
    for (const { source } of owners) source.order({ type: 'watch', id });
    if (owners.size === 0) this.#gone(id);
  }

  /** The opposite; the threads forget it when nobody is left. */
  unwatch(onlooker: Onlooker, id: string): void {
    const watched = this.#watched.get(id);
    if (watched === undefined || !watched.onlookers.delete(onlooker) || watched.onlookers.size > 0) return;
    this.#watched.delete(id);
    this.#orderAll({ type: 'unwatch', id });
  }

  /** Breaks the line of a connection, or the one that a session has. */
  cut(id: string): void {
    this.#orderAll({ type: 'cut', id });
  }

  /** Nothing is told any more. */
  close(): void {
    clearInterval(this.#historyTimer);
    clearInterval(this.#fleetTimer);
    for (const ask of this.#askings.keys()) this.#answer(ask);
    this.#onlookers.clear();
    this.#watched.clear();
    this.#sources.clear();
  }

  // ---- below

  #orderAll(order: InspectOrder): void {
    for (const { source } of this.#sources) source.order(order);
  }

  #tick(): void {
    const frame = { atMs: Date.now(), shards: this.fleet() };
    for (const onlooker of this.#onlookers) onlooker.fleet(frame);
    for (const [id, { owners }] of this.#watched) for (const { source } of owners) source.order({ type: 'look', id });
  }

  #left(joined: Joined): void {
    if (!this.#sources.delete(joined)) return;
    for (const [ask, asking] of this.#askings)
      if (asking.open.delete(joined) && asking.open.size === 0) this.#answer(ask);
    for (const [id, { owners }] of this.#watched) if (owners.delete(joined) && owners.size === 0) this.#gone(id);
  }

  #told(joined: Joined, report: InspectReport): void {
    if (!this.#sources.has(joined)) return;
    switch (report.type) {
      case 'listed':
        return this.#listed(joined, report);
      case 'watched':
        return this.#reported(report.id, report.events);
      case 'detail':
        return this.#detailed(report.id, joined.source.place, report.detail);
      case 'unknown': {
        const watched = this.#watched.get(report.id);
        if (watched?.owners.delete(joined) === true && watched.owners.size === 0) this.#gone(report.id);
      }
    }
  }

  #listed(joined: Joined, { ask, rows, total }: Extract<InspectReport, { type: 'listed' }>): void {
    const asking = this.#askings.get(ask);
    if (asking === undefined || !asking.open.delete(joined)) return;
    asking.total += total;
    asking.rows.push(...rows);
    if (asking.open.size === 0) this.#answer(ask);
  }

  #answer(ask: number): void {
    const asking = this.#askings.get(ask);
    if (asking === undefined) return;
    this.#askings.delete(ask);
    clearTimeout(asking.timer);
    asking.done({ total: asking.total, rows: asking.rows.slice(0, asking.limit) });
  }

  #reported(id: string, events: readonly WatchEvent[]): void {
    const watched = this.#watched.get(id);
    if (watched === undefined) return;
    watched.events.push(...events);
    if (watched.events.length > KEPT_EVENTS) watched.events.splice(0, watched.events.length - KEPT_EVENTS);
    for (const onlooker of watched.onlookers) onlooker.watched(id, events, false);
  }

  #detailed(id: string, place: string, detail: Detail): void {
    const watched = this.#watched.get(id);
    if (watched === undefined) return;
    const text = JSON.stringify(detail);
    if (text === watched.details.get(place)?.text) return;
    watched.details.set(place, { detail, text });
    for (const onlooker of watched.onlookers) onlooker.detail(id, place, Date.now(), detail);
  }

  #gone(id: string): void {
    const watched = this.#watched.get(id);
    this.#watched.delete(id);
    for (const onlooker of watched?.onlookers ?? []) onlooker.gone(id);
  }
}
