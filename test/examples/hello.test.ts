import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, it } from 'vitest';

const running: Program[] = [];
afterEach(() => Promise.all(running.splice(0).map((program) => program.kill())));

/** One of the two programs, and the lines it has printed. */
class Program {
  readonly lines: string[] = [];
  readonly #child: ChildProcess;
  readonly #waiting: (() => void)[] = [];

  constructor(name: 'server' | 'client', port: string) {
    const path = fileURLToPath(new URL(`../../examples/hello/${name}.ts`, import.meta.url));
    this.#child = spawn(process.execPath, ['--conditions=homing-source', path, port], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let rest = '';
    this.#child.stdout?.on('data', (text: Buffer) => {
      const lines = (rest + text.toString()).split('\n');
      rest = lines.pop() ?? '';
      this.lines.push(...lines);
      this.#wake();
    });
    this.#child.on('exit', () => this.#wake());
    running.push(this);
  }

  /** Resolves with the first line printed from `from` on that matches. */
  async says(pattern: RegExp, from = 0): Promise<string> {
    for (;;) {
      const line = this.lines.slice(from).find((text) => pattern.test(text));
      if (line !== undefined) return line;
      if (this.#child.exitCode !== null) throw new Error(`it ended before it said ${pattern.source}`);
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
  }

  #wake(): void {
    for (const resolve of this.#waiting.splice(0)) resolve();
  }

  async kill(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    this.#child.kill('SIGKILL');
    await once(this.#child, 'exit');
  }
}

const heard = (...servers: readonly Program[]): readonly string[] =>
  servers.flatMap(({ lines }) => lines.filter((line) => line.startsWith('got ')));

describe('the two files of hello', () => {
  it('survive the death of either one', async () => {
    const first = new Program('server', '0');
    const port = (await first.says(/^listening at \d+$/)).replace(/\D/g, '');
    const client = new Program('client', port);
    await first.says(/^got hello 2$/);
    expect(client.lines).toEqual(expect.arrayContaining(['connection: connecting', 'connection: up', 'sent hello 2']));

    await first.kill();
    await client.says(/^connection: backoff$/);
    const downSince = client.lines.length;
    await client.says(/^sent hello/, downSince);
    const second = new Program('server', port);
    const gap = await client.says(/^the server lost its memory: \d unconfirmed, \d+ carried over$/);
    expect(gap).not.toContain(' 0 carried over');
    await second.says(/^session \w+ begins, epoch 2$/);
    await client.says(/^the server has heard/, client.lines.indexOf(gap));
    const last = client.lines.findLast((line) => line.startsWith('sent hello'))?.replace('sent', 'got') ?? '';
    await second.says(new RegExp(`^${last}$`));
    // Every hello arrived, at the old server or at the new one; those sent while there was none as well.
    const all = new Set(heard(first, second));
    for (let number = 1; number <= all.size; number += 1) expect(all).toContain(`got hello ${number}`);

    await client.kill();
    await second.says(/waits for its client/);
    const again = second.lines.length;
    const successor = new Program('client', port);
    await second.says(/^session \w+ begins, epoch 1$/, again);
    await second.says(/^got hello 1$/, again);
    await successor.says(/^the server has heard 1$/);
  });
});
