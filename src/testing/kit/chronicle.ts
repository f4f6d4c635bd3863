/** What happened, line by line with times: of a long story the beginning and the end. */

/** Lines that are kept at most: the first ones and the last ones. */
const HEAD_LINES = 30;
const TAIL_LINES = 50;

interface Entry {
  readonly atMs: number;
  readonly who: string;
  readonly text: string;
}

/** Keeps what happened to whom. */
export class Chronicle {
  readonly #now: () => number;
  readonly #entries: Entry[] = [];

  /** `now` gives milliseconds since the story began. */
  constructor(now: () => number) {
    this.#now = now;
  }

  /** Adds what happened to somebody, now. */
  note(who: string, text: string): void {
    this.#entries.push({ atMs: this.#now(), who, text });
  }

  /** The story as text. */
  get text(): string {
    const entries = this.#entries;
    const left = entries.length - HEAD_LINES - TAIL_LINES;
    const lines = left > 0 ? [...entries.slice(0, HEAD_LINES), undefined, ...entries.slice(-TAIL_LINES)] : entries;
    return lines.map((entry) => (entry === undefined ? `          … ${left} more …` : lineOf(entry))).join('\n');
  }
}

function lineOf({ atMs, who, text }: Entry): string {
  return `${atMs.toFixed(1).padStart(9)}  ${who.padEnd(8)} ${text}`;
}
