/**
 * Trees of CBOR items that mean harm: mostly well-formed, with a wrong length, a long head, a foreign tag, a key twice
 * or a broken text here and there. What an item declares and what follows it are chosen apart.
 */
import type { Chance } from './random.ts';

const tags = [40000, 40001, 40002, 40003, 40004, 40005, 40006, 40007];
const foreignTags = [
  0, 1, 2, 3, 6, 27, 28, 29, 39_999, 40008, 40009, 51, 64, 105, 225, 258, 259, 0xdff9, 0xdfff, 55_799,
];
const numbers = [0, 1, 23, 24, 255, 256, 65_535, 65_536, 2 ** 32 - 1, 2 ** 32, 2 ** 53 - 2, 2 ** 53 - 1, 2 ** 53];
const keys = [
  'a',
  'b',
  'id',
  'user',
  '',
  '0',
  'constructor',
  '__proto__',
  'prototype',
  'toString',
  'é',
  'a key that is longer than the small bound',
];
const texts = [
  '',
  'a',
  'hello world',
  'é',
  '€uro',
  '😀',
  '\uFEFFmark',
  'x'.repeat(63),
  'é'.repeat(40),
  'x'.repeat(130),
  `${'x'.repeat(128)}€`,
];
const brokenText = [[0x80], [0xc0, 0xaf], [0xed, 0xa0, 0x80], [0xf5, 0x80, 0x80, 0x80], [0xe2, 0x82]];
const utf8 = new TextEncoder();
const encodedKeys = keys.map((key) => utf8.encode(key));
const encodedTexts = texts.map((text) => utf8.encode(text));

export class HostileTrees {
  readonly #chance: Chance;
  #target: Uint8Array = new Uint8Array(0);
  #at = 0;
  #itemsLeft = 0;

  constructor(chance: Chance) {
    this.#chance = chance;
  }

  /** Writes one tree into `target`, cut at its end, and returns its length. */
  write(target: Uint8Array): number {
    this.#target = target;
    this.#at = 0;
    this.#itemsLeft = 1 + this.#chance.below(60);
    this.#item(0);
    return Math.min(this.#at, target.length);
  }

  #byte(value: number): void {
    this.#target[this.#at++] = value;
  }

