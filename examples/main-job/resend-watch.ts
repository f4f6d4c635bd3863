/**
 * Counts what the client sends a second time by reading frame headers on the line (PROTOCOL.md, section 2), so the number
 * does not depend on what the runtime says of itself. A message that was lost before the proxy read it counts as first sent.
 */
const HEADER_BYTES = 16;
const ORDERED = 0x10;

/** Follows the frames of one direction through all connections. */
export class ResendWatch {
  /** Ordered messages whose number had been on the line before. */
  resentCount = 0;
  #highestSeq = 0;
  #connection = -1;
  readonly #header = Buffer.alloc(HEADER_BYTES);
  #headerFilled = 0;
  #bodyLeft = 0;

  /** Takes the bytes of a connection as they come; a new connection begins with a new frame. */
  follow(connection: number, chunk: Uint8Array): void {
    if (connection < this.#connection) return;
    if (connection > this.#connection) {
      this.#connection = connection;
      this.#headerFilled = 0;
      this.#bodyLeft = 0;
    }
    let at = 0;
    while (at < chunk.length) {
      if (this.#bodyLeft > 0) {
        const skipped = Math.min(this.#bodyLeft, chunk.length - at);
        this.#bodyLeft -= skipped;
        at += skipped;
        continue;
      }
      const taken = chunk.subarray(at, at + HEADER_BYTES - this.#headerFilled);
      this.#header.set(taken, this.#headerFilled);
      this.#headerFilled += taken.length;
      at += taken.length;
      if (this.#headerFilled === HEADER_BYTES) this.#takeHeader();
    }
  }

  #takeHeader(): void {
    this.#headerFilled = 0;
    this.#bodyLeft = this.#header.readUIntBE(5, 3);
    if (this.#header[4] !== ORDERED) return;
    const seq = this.#header.readUIntBE(10, 6);
    if (seq <= this.#highestSeq) this.resentCount += 1;
    else this.#highestSeq = seq;
  }
}
