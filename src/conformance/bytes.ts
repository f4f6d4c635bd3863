/**
 * Bytes, written and read field by field, for a suite that shares no code with the implementation it looks at. Integers are
 * big-endian; a u64 may be given as a bigint, so that one beyond the safe integers can be sent as well.
 */

/** What the other end did wrong, as a sentence: a case fails with it. */
export class Failed extends Error {}

/** Why a case does not apply to this server, as a sentence. */
export class Skipped extends Error {}

/** Parts one after another. */
export const join = (...parts: readonly Uint8Array[]): Buffer => Buffer.concat(parts);

/** The bytes of a text in hexadecimal; blanks are left out. */
export const hex = (text: string): Buffer => Buffer.from(text.replaceAll(' ', ''), 'hex');

/** One byte. */
export const u8 = (value: number): Buffer => Buffer.of(value);

/** Two bytes. */
export function u16(value: number): Buffer {
  const bytes = Buffer.alloc(2);
  bytes.writeUInt16BE(value);
  return bytes;
}

/** Four bytes. */
export function u32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

/** Eight bytes. */
export function u64(value: number | bigint): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(BigInt(value));
  return bytes;
}

/** A u8 length and so many bytes of ASCII. */
export const text8 = (text: string): Buffer => join(u8(text.length), Buffer.from(text, 'latin1'));

/** A u16 length and so many bytes of UTF-8. */
export const text16 = (text: string): Buffer => join(u16(Buffer.byteLength(text)), Buffer.from(text));

/** Reads fields of a body from its beginning; a field that is not there or not allowed is a failure of who wrote it. */
export class Fields {
  readonly #bytes: Buffer;
  readonly #what: string;
  #at = 0;

  constructor(bytes: Uint8Array, what: string) {
    this.#bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
    this.#what = what;
  }

  /** How many bytes were read. */
  get at(): number {
    return this.#at;
  }

  bytes(count: number): Buffer {
    if (this.#at + count > this.#bytes.length) this.fail(`has ${this.#bytes.length} bytes, which is too short`);
    this.#at += count;
    return this.#bytes.subarray(this.#at - count, this.#at);
  }

  u8(): number {
    return this.bytes(1).readUInt8();
  }

  u16(): number {
    return this.bytes(2).readUInt16BE();
  }

  u32(): number {
    return this.bytes(4).readUInt32BE();
  }

  u64(): number {
    const value = this.bytes(8).readBigUInt64BE();
    if (value > BigInt(Number.MAX_SAFE_INTEGER)) this.fail(`has the number ${value}, above 2^53 - 1`);
    return Number(value);
  }

  text8(bytesMax: number): string {
    const length = this.u8();
    const text = this.bytes(length).toString('latin1');
    if (length > bytesMax || !/^[!-~]*$/.test(text)) this.fail(`has a text of ${length} bytes that is not allowed`);
    return text;
  }

  text16(): string {
    const length = this.u16();
    if (length > 1_024) this.fail(`has a text of ${length} bytes, above 1,024`);
    try {
      return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(this.bytes(length));
    } catch {
      return this.fail('has a text that is not UTF-8');
    }
  }

  /** All that is left. */
  rest(): Buffer {
    return this.bytes(this.#bytes.length - this.#at);
  }

  /** Nothing may be left. */
  end(): void {
    const left = this.#bytes.length - this.#at;
    if (left > 0) this.fail(`has ${left} bytes left over`);
  }

  /** The body is malformed. */
  fail(how: string): never {
    throw new Failed(`${this.#what} ${how}`);
  }
}
