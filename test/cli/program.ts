/** The command line as a user runs it: a process of its own, from the sources. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

/** What a command line printed and how it ended. */
export interface Ran {
  readonly code: number;
  readonly out: string;
  readonly complaint: string;
}

const program = fileURLToPath(new URL('../../bin/homing.cjs', import.meta.url));

/** Runs `homing` with these words to its end. `flags` are for Node, `environment` comes on top of this process's own, `folder` is where it runs. */
export async function homing(
  words: readonly string[],
  {
    flags = [],
    environment = {},
    folder,
  }: { flags?: readonly string[]; environment?: NodeJS.ProcessEnv; folder?: string } = {},
): Promise<Ran> {
  const child = spawn(process.execPath, ['--conditions=homing-source', ...flags, program, ...words], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...environment },
    cwd: folder,
  });
  let out = '';
  let complaint = '';
  child.stdout.on('data', (text: Buffer) => (out += text.toString()));
  child.stderr.on('data', (text: Buffer) => (complaint += text.toString()));
  const [code] = (await once(child, 'close')) as [number];
  return { code, out, complaint };
}
