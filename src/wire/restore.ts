/**
 * The way back from tags to values, in place in a decoded tree. A container stands in its place before its content is
 * restored, so that links to it, also from inside, find the object that the receiver will hold.
 */
import { HomingError } from '../errors.ts';
import { ValueTag } from './limits.ts';
import { Tagged } from './reader.ts';

/** Makes of references what can be used here. They throw `payload-refused` for one that is not known. */
export interface InCarrier {
  functionIn(reference: number): unknown;
  streamIn(reference: number): unknown;
}

/** Node of a decoded tree by step; arrays and objects alike. */
type Holder = Record<string | number, unknown>;

/**
 * Replaces the tags of a decoded tree by their values, in place, and returns the root. The scan has let the tree
 * through; throws `payload-refused` for what it cannot see: a link that leads nowhere, a key that a Map holds twice.
 */
export function fromWire(tree: unknown, carrier?: InCarrier): unknown {
  const top: Holder = { root: tree };
  new Restoring(top, carrier).settle(top, 'root');
  return top['root'];
}

class Restoring {
  readonly #top: Holder;
  /** The arrays that carried maps, sets and errors: links step through those. */
  readonly #carriers = new Map<object, readonly unknown[]>();

  readonly #carrier: InCarrier | undefined;

  constructor(top: Holder, carrier: InCarrier | undefined) {
    this.#top = top;
    this.#carrier = carrier;
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
      case ValueTag.FUNCTION:
        if (this.#carrier === undefined) refuseContent('a function stands where none can be');
        holder[key] = this.#carrier.functionIn(content as number);
        return;
      case ValueTag.STREAM:
        if (this.#carrier === undefined) refuseContent('a stream stands where none can be');
        holder[key] = this.#carrier.streamIn(content as number);
        return;
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
