/** The inspector's page at the other end of a WebSocket: what it asks and what it is told, as JSON. */
import { createRequire } from 'node:module';
import { HISTORY_EVERY_MS } from './history.ts';
import { FLEET_EVERY_MS, type Hub, type Onlooker } from './hub.ts';
import type { RowFilter, WatchEvent, Detail } from '../actors/events.ts';
import type { FleetShard } from './counters.ts';
import type { HubFrame } from './frames.ts';
import { definitions } from './stately.ts';

/** What a session with a viewer is made with. */
export interface SessionParts {
  readonly hub: Hub;
  readonly send: (frame: object) => void;
  readonly node: string;
  readonly mayCut: boolean;
}

const { version } = createRequire(import.meta.url)('homing/package.json') as { readonly version: string };

/** Connections that one viewer may watch at a time. */
export const WATCHES_MAX = 50;

const ROWS_USUAL = 200;

/** One page. */
export class LiveSession implements Onlooker {
  readonly #parts: SessionParts;
  readonly #watches = new Set<string>();
  /** Who tells the details of what is watched, where both ends are in this process: the one that holds the session. */
  readonly #tellers = new Map<string, string>();

  constructor(parts: SessionParts) {
    this.#parts = parts;
    const { hub, node, mayCut } = parts;
    this.#send({ type: 'hello', node, version, mayCut, machines: definitions, everyMs: FLEET_EVERY_MS });
    this.#send({ type: 'history', everyMs: HISTORY_EVERY_MS, endMs: Date.now(), series: hub.history.series });
    this.#send({ type: 'fleet', atMs: Date.now(), shards: hub.fleet() });
    hub.enter(this);
  }

  /** Takes a request; one that makes no sense is answered with `failed`. */
  take(text: string): void {
    let request: unknown;
    try {
      request = JSON.parse(text);
    } catch {
      return this.#fail(undefined, 'expected JSON');
    }
    if (typeof request !== 'object' || request === null) return this.#fail(undefined, 'expected an object');
    this.#obey(request as Readonly<Record<string, unknown>>);
  }

  /** The viewer is gone. */
  close(): void {
    this.#parts.hub.leave(this);
  }

  // ---- what the hub tells

  fleet(frame: { readonly atMs: number; readonly shards: readonly FleetShard[] }): void {
    this.#send({ type: 'fleet', ...frame });
  }

  watched(id: string, events: readonly WatchEvent[], isWhole: boolean): void {
    this.#send({ type: 'watched', id, events: events.map(named), ...(isWhole ? { isWhole } : {}) });
  }

  detail(id: string, place: string, atMs: number, detail: Detail): void {
    const known = this.#tellers.get(id);
    if (known === undefined || (isClients(known) && !isClients(place))) this.#tellers.set(id, place);
    if (this.#tellers.get(id) !== place) return;
    this.#send({ type: 'detail', id, place, atMs, ...detail });
  }

  gone(id: string): void {
    this.#watches.delete(id);
    this.#tellers.delete(id);
    this.#send({ type: 'gone', id, why: 'nothing with this id is here (any more)' });
  }

  // ---- what the viewer asks

  #obey(request: Readonly<Record<string, unknown>>): void {
    const { type, id, ask } = request;
    if (type === 'list') return void this.#list(request);
    if (typeof id !== 'string') return this.#fail(ask, `expected a request with an id, got ${String(type)}`);
    switch (type) {
      case 'watch':
        if (this.#watches.size >= WATCHES_MAX && !this.#watches.has(id))
          return this.#fail(ask, `at most ${WATCHES_MAX} are watched at a time`);
        this.#watches.add(id);
        return this.#parts.hub.watch(this, id);
      case 'unwatch':
        this.#watches.delete(id);
        this.#tellers.delete(id);
        return this.#parts.hub.unwatch(this, id);
      case 'cut':
        if (this.#parts.mayCut) return this.#parts.hub.cut(id);
        return this.#fail(ask, 'this inspector does not allow cutting (inspect: { mayCut: true })');
      default:
        return this.#fail(ask, `expected list, watch, unwatch or cut, got ${String(type)}`);
    }
  }

  async #list({
    ask,
    shard,
    machine,
    state,
    filter,
    search,
    limit = ROWS_USUAL,
  }: Readonly<Record<string, unknown>>): Promise<void> {
    if (typeof limit !== 'number' || !Number.isFinite(limit)) return this.#fail(ask, 'expected limit to be a number');
    const wanted: RowFilter = {
      state: textOf(state),
      machine: machine === 'accepting' || machine === 'dialling' ? machine : undefined,
      search: textOf(search),
      store: typeof filter === 'object' && filter !== null ? (filter as RowFilter['store']) : undefined,
    };
    const { total, rows } = await this.#parts.hub.list(textOf(shard), wanted, limit);
    this.#send({ type: 'rows', ask: askOf(ask) ?? 0, total, rows });
  }

  #fail(ask: unknown, message: string): void {
    this.#send({ type: 'failed', ask: askOf(ask), message });
  }

  #send(frame: HubFrame): void {
    this.#parts.send(frame);
  }
}

/** Clients of this process, as far as a place says so: shards are numbers. */
function isClients(place: string): boolean {
  return !/^\d+$/u.test(place);
}

/** Timers by the names of their delays: `after redial`. */
function named(event: WatchEvent): WatchEvent {
  if (event.type !== 'step' || !event.event.startsWith('xstate.')) return event;
  const [, kind, delay] = event.event.split('.');
  return { ...event, event: kind === 'after' ? `after ${delay}` : (kind ?? '') };
}

function askOf(value: unknown): number | undefined {
  return typeof value === 'number' ? value : undefined;
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}
