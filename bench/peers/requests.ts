/** Calls for a contestant whose library has messages alone: a number for each request, which its answer carries. */

/** The calling side. */
export class Requests {
  readonly #waiting = new Map<number, (result: number) => void>();
  #last = 0;

  /** A call begins: `send` gets its number; resolves with the result. One whose answer is lost never does. */
  open(send: (id: number) => void): Promise<number> {
    this.#last += 1;
    const id = this.#last;
    return new Promise((resolve) => {
      this.#waiting.set(id, resolve);
      send(id);
    });
  }

  /** An answer came. */
  settle(id: number, result: number): void {
    this.#waiting.get(id)?.(result);
    this.#waiting.delete(id);
  }
}
