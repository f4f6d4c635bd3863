/**
 * What a message may hold beyond JSON, and how it is carried: before encoding, dates, maps, sets, bigints, errors and
 * repeated objects are replaced by tags in a copy; after decoding, tags are replaced by them in place. The user's own
 * objects are never changed. The tag class to write is an argument, so that only the codec knows who encodes.
 */
import { HomingError } from '../errors.ts';
import { BIGINT_BYTES_MAX, DEPTH_MAX, LINKS_MAX, ValueTag, forbiddenKeys } from './limits.ts';
import type { WireLimits } from './limits.ts';
import { Tagged } from './reader.ts';

/** The class whose instances the CBOR library writes as tagged items. */
export type TagClass = new (value: unknown, tag: number) => object;

/** Stands for -0, which the CBOR library would write as 0: the same eight bytes under an integer's head. */
export const NEGATIVE_ZERO_MARK = 2n ** 63n;

const objectPrototype: unknown = Object.prototype;
const arrayPrototype: unknown = Array.prototype;

// Objects met by the survey that is going on. A few are looked through; beyond that a set is quicker.
const LISTED_MAX = 16;
const listed: (object | undefined)[] = new Array<object | undefined>(LISTED_MAX).fill(undefined);
let listedCount = 0;
let met: Set<object> | undefined;
let textRoom = 0;
let depthRoom = 0;
let elementsMax = 0;

/**
 * Whether a message can be given to the CBOR library as it stands: nothing in it but what JSON has, undefined and
 * Uint8Array, no object twice, no -0. What is not plain either needs `toWire` or cannot cross at all. Key names and
 * sizes are left to the scan of the result.
 */
export function isPlain(value: unknown, limits: WireLimits): boolean {
  textRoom = limits.messageBytes;
  depthRoom = Math.min(limits.depth, DEPTH_MAX);
  elementsMax = limits.arrayItems;
  try {
    return surveyValue(value);
  } finally {
    for (let i = 0; i < listedCount; i++) listed[i] = undefined;
    listedCount = 0;
    met = undefined;
  }
}

function surveyValue(value: unknown): boolean {
  switch (typeof value) {
    case 'string':
      return surveyText(value);
    case 'number':
      return value !== 0 || 1 / value > 0;
    case 'boolean':
    case 'undefined':
      return true;
    case 'object':
      return value === null || surveyObject(value);
    default:
      return false;
  }
}

/** Lone surrogates in short texts are found by the scan of the result; in long ones the library would replace them. */
function surveyText(text: string): boolean {
  const length = text.length;
  textRoom -= length;
  return textRoom >= 0 && (length < 64 || text.isWellFormed());
}

function surveyObject(value: object): boolean {
  if (wasMet(value)) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype === objectPrototype || prototype === null) {
    if (--depthRoom < 0) return false;
    const entries = value as Readonly<Record<string, unknown>>;
    for (const key in entries) {
      if (key.length > 63 && !surveyText(key)) return false;
      if (!surveyValue(entries[key])) return false;
    }
    depthRoom++;
    return true;
  }
  if (prototype === arrayPrototype) {
    const elements = value as readonly unknown[];
    const length = elements.length;
    if (--depthRoom < 0 || length > elementsMax) return false;
    for (let i = 0; i < length; i++) {
      const element = elements[i];
      if (element === undefined ? !(i in elements) : !surveyValue(element)) return false;
    }
    depthRoom++;
    return true;
  }
  if (!(value instanceof Uint8Array)) return false;
  textRoom -= value.length;
  return textRoom >= 0;
}

/** Notes the object; whether it was noted before. */
function wasMet(value: object): boolean {
  if (met !== undefined) {
    if (met.has(value)) return true;
    met.add(value);
    return false;
  }
  for (let i = 0; i < listedCount; i++) if (listed[i] === value) return true;
  if (listedCount < LISTED_MAX) {
    listed[listedCount++] = value;
    return false;
  }
  met = new Set(listed as object[]);
  met.add(value);
  return false;
}

/** Where a value stands: the steps from the root, also through the arrays that carry maps, sets and errors. */
interface Place {
  /** Only the root has none. */
  readonly parent: Place | undefined;
  readonly step: string | number;
  /** The tag of the value that the step leads into; 0 for objects and arrays. */
  readonly into: number;
}

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
export function toWire(value: unknown, limits: WireLimits, tagClass: TagClass, root?: string): WireTree {
  const copying = new Copying(limits, tagClass, root);
  const tree = copying.copy(value, undefined, '', 0, 0);
  return { tree, hasNegativeZero: copying.hasNegativeZero };
}

const rootPlace: Place = { parent: undefined, step: '', into: 0 };

