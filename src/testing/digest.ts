/** The content of a message in short, so that it can be compared at both ends and written into a log. */

const SEED = 0x811c_9dc5;
const PRIME = 0x0100_0193;
const DEPTH_MAX = 32;

/**
 * The digest of arguments: equal for what arrives as it was sent. Undefined for arguments with functions, streams and other
 * things that arrive as something else.
 */
export function digestOf(args: readonly unknown[]): string | undefined {
  const digest = new Digest();
  for (const arg of args) if (!digest.add(arg, 0)) return undefined;
  return (digest.hash >>> 0).toString(36);
}

class Digest {
  hash = SEED;

  /** False for what cannot be compared. */
  add(value: unknown, depth: number): boolean {
    switch (typeof value) {
      case 'string':
        return this.#text('s', value);
      case 'number':
      case 'bigint':
        return this.#text('n', `${value}`);
      case 'boolean':
        return this.#text('b', `${value}`);
      case 'undefined':
        return this.#text('u', '');
      case 'object':
        return this.#object(value, depth);
      default:
        return false;
    }
  }

  #object(value: object | null, depth: number): boolean {
    if (value === null) return this.#text('0', '');
    if (depth >= DEPTH_MAX) return false;
    if (Array.isArray(value)) {
      this.#text('a', `${value.length}`);
      return value.every((each) => this.add(each, depth + 1));
    }
    if (value instanceof Uint8Array) {
      this.#text('y', `${value.length}`);
      for (const byte of value) this.#mix(byte);
      return true;
    }
    if (value instanceof Date) return this.#text('d', `${value.getTime()}`);
    const prototype: unknown = Object.getPrototypeOf(value);
    if (prototype !== Object.prototype && prototype !== null) return false;
    const fields = value as Readonly<Record<string, unknown>>;
    const keys = Object.keys(fields)
      .filter((key) => fields[key] !== undefined)
      .toSorted();
    this.#text('o', `${keys.length}`);
    return keys.every((key) => this.#text('k', key) && this.add(fields[key], depth + 1));
  }

  #text(kind: string, text: string): true {
    this.#mix(kind.charCodeAt(0));
    for (let index = 0; index < text.length; index += 1) this.#mix(text.charCodeAt(index));
    return true;
  }

  #mix(value: number): void {
    this.hash = Math.imul(this.hash ^ value, PRIME);
  }
}
