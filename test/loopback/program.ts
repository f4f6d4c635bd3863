/** Programs of their own: what only a process can show, which is when it ends by itself. */
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** How a program ended, and what it wrote. */
export interface Exit {
  readonly code: number | null;
  readonly output: string;
}

/** Runs a program of `programs/` until it ends by itself; what it writes to stderr is part of the output. */
export function exitOf(
  program: 'closes.ts' | 'collects.ts' | 'unreferenced.ts',
  ...args: readonly string[]
): Promise<Exit> {
  const file = fileURLToPath(new URL(`./programs/${program}`, import.meta.url));
  const child = spawn(process.execPath, ['--conditions=homing-source', '--expose-gc', file, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: 20_000,
  });
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (output += chunk.toString()));
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) => resolve({ code, output }));
  });
}