function placeOf(parent: Place | undefined, step: string | number, into: number): Place {
  return parent === undefined ? rootPlace : { parent, step, into };
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
  #bytesLeft: number;

  constructor(limits: WireLimits, tagClass: TagClass, root: string | undefined) {
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
        this.#checkText(value, this.#limits.textBytes, parent, step, into);
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
      default:
        return this.#refuse(`a ${typeof value} cannot cross`, placeOf(parent, step, into));
    }
  }

  #object(value: object, place: Place, depth: number): unknown {
    const first = this.#places.get(value);
    if (first !== undefined) return this.#link(first, place);
    this.#places.set(value, place);
    const prototype: unknown = Object.getPrototypeOf(value);
    if (prototype === objectPrototype || prototype === null) return this.#entries(value, place, depth + 1);
    if (prototype === arrayPrototype) return this.#elements(value as unknown[], place, 0, depth + 1);
    if (value instanceof Uint8Array) {
      this.#spend(value.length);
      return value;
    }
    if (prototype === Date.prototype) return new this.#tagClass((value as Date).getTime(), ValueTag.DATE);
    if (prototype === Map.prototype) {
      const pairs: unknown[] = [];
      for (const [key, item] of value as Map<unknown, unknown>) pairs.push(key, item);
      return new this.#tagClass(this.#elements(pairs, place, ValueTag.MAP, depth + 1), ValueTag.MAP);
    }
    if (prototype === Set.prototype) {
      return new this.#tagClass(
        this.#elements([...(value as Set<unknown>)], place, ValueTag.SET, depth + 1),
        ValueTag.SET,
      );
    }
    if (value instanceof Error) return this.#error(value, place, depth + 1);
    return this.#refuse(`${kindOf(value)} cannot cross`, place);
  }

  #elements(elements: readonly unknown[], place: Place, into: number, depth: number): unknown[] {
    const length = elements.length;
    if (length > this.#limits.arrayItems) {
      this.#refuse(`${length} elements, at most ${this.#limits.arrayItems} cross`, place);
    }
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
      count++;
      if (key.length > 8 && forbiddenKeys.includes(key)) this.#refuse(`the key "${key}" cannot cross`, place);
      this.#checkText(key, this.#limits.keyBytes, place, key, 0);
      copies[key] = this.copy(this.#item(value, key, place), place, key, 0, depth);
    }
    if (count > this.#limits.mapEntries) {
      this.#refuse(`${count} keys, at most ${this.#limits.mapEntries} cross`, place);
    }
    this.#count(2 * count, place);
    return copies;
  }

  #item(value: object, key: string, place: Place): unknown {
    try {
      return (value as Readonly<Record<string, unknown>>)[key];
    } catch (cause) {
      const sentence = `${this.#path(placeOf(place, key, 0))}: reading it threw`;
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
    const steps: (string | number)[] = [];
    for (let at = first; at.parent !== undefined; at = at.parent) steps.push(at.step);
    return new this.#tagClass(steps.reverse(), ValueTag.LINK);
  }

  #checkDepth(place: Place, depth: number): void {
    if (depth > this.#depthMax) this.#refuse(`nested deeper than ${this.#depthMax}`, place);
  }

  #count(items: number, place: Place): void {
    this.#items += items;
    if (this.#items > this.#limits.items) this.#refuse(`more than ${this.#limits.items} values in one message`, place);
  }

  #checkText(text: string, bytesMax: number, parent: Place | undefined, step: string | number, into: number): void {
    this.#spend(text.length);
    if (!text.isWellFormed()) this.#refuse('a text with a lone surrogate cannot cross', placeOf(parent, step, into));
    if (text.length * 3 > bytesMax && utf8Length(text) > bytesMax) {
      const what = bytesMax === this.#limits.keyBytes ? 'a key' : 'a text';
      this.#refuse(`${what} of ${utf8Length(text)} bytes, at most ${bytesMax} cross`, placeOf(parent, step, into));
    }
  }

  #spend(bytes: number): void {
    this.#bytesLeft -= bytes;
    if (this.#bytesLeft < 0) {
      throw new HomingError('MessageTooLarge', `expected at most ${this.#limits.messageBytes} bytes, got more`);
    }
  }

  #refuse(why: string, place: Place): never {
    throw new HomingError('NotEncodable', `${this.#path(place)}: ${why}`);
  }

  #path(place: Place): string {
    if (place.parent === undefined) return this.#root ?? 'message';
    if (place.parent === rootPlace && this.#root === undefined && typeof place.step === 'number') {
      return place.step === 0 ? 'name' : `args[${place.step - 1}]`;
    }
    return `${this.#path(place.parent)}${stepText(place)}`;
  }
}

