/**
 * Writer and reader of control bodies, field after field. A reader never throws: after the first field that is not
 * there or not allowed it goes on with zeros and empty values and `isComplete()` says no, so a decoder reads straight
 * down and asks once at the end. Only control frames use these; messages are read in place.
 */
import { invariant } from '../errors.ts';
import { readU16, readU32, readU64, readU8, writeU16, writeU32, writeU64 } from './frame.ts';

// ignoreBOM, or a text that begins with U+FEFF would lose it.
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
const toUtf8 = new TextEncoder();

const EMPTY = new Uint8Array(0);

/** Gathers fields into one growing buffer. */
export class BodyWriter {
  #buffer = new Uint8Array(256);
  #length = 0;

  /** Appends a byte. */
  u8(value: number): void {
    assertFits(value, 0xff);
    const at = this.#room(1);
    this.#buffer[at] = value;
  }

  /** Appends a big-endian u16. */
  u16(value: number): void {
    assertFits(value, 0xffff);
    const at = this.#room(2);
    writeU16(this.#buffer, at, value);
  }

  /** Appends a big-endian u32. */
  u32(value: number): void {
    assertFits(value, 0xffff_ffff);
    const at = this.#room(4);
    writeU32(this.#buffer, at, value);
  }

  /** Appends a safe integer as a big-endian u64. */
  u64(value: number): void {
    const at = this.#room(8);
    writeU64(this.#buffer, at, value);
  }

  /** Appends a copy of the bytes. */
  bytes(value: Uint8Array): void {
    const at = this.#room(value.length);
    this.#buffer.set(value, at);
  }

  /** Appends a u8 length and visible ASCII, as ids and addresses are; anything else breaks an invariant. */
  shortText(text: string, bytesMax: number): void {
    invariant(text.length <= bytesMax, `expected a text of at most ${bytesMax} bytes, got ${text.length}`);
    this.u8(text.length);
    const at = this.#room(text.length);
    for (let i = 0; i < text.length; i++) {
      const unit = text.charCodeAt(i);
      invariant(isVisible(unit), 'expected a text of visible ASCII');
      this.#buffer[at + i] = unit;
    }
  }

  /** Appends a u16 length and UTF-8, cut between characters when it is longer than `bytesMax`. */
  text(text: string, bytesMax: number): void {
    const encoded = new Uint8Array(bytesMax);
    const { written } = toUtf8.encodeInto(text, encoded);
    this.u16(written);
    this.bytes(encoded.subarray(0, written));
  }

  /** A copy of what was written so far; more may follow. */
  finish(): Uint8Array {
    return this.#buffer.slice(0, this.#length);
  }

  // Call it before the buffer is named: it may put a larger one in its place.
  #room(bytes: number): number {
    const at = this.#length;
    this.#length += bytes;
    if (this.#length > this.#buffer.length) {
      const grown = new Uint8Array(Math.max(this.#length, this.#buffer.length * 2));
      grown.set(this.#buffer);
      this.#buffer = grown;
    }
    return at;
  }
}

/** Takes fields from the range `start` to `end` of bytes that others own. */
export class BodyReader {
  readonly #source: Uint8Array;
  readonly #start: number;
  readonly #end: number;
  #at: number;
  #sound = true;

  constructor(source: Uint8Array, start: number, end: number) {
    this.#source = source;
    this.#start = start;
    this.#end = end;
    this.#at = start;
  }

  /** Takes a byte. */
  u8(): number {
    const at = this.#take(1);
    return at < 0 ? 0 : readU8(this.#source, at);
  }

  /** Takes a big-endian u16. */
  u16(): number {
    const at = this.#take(2);
    return at < 0 ? 0 : readU16(this.#source, at);
  }

  /** Takes a big-endian u32. */
  u32(): number {
    const at = this.#take(4);
    return at < 0 ? 0 : readU32(this.#source, at);
  }

  /** Takes a big-endian u64; one that is no safe integer is refused. */
  u64(): number {
    const at = this.#take(8);
    if (at < 0) return 0;
    const value = readU64(this.#source, at);
    if (value >= 0) return value;
    this.refuse();
    return 0;
  }

  /** Takes a u64 that is at least 1. */
  positive(): number {
    const value = this.u64();
    if (value === 0) this.refuse();
    return value;
  }

  /** Takes that many bytes as a copy. */
  copy(bytes: number): Uint8Array {
    const at = this.#take(bytes);
    return at < 0 ? EMPTY : new Uint8Array(this.#source.subarray(at, at + bytes));
  }

  /** Passes over that many bytes. */
  skip(bytes: number): void {
    this.#take(bytes);
  }

  /** Takes a u8 length and visible ASCII. */
  shortText(bytesMax: number): string {
    const bytes = this.u8();
    const at = bytes > bytesMax ? -1 : this.#take(bytes);
    if (at < 0) return this.refuse();
    let text = '';
    for (let i = at; i < at + bytes; i++) {
      const unit = readU8(this.#source, i);
      if (!isVisible(unit)) return this.refuse();
      text += String.fromCharCode(unit);
    }
    return text;
  }

  /** Takes a u16 length and well-formed UTF-8. */
  text(bytesMax: number): string {
    const bytes = this.u16();
    const at = bytes > bytesMax ? -1 : this.#take(bytes);
    if (at < 0) return this.refuse();
    try {
      return utf8.decode(this.#source.subarray(at, at + bytes));
    } catch {
      return this.refuse();
    }
  }

  /** Marks the body as malformed; the empty text is for who wants to return at once. */
  refuse(): '' {
    this.#sound = false;
    return '';
  }

  /** A copy of everything taken so far. */
  taken(): Uint8Array {
    return new Uint8Array(this.#source.subarray(this.#start, this.#at));
  }

  /** Whether every field was there and allowed, and nothing is left. */
  isComplete(): boolean {
    return this.#sound && this.#at === this.#end;
  }

  #take(bytes: number): number {
    const at = this.#at;
    if (!this.#sound || bytes > this.#end - at) {
      this.#sound = false;
      return -1;
    }
    this.#at = at + bytes;
    return at;
  }
}

/** Printable and no blank: ids and addresses end up in logs. */
function isVisible(unit: number): boolean {
  return unit > 0x20 && unit < 0x7f;
}

/** A number that did not fit would arrive as another one. */
function assertFits(value: number, max: number): void {
  invariant(
    Number.isInteger(value) && value >= 0 && value <= max,
    `expected an integer from 0 to ${max}, got ${value}`,
  );
}
