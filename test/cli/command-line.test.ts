import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import type { Finding } from '../../src/cli/judgements.ts';
import { homing } from './program.ts';

const folder = mkdtempSync(join(tmpdir(), 'homing-cli-'));
afterAll(() => rmSync(folder, { recursive: true }));

const checks = ['node', 'open files', 'listen', 'loopback', 'hand-over', 'unix path', 'threads', 'event loop'];

describe('homing', () => {
  it('prints the version of the package', async () => {
    const manifest = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
      version: string;
    };
    expect(await homing(['--version'])).toEqual({ code: 0, out: `${manifest.version}\n`, complaint: '' });
  });

  it.each([
    ['--help'],
    ['help'],
    ['doctor --help'],
    ['help doctor'],
    ['conformance --help'],
    ['machines --help'],
    ['bench --help'],
    ['fuzz --help'],
    ['demo --help'],
    ['help demo'],
  ])('helps with %s', async (words) => {
    const { code, out, complaint } = await homing(words.split(' '));
    expect(complaint).toBe('');
    expect(out).toContain(words.includes('demo') ? 'homing demo [file] [options]' : 'Usage: homing');
    expect(code).toBe(0);
  });

  it('shows what there is when it is told nothing', async () => {
    const { code, out, complaint } = await homing([]);
    expect(out).toBe('');
    expect(complaint).toMatch(/^ {2}doctor .*\n {2}demo /m);
    expect(code).toBe(2);
  });

  it.each([
    ['docter', 'Did you mean doctor?'],
    ['doctor --jsn', 'Did you mean --json?'],
    ['doctor more', 'too many arguments'],
    ['doctor --port 0', 'Expected a port from 1 to 65535'],
    ['doctor --connect nowhere', 'Expected host:port'],
    ['--nonsense', "unknown option '--nonsense'"],
    ['conformance', "required option '--port <number>' not specified"],
    ['conformance --port 1 --only Q', "no group and no case is called 'Q'"],
    ['conformance --port 1 --jobs 0', 'Expected a number from 1 to 1000'],
    ['machines dialing', "no machine is called 'dialing'; there are dialling, accepting, session, shard"],
    ['machines --format json', 'a format needs the name of a machine'],
    ['bench nonsense', 'unknown: nonsense'],
    ['bench stream --with nobody', 'contestants: homing, plain'],
    ['machines dialling --format svg', 'Expected source, json or mermaid.'],
    ['fuzz', "missing required argument 'module'"],
    ['fuzz a.ts --runs 0', 'Expected a whole number from 1 to'],
    ['fuzz a.ts --seconds soon', 'Expected a number above 0'],
    ['fuzz a.ts --shards 65', 'Expected a whole number from 0 to 64'],
    ['demo --nonsense', 'Try: homing demo --help'],
    ['demo no-such-file', 'no such file'],
    ['demo --cuts many', 'expected --cuts to be a whole number from 0'],
  ])('refuses %s with exit code 2 and a hint', async (words, sentence) => {
    const { code, out, complaint } = await homing(words.split(' '));
    expect(complaint).toContain(sentence);
    expect(out).toBe('');
    expect(code).toBe(2);
  });
});

describe('homing doctor', () => {
  it('prints a line for each check, and none fails here', async () => {
    const { code, out, complaint } = await homing(['doctor']);
    expect(complaint).toBe('');
    const lines = out.trimEnd().split('\n');
    expect(lines.map((line) => /^(?:ok|warn) +(\S+(?: \S+)?) {2,}\S/.exec(line)?.[1])).toEqual(checks);
    expect(code).toBe(0);
  });

  it('prints the same as JSON, with what else was asked for', async () => {
    const server = createServer((socket) => socket.on('error', () => {}).resume()).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const { code, out } = await homing(['doctor', '--json', '--port', String(port), '--connect', `127.0.0.1:${port}`]);
    server.close();
    const { status, findings } = JSON.parse(out) as { status: string; findings: readonly Finding[] };
    expect(findings.map(({ check }) => check)).toEqual([...checks, 'port', 'connect']);
    expect(findings.at(-2)).toMatchObject({ status: 'fail', advice: expect.stringContaining('end the process') });
    expect(findings.at(-1)?.found).toContain(`127.0.0.1:${port} took a TCP connection`);
    expect(status).toBe('fail');
    expect(code).toBe(1);
  });

  it(
    'warns of a folder for temporary files that cannot be used, and goes on',
    { skip: process.platform === 'win32' },
    async () => {
      const nowhere = join(folder, 'nowhere');
      const { code, out } = await homing(['doctor', '--json'], { environment: { TMPDIR: nowhere } });
      const { findings } = JSON.parse(out) as { findings: readonly Finding[] };
      expect(findings.find(({ check }) => check === 'unix path')).toMatchObject({
        status: 'warn',
        found: expect.stringContaining('nowhere'),
      });
      expect(findings).toHaveLength(checks.length);
      expect(code).toBe(0);
    },
  );
});

describe('homing demo', () => {
  const file = join(folder, 'lines');
  writeFileSync(file, 'one\ntwo\nthree\nfour\nfive\nsix\nseven');

  it('runs the main job to a good end', async () => {
    const { code, out, complaint } = await homing(['demo', file, '--cuts', '4', '--seconds', '15', '--seed', '7']);
    expect(complaint).toBe('');
    expect(out).toContain('seed 7, 4 cuts wanted');
    expect(out).toContain('IDENTICAL');
    expect(code).toBe(0);
  });

  it('has the exit code of the main job', async () => {
    const { code, out } = await homing(['demo', '--sabotage', '--cuts', '2', '--seconds', '15', file]);
    expect(out).toContain('DIFFERENT');
    expect(code).toBe(1);
  });

  it('ships a file of its own when none is named', async () => {
    const { code, out } = await homing(['demo', '--cuts', '0']);
    expect(out).toContain('PROTOCOL.md');
    expect(code).toBe(0);
  });
});
