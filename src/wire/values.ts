/**
 * What a message may hold beyond JSON, and how it is carried: dates, maps, sets, bigints, errors and repeated objects
 * are replaced by tags, in a copy; the user's own objects are never changed. `restore.ts` is the way back. The tag class
 * to write is an argument, so that only the codec knows who encodes. As in JSON, a getter is read like any property, and
 * what is keyed by a symbol stays behind: to look for them costs half as much again as the whole survey of a message.
 */
import { HomingError } from '../errors.ts';
import { BIGINT_BYTES_MAX, DEPTH_MAX, LINKS_MAX, ValueTag, forbiddenKeys } from './limits.ts';
import type { WireLimits } from './limits.ts';
import { pathOf, placeOf, stepsTo } from './place.ts';
import type { Place } from './place.ts';

/** The class whose instances the CBOR library writes as tagged items. */
export type TagClass = new (value: unknown, tag: number) => object;

/** Makes references of what stays here and can be used from the other end. They throw `NotEncodable` at a bound. */
export interface OutCarrier {
  /** The reference of a function; `self` is the object whose method it is. */
  functionOut(work: (...args: unknown[]) => unknown, self: object | undefined): number;
  /** The reference of an async iterable. */
  streamOut(stream: AsyncIterable<unknown>): number;
}

/** Stands for -0, which the CBOR library would write as 0: the same eight bytes under an integer's head. */
export const NEGATIVE_ZERO_MARK = 2n ** 63n;

/** What `toWire` makes: a tree of plain values and tags, and whether it holds `NEGATIVE_ZERO_MARK`. */
export interface WireTree {
  readonly tree: unknown;
  readonly hasNegativeZero: boolean;
}

/**
 * Copies a value into what the CBOR library can write. Throws `NotEncodable` with the path of the first value that
 * cannot cross, or `MessageTooLarge`. `root` names the value in that path; without it the value is a message
 * `[name, ...args]`.
 */
export function toWire(
  value: unknown,
  limits: WireLimits,
  tagClass: TagClass,
  root?: string,
  carrier?: OutCarrier,
): WireTree {
  const copying = new Copying(limits, tagClass, root, carrier);
  const tree = copying.copy(value, undefined, '', 0, 0);
  return { tree, hasNegativeZero: copying.hasNegativeZero };
}

class Copying {
  hasNegativeZero = false;
  readonly #limits: WireLimits;
  readonly #tagClass: TagClass;
  readonly #root: string | undefined;
  readonly #depthMax: number;
  readonly #places = new Map<object, Place>();
  #items = 1;
  #links = 0;
  readonly #carrier: OutCarrier | undefined;
  #bytesLeft: number;

  constructor(limits: WireLimits, tagClass: TagClass, root: string | undefined, carrier: OutCarrier | undefined) {
    this.#carrier = carrier;
    this.#limits = limits;
    this.#tagClass = tagClass;
    this.#root = root;
    this.#depthMax = Math.min(limits.depth, DEPTH_MAX);
    this.#bytesLeft = limits.messageBytes;
  }

  /** The copy of the value that stands `step` below `parent`; `depth` counts the containers around it. */
  copy(value: unknown, parent: Place | undefined, step: string | number, into: number, depth: number): unknown {
    switch (typeof value) {
      case 'string':
        this.#checkText('text', value, parent, step, into);
        return value;
      case 'number':
        if (!Object.is(value, -0)) return value;
        this.hasNegativeZero = true;
        return NEGATIVE_ZERO_MARK;
      case 'boolean':
      case 'undefined':
        return value;
      case 'bigint':
        return this.#bigint(value, parent, step, into);
      case 'object':
        if (value === null) return null;
        return this.#object(value, placeOf(parent, step, into), depth);
      case 'function':
        return this.#function(value as Work, undefined, placeOf(parent, step, into));
      default:
        return this.#refuse(`a ${typeof value} cannot cross`, placeOf(parent, step, into));
    }
  }

