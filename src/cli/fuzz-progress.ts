/** How far a fuzz is: one line that is written over on a terminal, and elsewhere a line now and then. On stderr. */

/** What is shown of a run. */
export interface FuzzFigures {
  readonly runs: number;
  readonly disconnects: number;
}

/** A terminal is written to no more often than this. */
const TERMINAL_MS = 100;
const ELSEWHERE_MS = 5_000;

/** The progress of one fuzz. */
export class FuzzProgress {
  readonly #isShown: boolean;
  readonly #stream: Pick<NodeJS.WriteStream, 'write' | 'isTTY'>;
  readonly #now: () => number;
  readonly #beginMs: number;
  #shownMs: number;
  #width = 0;

  constructor(
    isShown: boolean,
    stream: Pick<NodeJS.WriteStream, 'write' | 'isTTY'> = process.stderr,
    now: () => number = performance.now.bind(performance),
  ) {
    this.#isShown = isShown;
    this.#stream = stream;
    this.#now = now;
    this.#beginMs = now();
    this.#shownMs = this.#beginMs;
  }

  /** Shows it, if it was not shown just before. */
  tell({ runs, disconnects }: FuzzFigures, isShrinking: boolean): void {
    const { isTTY } = this.#stream;
    const nowMs = this.#now();
    if (!this.#isShown || nowMs - this.#shownMs < (isTTY ? TERMINAL_MS : ELSEWHERE_MS)) return;
    this.#shownMs = nowMs;
    const seconds = Math.round((nowMs - this.#beginMs) / 1_000);
    const what = isShrinking
      ? `run ${runs + 1} failed, making its plan smaller`
      : `${runs} runs, ${disconnects} disconnects`;
    const text = `${what} (${seconds} s)`;
    this.#stream.write(isTTY ? `\r${text.padEnd(this.#width)}` : `${text}\n`);
    this.#width = Math.max(this.#width, text.length);
  }

  /** Takes the line back. */
  clear(): void {
    if (this.#isShown && this.#stream.isTTY && this.#width > 0) this.#stream.write(`\r${' '.repeat(this.#width)}\r`);
    this.#width = 0;
  }
}
