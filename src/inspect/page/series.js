/**
 * The last five minutes, a point a second, made of the counts that the fleet frames bring. Totals become rates; a shard that
 * began anew counts from zero, one that is gone takes nothing back.
 * @import { HubFrame, SeriesName, FleetShard } from '../frames.ts'
 */

const POINT_MS = 1000;
const POINTS_MAX = 300;
const SHARD_POINTS_MAX = 60;

const totals = /** @type {const} */ (['messagesIn', 'messagesOut', 'acked', 'cuts', 'resumes', 'bytesIn', 'bytesOut']);
const gauges = /** @type {const} */ (['outboxMessages', 'outboxBytes', 'connections']);
/** @typedef {typeof totals[number]} TotalName */

/**
 * What a shard does now, a second.
 * @typedef {{ readonly messagesIn: number, readonly messagesOut: number, readonly cuts: number, readonly points: readonly number[] }} ShardRates
 */

/** @typedef {Readonly<Record<string, Readonly<Record<string, number>>>>} Entries by machine and state, a second */

/** Collects points; one of these lives as long as the page. */
export class Series {
  /** @type {Map<SeriesName, number[]>} */
  #points = new Map();
  /** @type {Map<string, FleetShard>} */
  #before = new Map();
  /** @type {Map<string, ShardRates>} */
  #shards = new Map();
  /** @type {Map<string, Entries>} */
  #entries = new Map();
  /** @type {number | undefined} */
  #sinceMs = undefined;
  /** @type {number | undefined} */
  #endMs = undefined;

  /** When the last point was taken, in Unix milliseconds of the hub; undefined before the first. */
  get endMs() {
    return this.#endMs;
  }

  /**
   * Takes the hub's own memory in place of what was collected here.
   * @param {Extract<HubFrame, { type: 'history' }>} frame
   */
  restore({ series, endMs }) {
    this.#points = new Map([...totals, ...gauges].map((name) => [name, (series[name] ?? []).slice(-POINTS_MAX)]));
    this.#endMs = endMs;
    this.#sinceMs = undefined;
    this.#before.clear();
  }

  /**
   * Takes the counts of a moment; says whether that completed a point.
   * @param {Extract<HubFrame, { type: 'fleet' }>} frame
   */
  take({ atMs, shards }) {
    if (this.#sinceMs === undefined) {
      this.#sinceMs = atMs;
      this.#remember(shards);
      return false;
    }
    const forMs = atMs - this.#sinceMs;
    if (forMs < POINT_MS) return false;
    const count = Math.min(POINTS_MAX, Math.round(forMs / POINT_MS));
    for (const name of totals) {
      const gained = shards.reduce((sum, shard) => sum + this.#gainOf(shard, name), 0);
      this.#push(name, (gained * 1000) / forMs, count);
    }
    for (const name of gauges)
      this.#push(
        name,
        shards.reduce((sum, shard) => sum + shard[name], 0),
        count,
      );
    for (const shard of shards) this.#takeShard(shard, forMs);
    this.#remember(shards);
    this.#sinceMs = atMs;
    this.#endMs = atMs;
    return true;
  }

  /**
   * The points of a series, oldest first, at most 300.
   * @param {SeriesName} name
   * @returns {readonly number[]}
   */
  pointsOf(name) {
    return this.#points.get(name) ?? [];
  }

  /**
   * The last value of a series, 0 before there is one.
   * @param {SeriesName} name
   */
  lastOf(name) {
    return this.#points.get(name)?.at(-1) ?? 0;
  }

  /**
   * What a shard does; undefined before its first point.
   * @param {string} place
   */
  shardOf(place) {
    return this.#shards.get(place);
  }

  /**
   * How often a second the states of a machine were entered, in one shard or in all.
   * @param {string} machine
   * @param {string | undefined} place
   */
  entriesOf(machine, place) {
    /** @type {Record<string, number>} */
    const sums = {};
    for (const [each, entries] of this.#entries) {
      if (place !== undefined && each !== place) continue;
      for (const [state, rate] of Object.entries(entries[machine] ?? {})) sums[state] = (sums[state] ?? 0) + rate;
    }
    return sums;
  }

  /**
   * @param {FleetShard} shard
   * @param {number} forMs
   */
  #takeShard(shard, forMs) {
    const before = this.#before.get(shard.place);
    // As with totals: a shard seen for the first time may be old, one that began anew counts from zero.
    const isKnown = before !== undefined;
    const begin = before?.generation === shard.generation ? before.entries : {};
    /** @type {Record<string, Record<string, number>>} */
    const entries = {};
    for (const [machine, counts] of Object.entries(shard.entries)) {
      const rates = Object.entries(counts).map(([state, count]) => {
        const gained = isKnown ? Math.max(0, count - (begin[machine]?.[state] ?? 0)) : 0;
        return /** @type {const} */ ([state, (gained * 1000) / forMs]);
      });
      entries[machine] = Object.fromEntries(rates);
    }
    this.#entries.set(shard.place, entries);
    /** @param {TotalName} name */
    const rate = (name) => (this.#gainOf(shard, name) * 1000) / forMs;
    const points = [...(this.#shards.get(shard.place)?.points ?? []), rate('messagesIn') + rate('messagesOut')];
    this.#shards.set(shard.place, {
      messagesIn: rate('messagesIn'),
      messagesOut: rate('messagesOut'),
      cuts: rate('cuts'),
      points: points.slice(-SHARD_POINTS_MAX),
    });
  }

  /**
   * @param {FleetShard} shard
   * @param {TotalName} name
   */
  #gainOf(shard, name) {
    const before = this.#before.get(shard.place);
    // A shard seen for the first time may be old: what it did before is not of this second.
    if (before === undefined) return 0;
    return before.generation === shard.generation ? Math.max(0, shard[name] - before[name]) : shard[name];
  }

  /** @param {readonly FleetShard[]} shards */
  #remember(shards) {
    const present = new Set(shards.map(({ place }) => place));
    for (const place of this.#shards.keys()) {
      if (present.has(place)) continue;
      this.#shards.delete(place);
      this.#entries.delete(place);
    }
    for (const shard of shards) this.#before.set(shard.place, shard);
  }

  /**
   * @param {SeriesName} name
   * @param {number} value
   * @param {number} count
   */
  #push(name, value, count) {
    const points = this.#points.get(name) ?? [];
    for (let at = 0; at < count; at += 1) points.push(value);
    points.splice(0, points.length - POINTS_MAX);
    this.#points.set(name, points);
  }
}
