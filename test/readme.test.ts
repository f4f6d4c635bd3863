// The programs of README.md and docs/ as a reader would run them: each in a process of its own, from the sources. A comment
// behind a console.log is what it prints.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { createClient, createServer as createHoming } from 'homing';
import { afterEach, describe, expect, it } from 'vitest';
import type { Loose } from './loopback/world.ts';
import { pathsUnder, textOf } from './docs/page.ts';

interface Block {
  /** The name of the file that the page gives it; '' for a program that stands alone. */
  readonly name: string;
  readonly code: string;
}

function blocksOf(path: string): Block[] {
  const found = textOf(path).matchAll(/^```ts *(\S*)\n([\s\S]*?)^```$/gm);
  return [...found].map(([, name = '', code = '']) => ({ name, code }));
}

const programs = ['README.md', ...pathsUnder('docs/')].flatMap((path) =>
  blocksOf(path).flatMap(({ name, code }, index) => (name === '' ? [[`${path} ${index + 1}`, code] as const] : [])),
);

const running = new Set<Program>();

/** A program in a process of its own, given on its standard input. */
class Program {
  output = '';
  readonly #process: ChildProcess;
  #told = (): void => {};

  /** `file`: runs this file instead of code. */
  constructor(code: string, file?: string) {
    const program = file === undefined ? ['--input-type=module-typescript', '-'] : [file];
    this.#process = spawn(process.execPath, ['--conditions=homing-source', ...program], {
      cwd: fileURLToPath(new URL('..', import.meta.url)),
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    running.add(this);
    for (const stream of [this.#process.stdout, this.#process.stderr]) {
      stream?.on('data', (chunk: Buffer) => {
        this.output += chunk.toString();
        this.#told();
      });
    }
    this.#process.stdin?.end(code);
  }

  /** The exit code, once it has ended by itself. */
  async exitCode(): Promise<unknown> {
    const [code] = (await once(this.#process, 'close')) as [unknown];
    running.delete(this);
    return code;
  }

  /** Asks it to end, as a process manager does. */
  terminate(): void {
    this.#process.kill('SIGTERM');
  }

  /** Resolves when what it printed has this in it. */
  async prints(pattern: RegExp): Promise<void> {
    while (!pattern.test(this.output)) await new Promise<void>((resolve) => (this.#told = resolve));
  }

  /** Ends it without a word, as a crash would. */
  async kill(): Promise<void> {
    running.delete(this);
    if (this.#process.exitCode !== null) return;
    this.#process.kill('SIGKILL');
    await once(this.#process, 'close');
  }
}

afterEach(async () => {
  for (const program of running) await program.kill();
});

describe('a program of the pages', () => {
  it.each(programs)('%s runs, ends by itself and prints what it says', { timeout: 30_000 }, async (_, code) => {
    const program = new Program(code);
    expect(await program.exitCode(), program.output).toBe(0);
    const lines = program.output.trim().split('\n');
    const said = [...code.matchAll(/console\.log\(.*\); \/\/ (.+)$/gm)].map(([, text = '']) => text);
    expect(lines, program.output).toEqual(expect.arrayContaining(said));
  });

  it('are all of them', () => {
    expect(programs.map(([name]) => name)).toContain('README.md 1');
    expect(programs.length).toBeGreaterThan(4);
  });

  it('of the README survives its three cuts', { timeout: 30_000 }, async () => {
    const program = new Program(programs[0]?.[1] ?? '');
    await program.exitCode();
    expect(program.output).toContain('3000 lines, the last is "line 3000"');
    expect(program.output.match(/down: line-lost/g)).toHaveLength(3);
    expect(program.output.match(/up again, same session/g)).toHaveLength(3);
  });
});

describe('the two programs of the README', () => {
  it('go on when either is killed, as the page says', { timeout: 60_000 }, async () => {
    const port = await freePort();
    const blocks = new Map(blocksOf('README.md').map(({ name, code }) => [name, atPort(code, port)]));
    const start = (name: string): Program => new Program(blocks.get(name) ?? '');

    const server = start('server.ts');
    const client = start('client.ts');
    await server.prints(/^session \w+, epoch 1\n1\n2\n3\n/);
    await server.kill();
    const next = start('server.ts');
    await client.prints(/gap: \d+ unconfirmed, \d+ carried/);
    await next.prints(/^session \w+, epoch 2\n(\d+\n){3}/);
    const before = numbersOf(server);
    const after = numbersOf(next);
    expect(after[0]).toBeLessThanOrEqual((before.at(-1) ?? 0) + 1);
    expect(after).toEqual(after.map((_, index) => (after[0] ?? 0) + index));

    await client.kill();
    const another = start('client.ts');
    await next.prints(/session \w+, epoch 1\n1\n2\n/);
    expect(another.output).not.toContain('gap');
  });
});

describe('the pages with shards', () => {
  it('say what their servers do: README.md', { timeout: 60_000 }, async () => {
    const port = await freePort();
    await using files = await filesOf('README.md', (code) => code.replace('5556', String(port)));
    const server = new Program('', files.path('chat-server.ts'));
    const client = createClient<Loose>(port, { backoff: { baseMs: 20, maxMs: 50 } });
    const said = new Promise((resolve) => client.on('said', resolve));
    client.send('say', 'hello');
    expect(await said).toBe('HELLO');
    await server.prints(/^session \w+ lives in shard [01]$/m);
    server.terminate();
    expect(await server.exitCode(), server.output).toBe(0);
    await client.close({ drainMs: 0 });
  });

  it('say what their servers do: docs/shards.md', { timeout: 60_000 }, async () => {
    await using files = await filesOf('docs/shards.md', (code) => code);
    const server = new Program('', files.path('server.ts'));
    await server.prints(/^\d+$/m);
    const port = Number(/^\d+$/m.exec(server.output)?.[0]);
    await using fleet = createHoming(pathToFileURL(files.path('fleet.ts')), { shards: 1 });
    const sums = new Promise<number>((resolve) => fleet.on('session', () => resolve(1)));
    const info = await fleet.dial(port);
    expect([await sums, info.dialled, info.shard]).toEqual([1, true, 0]);
    await server.prints(new RegExp(`session ${info.id} lives in shard [01]`));
    await fleet.close();
    server.terminate();
    expect(await server.exitCode(), server.output).toBe(0);
  });
});

/** The named programs of a page as files, where they find the package. */
async function filesOf(page: string, edit: (code: string) => string) {
  const root = fileURLToPath(new URL('../coverage/', import.meta.url));
  await mkdir(root, { recursive: true });
  const folder = await mkdtemp(join(root, 'pages-'));
  for (const { name, code } of blocksOf(page)) if (name !== '') await writeFile(join(folder, name), edit(code));
  return {
    path: (name: string) => join(folder, name),
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true }),
  };
}

/** The numbers that a server has printed, without the names of sessions. */
function numbersOf(program: Program): number[] {
  return [...program.output.matchAll(/^(\d+)\n/gm)].map(([, number]) => Number(number));
}

/** The program with another port than the page's, and in a hurry. */
function atPort(code: string, port: number): string {
  return code.replace('5555', String(port)).replace('500)', '50)');
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
