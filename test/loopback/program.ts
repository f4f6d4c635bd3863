/** Programs of their own: what only a process can show, which is when it ends by itself. */
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** How a program ended, and what it wrote. */
export interface Exit {
  readonly code: number | null;
  readonly output: string;
}

/** Runs a program of `programs/` until it ends by itself. */
export function exitOf(
  program: 'closes.ts' | 'collects.ts' | 'unreferenced.ts',
  ...args: readonly string[]
): Promise<Exit> {
  return exitOfFile(new URL(`./programs/${program}`, import.meta.url), args, 20_000);
}

/** Runs a file until it ends by itself, or for so long; what it writes to stderr is part of the output. */
export function exitOfFile(file: URL, args: readonly string[], timeoutMs: number): Promise<Exit> {
  const child = spawn(process.execPath, ['--conditions=homing-source', '--expose-gc', fileURLToPath(file), ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: timeoutMs,
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
