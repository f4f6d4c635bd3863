/**
 * Which shard is the home of a session: a rendezvous hash, so that any thread finds any session by its id alone. What it
 * gives must never change: journals and clients' direct ports rely on it from one version to the next.
 */
import { invariant } from '../errors.ts';

/** FNV-1a, 32 bits (Fowler, Noll, Vo), over UTF-16 code units. */
const FNV_OFFSET = 0x811c9dc5;
const FNV_PRIME = 0x01000193;

/** 2^32 over the golden ratio, odd: times it, neighbouring places lie far apart and no two places fall together. */
const GOLDEN = 0x9e3779b9;

/**
 * The place that an id belongs to: the one with the highest score (Thaler and Ravishankar, rendezvous hashing), whatever
 * the order of `places`. A place that leaves or joins moves only its own ids. Throws `InvariantBroken` for no places.
 */
export function homeOf(id: string, places: readonly number[]): number {
  invariant(places.length > 0, `expected at least one place for session ${id}, got none`);
  const seed = hashOf(id);
  let home = -1;
  let highest = -1;
  for (const place of places) {
    const score = mix(seed ^ Math.imul(place, GOLDEN));
    if (score <= highest) continue;
    highest = score;
    home = place;
  }
  return home;
}

function hashOf(id: string): number {
  let hash = FNV_OFFSET;
  for (let index = 0; index < id.length; index += 1) hash = Math.imul(hash ^ id.charCodeAt(index), FNV_PRIME);
  return hash;
}

/** The finalizer of MurmurHash3 (Appleby), a bijection: different places never have the same score for one id. */
function mix(bits: number): number {
  let mixed = Math.imul(bits ^ (bits >>> 16), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return (mixed ^ (mixed >>> 16)) >>> 0;
}
