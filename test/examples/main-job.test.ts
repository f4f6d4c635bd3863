import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { picture } from '../../examples/main-job/picture.ts';
import { type JobOptions, optionsOf } from '../../examples/main-job/options.ts';
import { widthOf } from '../../examples/main-job/paint.ts';
import { PIECE_BYTES_MAX, type Piece, piecesOf } from '../../examples/main-job/pieces.ts';
import { ResendWatch } from '../../examples/main-job/resend-watch.ts';
import { Tally } from '../../examples/main-job/tally.ts';
import { verdictOf } from '../../examples/main-job/verdict.ts';

const folder = mkdtempSync(join(tmpdir(), 'main-job-'));
afterAll(() => rmSync(folder, { recursive: true }));

const program = fileURLToPath(new URL('../../examples/main-job/main.ts', import.meta.url));
const sha256 = (bytes: string | Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

let fileCount = 0;
function fileOf(content: string | Uint8Array): string {
  const path = join(folder, `file-${(fileCount += 1)}`);
  writeFileSync(path, content);
  return path;
}

function start(args: readonly string[]): ChildProcess {
  return spawn(process.execPath, ['--conditions=homing-source', program, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
}

async function run(args: readonly string[]): Promise<{ code: number; out: string; complaint: string }> {
  const child = start(args);
  let out = '';
  let complaint = '';
  child.stdout?.on('data', (text: Buffer) => (out += text.toString()));
  child.stderr?.on('data', (text: Buffer) => (complaint += text.toString()));
  const [code] = (await once(child, 'close')) as [number];
  return { code, out, complaint };
}

const few = ['--cuts', '6', '--seconds', '15', '--seed', '11'];

describe('the main job', () => {
  it.each([
    ['lines of all kinds, the last without an end', 'one\r\n\r\n\n\ntwo\n  three\u{1f600}\nlast'],
    ['an empty file', ''],
    [
      'bytes that are no text, and a line longer than a piece',
      Buffer.alloc(
        40_000,
        Uint8Array.from({ length: 251 }, (_, i) => i || 1),
      ),
    ],
  ])('ships %s over a line that is cut', async (_, content) => {
    const { code, out, complaint } = await run([fileOf(content), ...few]);
    expect(complaint).toBe('');
    expect(out.split(sha256(content)).length - 1).toBe(2);
    expect(out).toContain('IDENTICAL');
    expect(Number(/^cuts +(\d+)/m.exec(out)?.[1])).toBeGreaterThanOrEqual(6);
    expect(out).toContain('seed 11');
    expect(out).toMatch(/heartbeat +every 100 ms, dead after 300 ms/);
    expect(out).toMatch(/backoff +first within 10 ms/);
    expect(code).toBe(0);
  });

  it('says so and fails when a line was lost', async () => {
    const content = 'a\nb\nc\nd\ne\nf\ng\n';
    const { code, out } = await run([fileOf(content), '--sabotage', ...few]);
    expect(out).toContain(sha256(content));
    expect(out).toContain(sha256(content.replace('e\n', '')));
    expect(out).toContain('DIFFERENT: 1 of');
    expect(code).toBe(1);
  });

  it.each([
    [['no-such-file'], 'no-such-file'],
    [['.'], 'expected a regular file'],
    [['--cuts', 'many'], 'expected --cuts to be a whole number from 0'],
    [['one', 'two'], 'expected one file, got 2'],
    [['--nonsense'], 'nonsense'],
  ])('refuses %j with exit code 2', async (args, sentence) => {
    const { code, out, complaint } = await run(args);
    expect(complaint).toContain(sentence);
    expect(out).toBe('');
    expect(code).toBe(2);
  });

  it('leaves no process behind when it is interrupted', async () => {
    const child = start([...few, '--cuts', '1000']);
    let children: readonly number[] = [];
    for await (const _ of child.stdout ?? []) {
      children = childrenOf(child.pid);
      if (children.length === 2) break;
    }
    expect(children).toHaveLength(2);
    child.kill('SIGINT');
    expect(await once(child, 'exit')).toEqual([130, null]);
    for (const pid of children) expect(() => process.kill(pid, 0)).toThrow('ESRCH');
  });
});

/** Process ids of the children, as every Unix has them. */
function childrenOf(parent: number | undefined): readonly number[] {
  const table = execFileSync('ps', ['-A', '-o', 'pid=,ppid='], { encoding: 'utf8' });
  const rows = table
    .trim()
    .split('\n')
    .map((row) => row.trim().split(/\s+/).map(Number));
  return rows.flatMap(([pid, ppid]) => (ppid === parent && pid !== undefined && isAlive(pid) ? [pid] : []));
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

describe('the verdict', () => {
  const file = { digest: 'aa', lines: 10, bytes: 100 };
  const volume = { lines: 30, bytes: 300, passes: 3 };
  const good = [{ digest: 'aa', passes: 3 }];

  it('is good when every pass has the digest of the file and all counts agree', () => {
    expect(verdictOf(file, volume, volume, good)).toMatchObject({ isGood: true, digest: 'aa' });
    expect(verdictOf(file, volume, volume, good).sentence).toContain('3 times over');
  });

  it.each([
    [
      'a pass differs',
      volume,
      volume,
      [
        { digest: 'aa', passes: 2 },
        { digest: 'bb', passes: 1 },
      ],
    ],
    ['a pass is missing', volume, { lines: 20, bytes: 200, passes: 2 }, [{ digest: 'aa', passes: 2 }]],
    ['a pass came twice', volume, { lines: 40, bytes: 400, passes: 4 }, [{ digest: 'aa', passes: 4 }]],
    ['lines were lost after the last pass', volume, { ...volume, lines: 29 }, good],
    ['bytes were added', volume, { ...volume, bytes: 301 }, good],
    ['the client sent something else', { ...volume, bytes: 299 }, volume, good],
    ['nothing was sent', { lines: 0, bytes: 0, passes: 0 }, { lines: 0, bytes: 0, passes: 0 }, []],
  ])('is bad when %s', (_, sent, delivered, digests) => {
    expect(verdictOf(file, sent, delivered, digests).isGood).toBe(false);
  });

  it('shows the digest that is wrong', () => {
    const digests = [
      { digest: 'aa', passes: 2 },
      { digest: 'bb', passes: 1 },
    ];
    expect(verdictOf(file, volume, volume, digests).digest).toBe('bb');
  });
});

async function allPieces(path: string): Promise<readonly Piece[]> {
  const pieces: Piece[] = [];
  for await (const piece of piecesOf(path)) pieces.push(piece);
  return pieces;
}

describe('the pieces of a file', () => {
  it('joined are the file, each at most a line and of bounded length', async () => {
    const line = fc.oneof(
      fc.constant(''),
      fc.string({ maxLength: 40 }),
      fc.constant('x'.repeat(PIECE_BYTES_MAX)),
      fc.constant('y'.repeat(70_000)),
    );
    const content = fc.tuple(fc.array(line, { maxLength: 12 }), fc.constantFrom('\n', '\r\n'), fc.boolean());
    await fc.assert(
      fc.asyncProperty(content, async ([lines, newline, endsWithNewline]) => {
        const text = lines.join(newline) + (endsWithNewline ? newline : '');
        const pieces = await allPieces(fileOf(text));
        expect(Buffer.concat(pieces.map(({ bytes }) => bytes)).toString()).toBe(text);
        expect(pieces.every(({ bytes }) => bytes.length > 0 && bytes.length <= PIECE_BYTES_MAX)).toBe(true);
        expect(pieces.every(({ bytes }) => bytes.indexOf(10) === -1 || bytes.indexOf(10) === bytes.length - 1)).toBe(
          true,
        );
        const unended = text === '' || text.endsWith('\n') ? 0 : 1;
        expect(pieces.filter(({ endsLine }) => endsLine).length).toBe(text.split('\n').length - 1 + unended);
      }),
      { numRuns: 60 },
    );
  });
});

describe('the watch for what is resent', () => {
  const frame = (type: number, seq: number, bodyBytes: number): Buffer => {
    const bytes = Buffer.alloc(16 + bodyBytes, 0x10);
    bytes.writeUInt8(type, 4);
    bytes.writeUIntBE(bodyBytes, 5, 3);
    bytes.writeUInt8(0, 9);
    bytes.writeUIntBE(seq, 10, 6);
    return bytes;
  };

  it('counts ordered messages seen before, however the bytes are chopped', () => {
    const first = Buffer.concat([
      frame(0x01, 0, 100),
      frame(0x10, 1, 50),
      frame(0x10, 2, 0),
      frame(0x04, 0, 32),
      frame(0x10, 3, 9),
    ]);
    const second = Buffer.concat([
      frame(0x01, 0, 100),
      frame(0x10, 2, 0),
      frame(0x10, 3, 9),
      frame(0x11, 1, 5),
      frame(0x10, 4, 70),
    ]);
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 40 }), fc.nat(first.length), (size, cutAt) => {
        const watch = new ResendWatch();
        for (const [connection, bytes] of [first.subarray(0, cutAt), first, second].entries()) {
          for (let at = 0; at < bytes.length; at += size) watch.follow(connection, bytes.subarray(at, at + size));
        }
        const seenBefore = [116, 182, 246].filter((start) => cutAt >= start + 16).length;
        expect(watch.resentCount).toBe(2 + seenBefore);
      }),
    );
  });
});

