/**
 * What the scan should say, written the slow and plain way: recursive, with sets and the platform's UTF-8 decoder. It
 * tells only whether a payload passes, and with tags or without; the reason is the scan's own affair.
 */
import { LINKS_MAX } from '../../src/wire/limits.ts';
import type { WireLimits } from '../../src/wire/limits.ts';

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
const refusal = Symbol('refusal');

interface Head {
  readonly major: number;
  readonly minor: number;
  readonly argument: number;
}

/** The verdict by rule: 0 plain, 1 with tags, -1 refused. */
export function modelVerdict(bytes: Uint8Array, limits: WireLimits): number {
  try {
    return new Model(bytes, limits).verdict();
  } catch (error) {
    if (error === refusal) return -1;
    throw error;
  }
}

class Model {
  readonly #bytes: Uint8Array;
  readonly #limits: WireLimits;
  #at = 0;
  #items = 1;
  #links = 0;
  #cost = 0;
  #isTagged = false;

  constructor(bytes: Uint8Array, limits: WireLimits) {
    this.#bytes = bytes;
    this.#limits = limits;
  }

  verdict(): number {
    this.#need(this.#bytes.length <= this.#limits.messageBytes);
    this.#item(this.#head(), 0);
    this.#need(this.#at === this.#bytes.length && this.#cost <= this.#limits.costBytes);
    return this.#isTagged ? 1 : 0;
  }

  #need(condition: boolean): void {
    // oxlint-disable-next-line typescript/only-throw-error
    if (!condition) throw refusal;
  }

  #take(count: number): Uint8Array {
    this.#need(count <= this.#bytes.length - this.#at);
    this.#at += count;
    return this.#bytes.subarray(this.#at - count, this.#at);
  }

  #head(): Head {
    const first = this.#take(1)[0] ?? 0;
    const [major, minor] = [first >> 5, first & 31];
    this.#need(minor < 28);
    if (minor < 24) return { major, minor, argument: minor };
    const width = 2 ** (minor - 24);
    const argument = this.#take(width).reduce((all, byte) => all * 256 + byte, 0);
    if (major !== 7) {
      const least = [24, 256, 65_536, 4_294_967_296][minor - 24] ?? 0;
      this.#need(argument >= least || (major === 5 && width === 2));
    }
    return { major, minor, argument };
  }

  /** The rest of an item after its head, inside `depth` containers. */
  #item({ major, minor, argument }: Head, depth: number): void {
    switch (major) {
      case 0:
      case 1:
        this.#need(argument + major <= Number.MAX_SAFE_INTEGER);
        if (minor > 25) this.#cost += 16;
        return;
      case 2:
        this.#take(argument);
        this.#cost += 100 + argument;
        return;
      case 3:
        this.#need(argument <= this.#limits.textBytes);
        this.#text(argument);
        this.#cost += 24 + argument;
        return;
      case 4:
        return this.#array(argument, depth, () => this.#item(this.#head(), depth + 1));
      case 5:
        return this.#map(argument, depth);
      case 6:
        this.#isTagged = true;
        return this.#tagged(argument, this.#head(), depth);
      default:
        this.#need(minor >= 20 && minor !== 24);
        if (minor > 24) this.#cost += 16;
    }
  }

  #text(length: number): string {
    try {
      return utf8.decode(this.#take(length));
    } catch {
      // oxlint-disable-next-line typescript/only-throw-error
      throw refusal;
    }
  }

  #open(entries: number, depth: number): void {
    this.#items += entries;
    this.#need(this.#items <= this.#limits.items && depth < this.#limits.depth);
    this.#need(entries <= this.#bytes.length - this.#at);
  }

  #array(count: number, depth: number, element: (i: number) => void): void {
    this.#need(count <= this.#limits.arrayItems);
    this.#cost += 16 + 8 * count;
    this.#open(count, depth);
    for (let i = 0; i < count; i++) element(i);
  }

  #map(count: number, depth: number): void {
    this.#need(count <= this.#limits.mapEntries);
    this.#cost += 64 + 40 * count;
    this.#open(2 * count, depth);
    const keys = new Set<string>();
    for (let i = 0; i < count; i++) {
      const head = this.#head();
      this.#need(head.major === 3 && head.argument <= this.#limits.keyBytes);
      const key = this.#text(head.argument);
      this.#need(!['__proto__', 'prototype', 'constructor'].includes(key));
      this.#need(count > 64 || !keys.has(key));
      keys.add(key);
      this.#item(this.#head(), depth + 1);
    }
  }

  #tagged(tag: number, head: Head, depth: number): void {
    const { major, argument } = head;
    const cost = new Map([
      [40000, 128],
      [40001, 256],
      [40002, 256],
      [40003, 128],
      [40004, 4_096],
      [40005, 128],
      [40006, 1_024],
      [40007, 1_024],
    ]).get(tag);
    this.#need(cost !== undefined);
    this.#cost += cost ?? 0;
    switch (tag) {
      case 40000:
        this.#need(major < 2 || (major === 7 && head.minor > 24));
        return this.#item(head, depth);
      case 40001:
        this.#need(major === 4 && argument % 2 === 0);
        return this.#item(head, depth);
      case 40002:
        this.#need(major === 4);
        return this.#item(head, depth);
      case 40003:
        this.#need(major === 2 && argument > 0 && argument <= 1_025 && (this.#bytes[this.#at] ?? 2) < 2);
        return this.#item(head, depth);
      case 40004:
        this.#need(major === 4 && argument === 4);
        return this.#array(4, depth, (i) => {
          const inner = this.#head();
          const isUndefined = inner.major === 7 && inner.minor === 23;
          this.#need(i === 3 || inner.major === 3 || (i === 2 && isUndefined));
          this.#item(inner, depth + 1);
        });
      case 40006:
      case 40007:
        this.#need(major === 0);
        return this.#item(head, depth);
      default:
        this.#need(major === 4 && argument <= this.#limits.depth && ++this.#links <= LINKS_MAX);
        // its steps are no level of the value
        return this.#array(argument, -1, () => {
          const inner = this.#head();
          this.#need(inner.major === 3 || inner.major === 0);
          this.#item(inner, depth);
        });
    }
  }
}
