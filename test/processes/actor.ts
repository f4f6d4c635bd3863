/** One program of the lane through all its lives: it is started, killed, stopped and gone on with; what it shows is counted. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

/** Where the output of a program that failed is cut. */
const OUTPUT_CHARACTERS = 4_000;

/** What an actor is made with. */
export interface ActorOptions {
  readonly who: string;
  readonly program: 'server.ts' | 'client.ts';
  /** Arguments of this life. */
  readonly args: (life: number) => readonly string[];
  /** Where compiled sources are kept for the next life. */
  readonly cache: string;
  /** Told when a life is over, however. */
  readonly ended: (life: number) => void;
  /** Told that it ended by itself before it was told to, or badly. */
  readonly failed: (sentence: string) => void;
}

/** Somebody who waits for a count or a word. */
interface Waiting {
  readonly isThere: () => boolean;
  readonly resolve: () => void;
}

/** One program. */
export class Actor {
  readonly who: string;
  life = 0;
  /** Things done by all lives so far. */
  doneCount = 0;
  /** Lost connections that it has seen. */
  downCount = 0;
  readonly #options: ActorOptions;
  #child: ChildProcess | undefined;
  #words: string[] = [];
  #errors = '';
  #line = '';
  #isLeaving = false;
  #waiting: Waiting[] = [];

  constructor(options: ActorOptions) {
    this.#options = options;
    this.who = options.who;
  }

  /** Starts the next life; resolves once it has shown a word that begins like this, with that word. */
  async start(word: string): Promise<string> {
    const { program, args, cache } = this.#options;
    this.life += 1;
    this.#words = [];
    this.#line = '';
    this.#errors = '';
    this.#isLeaving = false;
    const file = fileURLToPath(new URL(`./programs/${program}`, import.meta.url));
    const child = spawn(process.execPath, ['--conditions=homing-source', file, ...args(this.life)], {
      stdio: ['pipe', 'pipe', 'pipe'],
      env: { ...process.env, NODE_COMPILE_CACHE: cache },
    });
    this.#child = child;
    // Orders to one that has just been killed go nowhere.
    child.stdin.on('error', () => {});
    child.stdout.on('data', (chunk: Buffer) => this.#shown(chunk.toString()));
    child.stderr.on(
      'data',
      (chunk: Buffer) => (this.#errors = (this.#errors + chunk.toString()).slice(-OUTPUT_CHARACTERS)),
    );
    child.once('exit', (code, signal) => this.#exited(child, code, signal));
    child.once('error', (error) => this.#options.failed(`${this.who} could not be started: ${error.message}`));
    await this.until(() => this.#words.some((each) => each.startsWith(word)));
    return this.#words.find((each) => each.startsWith(word)) ?? '';
  }

  /** Resolves when this is so, looked at whenever something is shown. */
  until(isThere: () => boolean): Promise<void> {
    return new Promise((resolve) => {
      this.#waiting.push({ isThere, resolve });
      this.#wake();
    });
  }

  /** Resolves when so many more things are done. */
  progress(count: number): Promise<void> {
    const aim = this.doneCount + count;
    return this.until(() => this.doneCount >= aim);
  }

  /** Whether it has shown this word. */
  hasShown(word: string): boolean {
    return this.#words.includes(word);
  }

  /** Ends it without a word. Resolves when it is gone. */
  async kill(): Promise<void> {
    const child = this.#child;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    this.#isLeaving = true;
    const gone = once(child, 'exit');
    child.kill('SIGKILL');
    await gone;
  }

  /** Lets it stand still, until `goOn`. */
  stop(): void {
    this.#child?.kill('SIGSTOP');
  }

  goOn(): void {
    this.#child?.kill('SIGCONT');
  }

  /** Gives an order. */
  order(word: 'finish' | 'close'): void {
    this.#isLeaving ||= word === 'close';
    this.#child?.stdin?.write(`${word}\n`);
  }

  /** Tells it to end, and waits until it has. */
  async close(): Promise<void> {
    const child = this.#child;
    if (child === undefined) return;
    const gone = once(child, 'exit');
    this.order('close');
    await gone;
  }

  // ---- below

  #shown(text: string): void {
    for (const character of text) {
      if (character === '\n') {
        if (this.#line !== '') this.#words.push(this.#line);
        this.#line = '';
      } else if (character === '.' && this.#line === '') this.doneCount += 1;
      else if (character === 'd' && this.#line === '') this.downCount += 1;
      else this.#line += character;
    }
    this.#wake();
  }

  #wake(): void {
    const woken = this.#waiting.filter(({ isThere }) => isThere());
    if (woken.length === 0) return;
    this.#waiting = this.#waiting.filter((each) => !woken.includes(each));
    for (const { resolve } of woken) resolve();
  }

  #exited(child: ChildProcess, code: number | null, signal: string | null): void {
    this.#options.ended(this.life);
    if (this.#child !== child || (this.#isLeaving && (code === 0 || signal === 'SIGKILL'))) return;
    this.#options.failed(`${this.who}#${this.life} ended with ${code ?? signal}: ${this.#errors}`);
  }
}