describe('the live view', () => {
  const options = optionsOf(['--seed', '3']) as JobOptions;
  const file = { path: 'a', name: 'a', lines: 10, bytes: 100, digest: 'aa' };

  it.each([
    [80, 24],
    [120, 40],
    [60, 20],
    [200, 60],
  ])('fits %i columns and %i rows', (columns, rows) => {
    const tally = new Tally(options, file, 0);
    tally.proxyDid({ type: 'refusing', forMs: 20 }, 5);
    tally.recoveries.afterCut.push(10, 1_000);
    tally.recoveries.afterHole.push(400, 1_000);
    for (let index = 0; index < 300; index += 1) {
      tally.proxyDid(
        { type: 'cut', connection: 1, how: 'reset', direction: 'up', upBytes: 12, downBytes: 3, refuseMs: undefined },
        index,
      );
      tally.delivered = { lines: index * index, bytes: index * index * 10, passes: index };
      tally.pulse();
    }
    const lines = picture(tally, columns, rows);
    expect(lines.length).toBeLessThan(rows);
    if (columns >= 80) for (const row of lines) expect(widthOf(row)).toBeLessThanOrEqual(columns - 3);
  });

  it('takes cuts in a row for one outage, from the first cut to the first message processed again', () => {
    const tally = new Tally(options, file, 0);
    const cut = {
      type: 'cut',
      connection: 1,
      how: 'reset',
      direction: 'up',
      upBytes: 1,
      downBytes: 0,
      refuseMs: undefined,
    } as const;
    tally.proxyDid(cut, 100);
    tally.proxyDid(cut, 110);
    tally.proxyDid(cut, 130);
    tally.recovered(50);
    tally.recovered(120);
    tally.recovered(150);
    tally.proxyDid({ type: 'blackHole', connection: 2, hole: 'both' }, 200);
    tally.recovered(600);
    expect(tally.recoveries).toEqual({ afterCut: [20, 20], afterHole: [400] });
  });
});
