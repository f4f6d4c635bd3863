/** An example as a reader would run it: a process of its own, from the sources. What it prints is awaited line by line. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

/** How long a program may take to say something; what it has said is in the error. */
const SAYS_MS = 20_000;

const running = new Set<Program>();

/** Ends every program that is still there; for `afterEach`. */
export async function endPrograms(): Promise<void> {
  await Promise.all(Array.from(running, (program) => program.kill()));
}

/** One running example, and the lines it has printed on either output. */
export class Program {
  readonly lines: string[] = [];
  /** The exit code, or the signal that ended it; resolves when all it printed is there. */
  readonly end: Promise<number | NodeJS.Signals | null>;
  readonly #child: ChildProcess;
  readonly #waiting: (() => void)[] = [];
  #hasEnded = false;

  /** Starts `examples/<path>`, with variables of the environment beside those that are there. */
  constructor(path: string, args: readonly string[] = [], environment: Readonly<Record<string, string>> = {}) {
    const file = fileURLToPath(new URL(`../../examples/${path}`, import.meta.url));
    this.#child = spawn(process.execPath, ['--conditions=homing-source', file, ...args], {
      stdio: 'pipe',
      env: { ...process.env, ...environment },
    });
    running.add(this);
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      let rest = '';
      stream?.on('data', (text: Buffer) => {
        const lines = (rest + text.toString()).split('\n');
        rest = lines.pop() ?? '';
        this.lines.push(...lines);
        this.#wake();
      });
    }
    this.end = once(this.#child, 'close').then(([code, signal]: (number | NodeJS.Signals | null)[]) => {
      this.#hasEnded = true;
      running.delete(this);
      this.#wake();
      return code ?? signal ?? null;
    });
  }

  get text(): string {
    return this.lines.join('\n');
  }

  /** Resolves with the first line printed from `from` on that matches; rejects when it has ended, or after 20 s. */
  async says(pattern: RegExp, from = 0): Promise<string> {
    const deadline = setTimeout(() => this.#wake(), SAYS_MS);
    const endsAtMs = performance.now() + SAYS_MS;
    for (;;) {
      const line = this.lines.slice(from).find((text) => pattern.test(text));
      const isOver = this.#hasEnded || performance.now() > endsAtMs;
      if (line !== undefined || isOver) clearTimeout(deadline);
      if (line !== undefined) return line;
      if (isOver) throw new Error(`expected ${pattern.source} from line ${from} on, got:\n${this.text}`);
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
  }

  /** Types a line into its input. */
  type(line: string): void {
    this.#child.stdin?.write(`${line}\n`);
  }

  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  /** Ends it without a word, as a crash would. */
  async kill(): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.end;
  }

  #wake(): void {
    for (const resolve of this.#waiting.splice(0)) resolve();
  }
}

/** The port that a server printed. */
export async function portOf(server: Program): Promise<string> {
  return (await server.says(/ at \S*\d+$/)).replace(/^.*\D/, '');
}
