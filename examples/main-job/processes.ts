/** The client process and the server process: started, spoken to, and ended with the run whatever happens. */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { extname } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Order } from './reports.ts';

/** The processes of a run; none outlives it. */
export class Processes implements AsyncDisposable {
  readonly #children = new Map<string, ChildProcess>();
  readonly #failed: (error: Error) => void;

  constructor(failed: (error: Error) => void) {
    this.#failed = failed;
  }

  start<Report>(name: 'client' | 'server', args: readonly string[], told: (report: Report) => void): void {
    const program = new URL(`./${name}${extname(import.meta.url)}`, import.meta.url);
    const child = fork(fileURLToPath(program), args, {
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    });
    let complaint = '';
    child.stderr?.on('data', (text: Buffer) => (complaint += text.toString()));
    child.on('message', told as (message: unknown) => void);
    child.on('error', this.#failed);
    child.on('close', (code) =>
      this.#failed(new Error(`the ${name} process ended early (${code ?? 'killed'})\n${complaint}`)),
    );
    this.#children.set(name, child);
  }

  tell(name: 'client' | 'server', order: Order): void {
    const child = this.#children.get(name);
    if (child?.connected === true) child.send(order);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const living = [...this.#children.values()].filter((child) => child.exitCode === null && child.signalCode === null);
    await Promise.all(
      living.map((child) => {
        child.kill('SIGKILL');
        return once(child, 'exit');
      }),
    );
  }
}
