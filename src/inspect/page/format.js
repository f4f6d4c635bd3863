/** Numbers, bytes, spans of time and ids in words short enough for a table. */

const whole = new Intl.NumberFormat('en', { maximumFractionDigits: 0 });
const tenths = new Intl.NumberFormat('en', { maximumFractionDigits: 1 });
const compact = new Intl.NumberFormat('en', { notation: 'compact', maximumFractionDigits: 1 });

/** Stands where nothing is known. */
export const UNKNOWN = '–';

/**
 * A count: in full up to a hundred thousand, then shortened.
 * @param {number | undefined} value
 */
export function countText(value) {
  if (value === undefined) return UNKNOWN;
  return value < 100_000 ? whole.format(value) : compact.format(value);
}

/**
 * A rate or a mean, with a decimal below ten.
 * @param {number | undefined} value
 */
export function rateText(value) {
  if (value === undefined) return UNKNOWN;
  return value < 9.95 ? tenths.format(value) : countText(Math.round(value));
}

/**
 * How often a state is entered; nothing where nobody enters it.
 * @param {number} rate a second
 */
export function entriesText(rate) {
  return rate === 0 ? '' : rate < 0.05 ? '<0.1/s' : `${rateText(rate)}/s`;
}

/**
 * Bytes in binary units.
 * @param {number | undefined} bytes
 */
export function bytesText(bytes) {
  if (bytes === undefined) return UNKNOWN;
  if (bytes < 1024) return `${whole.format(bytes)} B`;
  const steps = Math.min(4, Math.floor(Math.log2(bytes) / 10));
  return `${tenths.format(bytes / 1024 ** steps)} ${['B', 'KiB', 'MiB', 'GiB', 'TiB'][steps] ?? ''}`;
}

/**
 * A span of time in its two largest units.
 * @param {number | undefined} ms
 */
export function spanText(ms) {
  if (ms === undefined) return UNKNOWN;
  if (ms < 1000) return `${whole.format(Math.max(0, ms))} ms`;
  if (ms < 10_000) return `${tenths.format(ms / 1000)} s`;
  const seconds = Math.floor(ms / 1000);
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min ${seconds % 60} s`;
  const hours = Math.floor(minutes / 60);
  return hours < 24 ? `${hours} h ${minutes % 60} min` : `${Math.floor(hours / 24)} d ${hours % 24} h`;
}

/**
 * How long something has been so, as coarse as a table can have it without changing all the time.
 * @param {number | undefined} ms
 */
export function ageText(ms) {
  if (ms === undefined) return UNKNOWN;
  const seconds = Math.max(0, Math.floor(ms / 1000));
  if (seconds < 60) return `${seconds} s`;
  return seconds < 3600 ? `${Math.floor(seconds / 60)} min` : spanText(ms);
}

/**
 * A round trip, in milliseconds below a second.
 * @param {number | undefined} ms
 */
export function roundTripText(ms) {
  if (ms === undefined) return UNKNOWN;
  return ms < 9.95 ? `${tenths.format(ms)} ms` : spanText(Math.round(ms));
}

/**
 * The time of day with milliseconds, as the viewer's clock has it.
 * @param {number} atMs Unix milliseconds
 */
export function timeText(atMs) {
  const at = new Date(atMs);
  /** @param {number} value */
  const two = (value) => String(value).padStart(2, '0');
  return `${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}.${String(at.getMilliseconds()).padStart(3, '0')}`;
}

/**
 * A long id by its beginning.
 * @param {string | undefined} id
 */
export function shortId(id) {
  if (id === undefined) return UNKNOWN;
  return id.length <= 13 ? id : `${id.slice(0, 12)}…`;
}

/**
 * Any value of a store or a context in one line.
 * @param {unknown} value
 */
export function valueText(value) {
  if (typeof value === 'number') return String(Math.round(value * 100) / 100);
  return typeof value === 'string' ? value : (JSON.stringify(value) ?? UNKNOWN);
}

/**
 * What a place is called: `0` is a shard, `c1` a process that only dials.
 * @param {string} place
 */
export function placeText(place) {
  return /^\d+$/.test(place) ? `shard ${place}` : /^c\d+$/.test(place) ? `client ${place.slice(1)}` : place;
}