function stepText(place: Place): string {
  const step = place.step;
  if (typeof step === 'string')
    return /^[A-Za-z_$][\w$]{0,63}$/.test(step) ? `.${step}` : `[${JSON.stringify(step.slice(0, 64))}]`;
  switch (place.into) {
    case ValueTag.MAP:
      return step % 2 === 0 ? `<key ${step / 2}>` : `<value ${(step - 1) / 2}>`;
    case ValueTag.SET:
      return `<element ${step}>`;
    case ValueTag.ERROR:
      return ['.name', '.message', '.code', '.cause'][step] ?? '';
    default:
      return `[${step}]`;
  }
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

/** Node of a decoded tree by step; arrays and objects alike. */
type Holder = Record<string | number, unknown>;

/**
 * Replaces the tags of a decoded tree by their values, in place, and returns the root. The scan has let the tree
 * through; throws `payload-refused` for what it cannot see: a link that leads nowhere, a key that a Map holds twice.
 */
export function fromWire(tree: unknown): unknown {
  const top: Holder = { root: tree };
  new Restoring(top).settle(top, 'root');
  return top['root'];
}

class Restoring {
  readonly #top: Holder;
  /** The arrays that carried maps, sets and errors: links step through those. */
  readonly #carriers = new Map<object, readonly unknown[]>();

  constructor(top: Holder) {
    this.#top = top;
  }

  /** Restores what stands in the holder under a key. A container is in place before its content, for links to it. */
  settle(holder: Holder, key: string | number): void {
    const node = holder[key];
    if (typeof node !== 'object' || node === null || node instanceof Uint8Array) return;
    if (node instanceof Tagged) this.#settleTag(holder, key, node);
    else if (Array.isArray(node)) this.#settleAll(node);
    else for (const inner of Object.keys(node)) this.settle(node as Holder, inner);
  }

  #settleAll(elements: unknown[]): void {
    for (let i = 0; i < elements.length; i++) this.settle(elements as unknown as Holder, i);
  }

  #settleTag(holder: Holder, key: string | number, tagged: Tagged): void {
    const content = tagged.value;
    switch (tagged.tag) {
      case ValueTag.DATE:
        holder[key] = new Date(content as number);
        return;
      case ValueTag.BIGINT:
        holder[key] = bigintOf(content as Uint8Array);
        return;
      case ValueTag.LINK:
        holder[key] = this.#follow(content as (string | number)[]);
        return;
      case ValueTag.MAP: {
        const map = new Map<unknown, unknown>();
        const pairs = this.#carry(holder, key, map, content);
        for (let i = 0; i + 1 < pairs.length; i += 2) map.set(pairs[i], pairs[i + 1]);
        if (map.size * 2 !== pairs.length) refuseContent('a Map holds a key twice');
        return;
      }
      case ValueTag.SET: {
        const set = new Set<unknown>();
        const elements = this.#carry(holder, key, set, content);
        for (const element of elements) set.add(element);
        if (set.size !== elements.length) refuseContent('a Set holds an element twice');
        return;
      }
      case ValueTag.ERROR: {
        const [name, message, code] = content as [string, string, string | undefined];
        const error = errorOf(name, message, code);
        const cause = this.#carry(holder, key, error, content)[3];
        if (cause !== undefined)
          Object.defineProperty(error, 'cause', { value: cause, writable: true, configurable: true });
        return;
      }
      default:
        refuseContent(`tag ${tagged.tag}`);
    }
  }

  /** Puts the value in its place, then restores the array that carries its content. */
  #carry(holder: Holder, key: string | number, value: object, content: unknown): readonly unknown[] {
    const carrier = content as unknown[];
    holder[key] = value;
    this.#carriers.set(value, carrier);
    this.#settleAll(carrier);
    return carrier;
  }

  #follow(steps: readonly (string | number)[]): object {
    let node = this.#top['root'];
    for (const step of steps) {
      const holder: unknown =
        typeof node === 'object' && node !== null ? (this.#carriers.get(node) ?? node) : undefined;
      if (
        typeof holder !== 'object' ||
        holder === null ||
        Array.isArray(holder) !== (typeof step === 'number') ||
        !Object.hasOwn(holder, step)
      ) {
        return refuseContent('a link leads nowhere');
      }
      node = (holder as Holder)[step];
    }
    if (typeof node !== 'object' || node === null || node instanceof Tagged) {
      return refuseContent('a link leads to no object');
    }
    return node;
  }
}

function refuseContent(why: string): never {
  throw new HomingError('payload-refused', `expected a payload whose parts agree, got one where ${why}`);
}

function bigintOf(bytes: Uint8Array): bigint {
  let digits = '0x0';
  for (let i = 1; i < bytes.length; i++) digits += (bytes[i] ?? 0).toString(16).padStart(2, '0');
  const magnitude = BigInt(digits);
  return bytes[0] === 1 ? -magnitude : magnitude;
}

// The closed list of structuredClone: a name from the wire chooses among these and nothing else.
const errorClasses: ReadonlyMap<string, ErrorConstructor> = new Map(
  [EvalError, RangeError, ReferenceError, SyntaxError, TypeError, URIError].map((one) => [one.name, one]),
);

/** The error of the peer, without a stack: frames of this end would mislead, and taking them costs microseconds. */
function errorOf(name: string, message: string, code: string | undefined): Error {
  const frames = Error.stackTraceLimit;
  Error.stackTraceLimit = 0;
  const error = new (errorClasses.get(name) ?? Error)(message);
  Error.stackTraceLimit = frames;
  if (error.name !== name) Object.defineProperty(error, 'name', { value: name, writable: true, configurable: true });
  if (code !== undefined) Object.assign(error, { code });
  return error;
}
