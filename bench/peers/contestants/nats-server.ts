/**
 * The broker of the contestants over NATS: Debian's `nats-server` as a child on a port that the system chooses. It ends with
 * the process that started it, also when that is killed (where `setpriv` is there).
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { accessSync, constants, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { createInterface } from 'node:readline';

/** A broker that runs. */
export interface Broker {
  readonly port: number;
  readonly pid: number;
  close(): Promise<void>;
}

/** Why there is no broker here, in a sentence; undefined when there is one. */
export function missingBroker(): string | undefined {
  if (find('nats-server') !== undefined) return undefined;
  return 'nats-server is neither on PATH nor in /usr/sbin: apt-get install nats-server';
}

/** Starts one; with JetStream its files lie in a folder of their own, which is removed with it. */
export async function startBroker({ hasJetStream }: { readonly hasJetStream: boolean }): Promise<Broker> {
  const program = find('nats-server');
  if (program === undefined) throw new Error(missingBroker());
  const folder = hasJetStream ? mkdtempSync(join(tmpdir(), 'homing-bench-nats-')) : undefined;
  const args = ['-a', '127.0.0.1', '-p', '-1', ...(folder === undefined ? [] : ['-js', '-sd', folder])];
  const guard = find('setpriv');
  const command = guard === undefined ? [program] : [guard, '--pdeathsig', 'KILL', program];
  const child = spawn(command[0] ?? program, [...command.slice(1), ...args], { stdio: ['ignore', 'ignore', 'pipe'] });
  const end = (): void => {
    child.kill('SIGKILL');
    if (folder !== undefined) rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
  };
  process.once('exit', end);
  const port = await portOf(child);
  return {
    port,
    pid: child.pid ?? 0,
    async close() {
      process.off('exit', end);
      const exited = once(child, 'exit');
      child.kill('SIGKILL');
      await exited;
      end();
    },
  };
}

/** The port it says it listens on, once it is ready. Its log is read on, so that it never waits for its reader. */
async function portOf(child: ChildProcess): Promise<number> {
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  let port = 0;
  let last = '';
  child.once('error', reject);
  child.once('exit', (code) => reject(new Error(`nats-server ended with ${code ?? 'a signal'}: ${last}`)));
  if (child.stderr === null) throw new Error('expected the log of nats-server');
  createInterface(child.stderr).on('line', (line) => {
    last = line;
    port = Number(/Listening for client connections on \S+:(\d+)/.exec(line)?.[1] ?? port);
    if (line.includes('Server is ready')) resolve(port);
  });
  return promise;
}

function find(name: string): string | undefined {
  const folders = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/sbin'];
  return folders.map((folder) => join(folder, name)).find(isExecutable);
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