  #object(value: object, place: Place, depth: number): unknown {
    const first = this.#places.get(value);
    if (first !== undefined) return this.#link(first, place);
    this.#places.set(value, place);
    const prototype: unknown = Object.getPrototypeOf(value);
    if (prototype === Object.prototype || prototype === null) {
      return isStream(value) ? this.#stream(value, place) : this.#entries(value, place, depth + 1);
    }
    if (prototype === Array.prototype) return this.#elements(value as unknown[], place, 0, depth + 1);
    if (value instanceof Uint8Array) {
      this.#spend(value.length);
      return value;
    }
    if (prototype === Date.prototype) return new this.#tagClass((value as Date).getTime(), ValueTag.DATE);
    if (prototype === Map.prototype) {
      this.#checkLength(2 * (value as Map<unknown, unknown>).size, place);
      const pairs: unknown[] = [];
      for (const [key, item] of value as Map<unknown, unknown>) pairs.push(key, item);
      return new this.#tagClass(this.#elements(pairs, place, ValueTag.MAP, depth + 1), ValueTag.MAP);
    }
    if (prototype === Set.prototype) {
      this.#checkLength((value as Set<unknown>).size, place);
      return new this.#tagClass(
        this.#elements([...(value as Set<unknown>)], place, ValueTag.SET, depth + 1),
        ValueTag.SET,
      );
    }
    if (value instanceof Error) return this.#error(value, place, depth + 1);
    if (isStream(value)) return this.#stream(value, place);
    return this.#refuse(`${kindOf(value)} cannot cross`, place);
  }

  #elements(elements: readonly unknown[], place: Place, into: number, depth: number): unknown[] {
    const length = elements.length;
    this.#checkLength(length, place);
    this.#checkDepth(place, depth);
    this.#count(length, place);
    const copies: unknown[] = [];
    for (let i = 0; i < length; i++) {
      if (!(i in elements)) this.#refuse('a hole in an array cannot cross', { parent: place, step: i, into });
      copies.push(this.copy(elements[i], place, i, into, depth));
    }
    return copies;
  }

  #entries(value: object, place: Place, depth: number): unknown {
    this.#checkDepth(place, depth);
    const copies: Record<string, unknown> = {};
    let count = 0;
    for (const key in value) {
      if (!Object.hasOwn(value, key)) continue;
      if (++count > this.#limits.mapEntries) this.#refuse(`more than ${this.#limits.mapEntries} keys`, place);
      if (key.length > 8 && forbiddenKeys.includes(key)) this.#refuse(`the key "${key}" cannot cross`, place);
      this.#checkText('key', key, place, key, 0);
      const item = this.#item(value, key, place);
      copies[key] =
        typeof item === 'function'
          ? this.#function(item as Work, value, { parent: place, step: key, into: 0 })
          : this.copy(item, place, key, 0, depth);
    }
    this.#count(2 * count, place);
    return copies;
  }

  #function(work: Work, self: object | undefined, place: Place): object {
    if (this.#carrier === undefined) return this.#refuse('a function cannot cross', place);
    return new this.#tagClass(this.#carrier.functionOut(work, self), ValueTag.FUNCTION);
  }

  #stream(stream: AsyncIterable<unknown>, place: Place): object {
    if (this.#carrier === undefined) return this.#refuse('an async iterable cannot cross', place);
    return new this.#tagClass(this.#carrier.streamOut(stream), ValueTag.STREAM);
  }

  #item(value: object, key: string, place: Place): unknown {
    try {
      return (value as Readonly<Record<string, unknown>>)[key];
    } catch (cause) {
      const sentence = `${pathOf(placeOf(place, key, 0), this.#root)}: reading it threw`;
      throw new HomingError('NotEncodable', sentence, { cause });
    }
  }

  #error(error: Error, place: Place, depth: number): object {
    const code = 'code' in error && typeof error.code === 'string' ? error.code : undefined;
    const fields = [String(error.name), String(error.message), code, error.cause];
    return new this.#tagClass(this.#elements(fields, place, ValueTag.ERROR, depth), ValueTag.ERROR);
  }

  #bigint(value: bigint, parent: Place | undefined, step: string | number, into: number): object {
    const digits = (value < 0n ? -value : value).toString(16);
    const count = value === 0n ? 0 : (digits.length + 1) >> 1;
    if (count >= BIGINT_BYTES_MAX) this.#refuse(`a bigint of ${count} bytes cannot cross`, placeOf(parent, step, into));
    const bytes = new Uint8Array(count + 1);
    bytes[0] = value < 0n ? 1 : 0;
    for (let i = count, end = digits.length; i > 0; i--, end -= 2) {
      bytes[i] = Number.parseInt(digits.slice(Math.max(0, end - 2), end), 16);
    }
    return new this.#tagClass(bytes, ValueTag.BIGINT);
  }

  #link(first: Place, place: Place): object {
    if (++this.#links > LINKS_MAX) this.#refuse(`more than ${LINKS_MAX} repeated references in one message`, place);
    return new this.#tagClass(stepsTo(first), ValueTag.LINK);
  }

  #checkDepth(place: Place, depth: number): void {
    if (depth > this.#depthMax) this.#refuse(`nested deeper than ${this.#depthMax}`, place);
  }

  #checkLength(length: number, place: Place): void {
    const most = this.#limits.arrayItems;
    if (length > most) this.#refuse(`${length} elements, at most ${most} cross`, place);
  }

  #count(items: number, place: Place): void {
    this.#items += items;
    if (this.#items > this.#limits.items) this.#refuse(`more than ${this.#limits.items} values in one message`, place);
  }

  #checkText(what: 'text' | 'key', text: string, parent: Place | undefined, step: string | number, into: number): void {
    const most = what === 'key' ? this.#limits.keyBytes : this.#limits.textBytes;
    this.#spend(text.length);
    if (!text.isWellFormed()) this.#refuse(`a ${what} with a lone surrogate cannot cross`, placeOf(parent, step, into));
    if (text.length * 3 > most && utf8Length(text) > most) {
      this.#refuse(`a ${what} of ${utf8Length(text)} bytes, at most ${most} cross`, placeOf(parent, step, into));
    }
  }

  #spend(bytes: number): void {
    this.#bytesLeft -= bytes;
    if (this.#bytesLeft < 0) {
      throw new HomingError('MessageTooLarge', `expected at most ${this.#limits.messageBytes} bytes, got more`);
    }
  }

  #refuse(why: string, place: Place): never {
    throw new HomingError('NotEncodable', `${pathOf(place, this.#root)}: ${why}`);
  }
}

type Work = (...args: unknown[]) => unknown;

function isStream(value: object): value is AsyncIterable<unknown> {
  return typeof (value as Partial<AsyncIterable<unknown>>)[Symbol.asyncIterator] === 'function';
}

function kindOf(value: object): string {
  const maker: unknown = Reflect.get(value, 'constructor');
  const name = typeof maker === 'function' && maker.name !== '' ? maker.name : 'a class';
  return `an instance of ${name}`;
}

/** Bytes of a well-formed text in UTF-8. */
function utf8Length(text: string): number {
  let count = 0;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    // the two halves of a pair make four bytes
    count += unit < 0x80 ? 1 : unit < 0x800 || (unit & 0xf800) === 0xd800 ? 2 : 3;
  }
  return count;
}