  #bytes(values: ArrayLike<number>): void {
    for (let i = 0; i < values.length; i++) this.#byte(values[i] as number);
  }

  #head(major: number, argument: number): void {
    let width = argument < 24 ? 0 : argument < 256 ? 1 : argument < 65_536 ? 2 : argument < 4_294_967_296 ? 4 : 8;
    if (major === 5 && width < 2 && this.#chance.once(2)) width = 2;
    if (this.#chance.once(150)) width = width === 0 ? 1 : Math.min(8, width * 2);
    if (this.#chance.once(300)) this.#byte((major << 5) | (28 + this.#chance.below(4)));
    else if (width === 0) this.#byte((major << 5) | argument);
    else {
      this.#byte((major << 5) | (24 + Math.log2(width)));
      for (let i = width - 1; i >= 0; i--) this.#byte(Math.floor(argument / 256 ** i) % 256);
    }
  }

  /** What a container of `actual` parts declares: mostly the truth. */
  #declared(actual: number): number {
    if (!this.#chance.once(80)) return actual;
    return this.#chance.pick([
      actual + 1,
      Math.max(0, actual - 1),
      2 * actual,
      255,
      65_535,
      2 ** 31 - 1,
      2 ** 32 - 1,
      2 ** 40,
    ]);
  }

  #item(depth: number): void {
    this.#itemsLeft--;
    const kind = this.#itemsLeft <= 0 || depth > 40 ? this.#chance.below(5) : this.#chance.below(12);
    switch (kind) {
      case 0:
        return this.#head(this.#chance.below(2), this.#chance.pick(numbers));
      case 1:
        return this.#head(this.#chance.below(2), this.#chance.below(1_000));
      case 2:
        return this.#simple();
      case 3:
        return this.#text(encodedTexts);
      case 4: {
        const length = this.#chance.below(30);
        this.#head(2, this.#declared(length));
        for (let i = 0; i < length; i++) this.#byte(this.#chance.below(256));
        return;
      }
      case 5:
      case 6:
        return this.#array(depth, this.#count());
      case 7:
      case 8:
        return this.#map(depth);
      case 9:
        // one container in the other, to go deep
        return this.#chance.once(2) ? this.#array(depth, 1) : this.#map(depth, 1);
      default:
        return this.#tagged(depth);
    }
  }

  #count(): number {
    return this.#chance.once(30) ? this.#chance.pick([23, 24, 63, 64, 65, 66]) : this.#chance.below(6);
  }

  #simple(): void {
    if (this.#chance.once(100))
      return this.#bytes(this.#chance.pick([[0xe0], [0xf3], [0xf8, 0x20], [0xff], [0xf8, 0x15]]));
    const width = this.#chance.below(8);
    if (width > 3) return this.#byte(0xf4 + this.#chance.below(4));
    const floatBytes = [2, 4, 8][width % 3] as number;
    this.#byte(floatBytes === 2 ? 0xf9 : floatBytes === 4 ? 0xfa : 0xfb);
    for (let i = 0; i < floatBytes; i++) this.#byte(this.#chance.pick([0, 1, 0x3c, 0x7c, 0x7f, 0x80, 0xff, 0xf0]));
  }

  #text(from: readonly Uint8Array[]): void {
    const whole = this.#chance.pick(from);
    if (!this.#chance.once(60)) {
      this.#head(3, this.#declared(whole.length));
      return this.#bytes(whole);
    }
    const broken = this.#chance.pick(brokenText);
    this.#head(3, whole.length + broken.length);
    this.#bytes(whole);
    this.#bytes(broken);
  }

  #array(depth: number, count: number): void {
    this.#head(4, this.#declared(count));
    for (let i = 0; i < count; i++) this.#item(depth + 1);
  }

  #map(depth: number, count = this.#count()): void {
    this.#head(5, this.#declared(count));
    for (let i = 0; i < count; i++) {
      if (this.#chance.once(100)) this.#item(depth + 1);
      else if (this.#chance.once(12)) this.#text(encodedKeys);
      else {
        const key = utf8.encode(`k${this.#chance.once(40) ? 0 : i}`);
        this.#head(3, key.length);
        this.#bytes(key);
      }
      this.#item(depth + 1);
    }
  }

  #tagged(depth: number): void {
    if (this.#chance.once(40)) {
      this.#head(6, this.#chance.pick(foreignTags));
      return this.#item(depth);
    }
    const tag = this.#chance.pick(tags);
    this.#head(6, tag);
    if (this.#chance.once(25)) return this.#item(depth);
    switch (tag) {
      case 40000:
        return this.#chance.once(2)
          ? this.#head(this.#chance.below(2), this.#chance.below(100_000))
          : this.#bytes([0xfb, 0x42, 0x78, 0xbc, 0xfe, 0x56, 0x80, 0, 0]);
      case 40006:
      case 40007:
        return this.#head(0, this.#chance.below(100_000));
      case 40003: {
        const length = this.#chance.below(40);
        this.#head(2, length + 1);
        this.#byte(this.#chance.below(this.#chance.once(20) ? 3 : 2));
        for (let i = 0; i < length; i++) this.#byte(this.#chance.below(256));
        return;
      }
      case 40004:
        this.#head(4, this.#declared(4));
        this.#text(encodedTexts);
        this.#text(encodedTexts);
        if (this.#chance.once(2)) this.#byte(0xf7);
        else this.#text(encodedTexts);
        return this.#item(depth + 1);
      case 40005: {
        const count = this.#chance.below(3);
        this.#head(4, this.#declared(count));
        for (let i = 0; i < count; i++) {
          if (this.#chance.once(3)) this.#text(encodedKeys);
          else this.#head(0, this.#chance.below(4));
        }
        return;
      }
      default: {
        const count = this.#chance.below(4);
        return this.#array(depth, tag === 40001 && !this.#chance.once(30) ? 2 * count : count);
      }
    }
  }
}
