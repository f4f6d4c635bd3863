/** Programs of their own: what only a process can show, which is whether it ends and what it has open. */
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** How a program ended, and what it wrote. */
export interface Exit {
  readonly code: number | null;
  readonly output: string;
}

/** Runs a program of `programs/` until it ends by itself, or for a minute; what it writes to stderr is part of the output. */
export function exitOf(
  program: 'closes-shards.ts' | 'counts-files.ts' | 'unfit-shards.ts',
  ...args: readonly string[]
): Promise<Exit> {
  const file = fileURLToPath(new URL(`./programs/${program}`, import.meta.url));
  const child = spawn(process.execPath, ['--conditions=homing-source', file, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: 60_000,
    killSignal: 'SIGKILL',
  });
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (output += chunk.toString()));
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) => resolve({ code, output }));
  });
}
