// The suite against our own server, all of it, and against servers that are wrong in one thing each.
import { type AddressInfo, createServer as listenRaw } from 'node:net';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createServer } from 'homing';
import { pageWithCases } from '../scripts/conformance.ts';
import target from '../examples/conformance/target.ts';
import { type Result, groups, lineOf, runCases } from '../src/conformance/index.ts';
import { homing } from './cli/program.ts';
import { type Wrong, flagsOf, renumber, seqOf, typeOf, wrongServer } from './conformance/wrong-servers.ts';
import { quoted, rowsWith, textOf } from './docs/page.ts';

const host = '127.0.0.1';
const cases = groups.flatMap((group) => group.cases);
const page = textOf('docs/conformance.md');

/** Short, as cases wait for these times; not so short that a busy machine misses them. */
const heartbeat = { intervalMs: 500, timeoutMs: 1_500 };
/** Its messages may be larger than its window, or the case about that would not apply. */
const options = { handshakeMs: 1_500, heartbeat, limits: { mailboxBytes: 524_288 } };

function serve(shards: number): ReturnType<typeof createServer> {
  const server = createServer(target, { ...options, shards });
  server.on('error', () => {}); // some cases want a handler to fail
  return server;
}

const unlike = (results: readonly Result[], outcome: Result['outcome']): string[] =>
  results.filter((result) => result.outcome !== outcome).map(lineOf);

/** Cases wait far more than they compute; patience costs nothing where they pass. */
const hurry = { jobs: 12, patience: 4 };

describe('our own server', () => {
  it.each([0, 2])('passes every case with %i shards', async (shards) => {
    const server = serve(shards);
    const { port } = await server.listen(0);
    const results = await runCases(groups, { host, port, ...hurry });
    await server.close({ drainMs: 0 });
    expect(unlike(results, 'passed')).toEqual([]);
    expect(results).toHaveLength(cases.length);
  });

  it('passes what asks for no target when it has another behavior', async () => {
    const server = createServer(() => {}, options);
    server.on('error', () => {});
    const { port } = await server.listen(0);
    const results = await runCases(groups, { host, port, ...hurry, plain: true });
    await server.close({ drainMs: 0 });
    const plain = results.filter(({ case: each }) => each.target !== true);
    expect(unlike(plain, 'passed')).toEqual([]);
    expect(plain.length).toBeGreaterThan(200);
    for (const { outcome, case: each } of results) expect(outcome === 'skipped', each.id).toBe(each.target === true);
  });
});

const HELLO = 1;
const WELCOME = 2;
const ACK = 4;
const PONG = 6;
const GOAWAY = 8;
const CLOSE = 9;
const ORDERED = 16;
const DIRECT = 17;

/** Each with the groups that are tried, and which of their cases must fail: these and no others. */
const wrongs: readonly (readonly [what: string, only: string, failing: readonly string[], wrong: Wrong])[] = [
  ['is right in everything', 'O', [], { toClient: () => undefined, toServer: () => undefined }],
  [
    'acknowledges one message more than it got',
    'O-01',
    ['O-01'],
    {
      toClient: (frame) => {
        if (typeOf(frame) !== ACK || frame.readBigUInt64BE(16) === 0n) return undefined;
        frame.writeBigUInt64BE(frame.readBigUInt64BE(16) + 1n, 16);
        return undefined;
      },
    },
  ],
  [
    'calls processed what merely arrived',
    'O-13',
    ['O-13'],
    {
      toClient: (frame) => {
        if (typeOf(frame) === ACK) frame.copy(frame, 24, 16, 24);
        return undefined;
      },
    },
  ],
  [
    'skips a seq',
    'O-24',
    ['O-24'],
    {
      toClient: (frame) => {
        if (typeOf(frame) === DIRECT) renumber(frame, seqOf(frame) + 1);
        return undefined;
      },
    },
  ],
  [
    'gives a receipt twice',
    'O-24',
    ['O-24'],
    {
      toClient: (frame, told) => {
        if (typeOf(frame) !== DIRECT) return undefined;
        const again = Buffer.from(frame);
        renumber(frame, seqOf(frame) + told.count);
        told.count += 1;
        renumber(again, seqOf(frame) + 1);
        return [frame, again];
      },
    },
  ],
  [
    'answers HELLO twice',
    'F-01',
    ['F-01'],
    { toClient: (frame) => (typeOf(frame) === WELCOME ? [frame, Buffer.from(frame)] : undefined) },
  ],
  ['answers no ping', 'F-01', ['F-01'], { toClient: (frame) => (typeOf(frame) === PONG ? [] : undefined) }],
  [
    'sends wrong checksums',
    'F-01',
    ['F-01'],
    {
      isSloppy: true,
      toClient: (frame) => {
        if (typeOf(frame) === PONG) frame.writeUInt8(frame.readUInt8(0) ^ 1, 0);
        return undefined;
      },
    },
  ],
  ['looks at no checksum', 'F-02 F-09 F-12 F-24 F-25 F-27', ['F-12', 'F-24', 'F-25'], { toServer: () => undefined }],
  [
    'does not prove itself',
    'R-01',
    ['R-01'],
    {
      toClient: (frame) => {
        if (typeOf(frame) === WELCOME) frame.writeUInt8(frame.readUInt8(frame.length - 1) ^ 1, frame.length - 1);
        return undefined;
      },
    },
  ],
  [
    'takes any seq for the next one',
    'O',
    ['O-02', 'O-03', 'O-04', 'O-08'],
    {
      toServer: (frame, told) => {
        if (typeOf(frame) === ORDERED) renumber(frame, (told.count += 1));
        return undefined;
      },
    },
  ],
  [
    'names another code than the one that is meant',
    'O',
    ['O-02', 'O-03', 'O-04', 'O-05', 'O-06', 'O-08'],
    {
      toClient: (frame) => {
        if (typeOf(frame) === CLOSE && frame.readUInt16BE(16) === 125) frame.writeUInt16BE(120, 16);
        return undefined;
      },
    },
  ],
  [
    'leaves the older connection open after a takeover',
    'R-11',
    ['R-11'],
    { holdsOn: true, toClient: (frame) => (typeOf(frame) === CLOSE ? [] : undefined) },
  ],
  [
    'keeps to no credit',
    'C-07',
    ['C-07'],
    {
      toServer: (frame) => {
        if (typeOf(frame) === HELLO) frame.writeUInt32BE(1_024, 16 + 27);
        if (typeOf(frame) === ACK) frame.writeUInt32BE(1_024, 16 + 24);
        return undefined;
      },
    },
  ],
  [
    'agrees to features that it does not know',
    'H-03',
    ['H-03'],
    {
      toClient: (frame) => {
        if (typeOf(frame) === WELCOME) frame.writeUInt32BE(frame.readUInt32BE(17) | 0x80, 17);
        return undefined;
      },
    },
  ],
  [
    'lets any payload through',
    'V-21',
    ['V-21'],
    {
      toServer: (frame) => {
        if (typeOf(frame) !== ORDERED) return undefined;
        const payload = Buffer.from('8161 61'.replace(' ', ''), 'hex');
        const header = frame.subarray(0, 16);
        header.writeUIntBE(payload.length, 5, 3);
        return [Buffer.concat([header, payload])];
      },
    },
  ],
  [
    'answers GOAWAY with nothing',
    'E-14',
    ['E-14'],
    { toClient: (frame) => (typeOf(frame) === GOAWAY ? [] : undefined) },
  ],
  [
    'starts a call whose CANCEL came first',
    'K-23',
    ['K-23'],
    {
      toServer: (frame) => {
        // Made a RELEASE of nothing that exists, which keeps the lane without a gap.
        if (typeOf(frame) !== DIRECT || flagsOf(frame) !== 3) return undefined;
        const header = frame.subarray(0, 16);
        header.writeUIntBE(12, 5, 3);
        header.writeUInt8(7, 8);
        return [Buffer.concat([header, Buffer.from('0000000000000001000000 01'.replace(' ', ''), 'hex')])];
      },
    },
  ],
];

// At the same time: they wait for deadlines most of the time.
describe.concurrent('a server that', () => {
  const server = serve(0);
  let port = 0;
  beforeAll(async () => void ({ port } = await server.listen(0)));
  afterAll(() => server.close({ drainMs: 0 }));

  it.each(wrongs)('%s: of %s fail %j', async (_, only, failing, wrong) => {
    const proxy = await wrongServer(port, wrong);
    const results = await runCases(groups, { host, port: proxy.port, only: only.split(' ') });
    proxy.close();
    expect(results.filter(({ outcome }) => outcome !== 'passed').map(({ case: each }) => each.id)).toEqual(failing);
  });

  it('is none fails with a sentence, and nothing hangs', async () => {
    const echo = listenRaw((socket) => socket.on('error', () => {}).pipe(socket)).listen(0, host);
    await once(echo, 'listening');
    const { port: at } = echo.address() as AddressInfo;
    const [first] = await runCases(groups, { host, port: at, only: ['F-01'] });
    echo.close();
    expect(first).toMatchObject({ outcome: 'failed', why: expect.stringContaining('it sent a frame of type 1') });
    const [none] = await runCases(groups, { host, port: at, only: ['F-01'] });
    expect(none).toMatchObject({ outcome: 'failed', why: expect.stringContaining('ECONNREFUSED') });
  });
});

describe('the cases', () => {
  it('have numbers of their own, in the order of the page', () => {
    expect(new Set(cases.map(({ id }) => id)).size).toBe(cases.length);
    for (const { name, cases: each } of groups) {
      expect(new Set(each.map(({ id }) => id.split('-')[0])).size, name).toBe(1);
      const numbers = each.map(({ id }) => Number(id.split('-')[1]));
      expect(numbers, name).toEqual(numbers.toSorted((one, other) => one - other));
    }
    expect(cases.length).toBeGreaterThan(400);
  });

  it('name sections of PROTOCOL.md, and codes that it has in them', () => {
    const sections = [...textOf('PROTOCOL.md').matchAll(/^## (\d+)\./gm)].map(([, number]) => Number(number));
    for (const { id, section } of cases) expect(sections, id).toContain(section);
  });

  it('each expect something, and end with that', () => {
    const isLoose = ({ steps }: (typeof cases)[number]): boolean => !steps.some(({ role }) => role === 'expects');
    expect(cases.filter(isLoose).map(({ id }) => id)).toEqual([]);
  });
});

describe('docs/conformance.md', () => {
  it('lists every case as it is', () => {
    expect(page).toBe(pageWithCases(page));
  });

  it('has every event and method of the target', () => {
    const source = textOf('examples/conformance/target.ts');
    const events = [...source.matchAll(/session\.on\('(\w+)'/g)].map(([, name]) => name);
    const named = rowsWith('docs/conformance.md', /^`\w+(?:\(.*\))?`$/).map(([cell]) =>
      quoted(cell).replace(/\(.*/, ''),
    );
    const methods = [...source.matchAll(/^ {6}(\w+)(?:: |,$)/gm)].map(([, name]) => name);
    const [exposed] = [methods.slice(methods.lastIndexOf('echo'))];
    expect(named).toEqual([...events, ...exposed]);
  });

  it('has every option of the command', async () => {
    const { out } = await homing(['conformance', '--help']);
    const known = [...out.matchAll(/^ {2}(--\S+(?: <[\w.]+>)?)/gm)].map(([, option]) => option);
    expect(rowsWith('docs/conformance.md', /^`--/).map(([cell]) => quoted(cell))).toEqual(known);
  });
});

/** What it says of a PONG can be seen at once. */
const wrongSums: Wrong = {
  isSloppy: true,
  toClient: (frame) => {
    if (typeOf(frame) === PONG) frame.writeUInt8(frame.readUInt8(0) ^ 1, 0);
    return undefined;
  },
};

describe.concurrent('homing conformance', () => {
  const server = serve(0);
  let port = 0;
  beforeAll(async () => void ({ port } = await server.listen(0)));
  afterAll(() => server.close({ drainMs: 0 }));

  it('prints a table and ends with 0 when every MUST holds', async () => {
    const { code, out, complaint } = await homing(['conformance', '--port', String(port), '--only', 'G', 'H-01']);
    expect(complaint).toBe('');
    expect(out).toMatch(/^group +cases +passed +failed +warned +skipped\nhandshake +1 +1 +0 +0 +0\nservices +13 +13 /);
    expect(code).toBe(0);
  });

  it('says loudly what --plain leaves out', async () => {
    const { code, out } = await homing(['conformance', '--port', String(port), '--only', 'G', '--plain']);
    expect(out).toMatch(/11 of 13 cases were NOT run/);
    expect(code).toBe(0);
  });

  it('gives the same as JSON, and ends with 1 when a MUST does not hold', async () => {
    const proxy = await wrongServer(port, wrongSums);
    const words = ['conformance', '--port', String(proxy.port), '--only', 'F-01', 'F-05', '--json'];
    const { code, out } = await homing(words);
    proxy.close();
    const {
      verdict,
      counts,
      cases: told,
    } = JSON.parse(out) as {
      verdict: string;
      counts: Record<string, number>;
      cases: readonly { readonly id: string; readonly outcome: string; readonly at?: string }[];
    };
    expect(counts).toEqual({ passed: 1, failed: 1, warned: 0, skipped: 0 });
    expect(told).toMatchObject([
      { id: 'F-01', outcome: 'failed', at: 'PONG' },
      { id: 'F-05', outcome: 'passed' },
    ]);
    expect(verdict).toBe('fail');
    expect(code).toBe(1);
  });

  it('writes JUnit with a test for each case, and says why a file cannot be written', async () => {
    const proxy = await wrongServer(port, wrongSums);
    const left = groups.find(({ name }) => name === 'calls')?.cases.find(({ target: isTarget }) => isTarget === true);
    const folder = await mkdtemp(join(tmpdir(), 'homing-junit-'));
    const file = join(folder, 'report.xml');
    const words = ['conformance', '--port', String(proxy.port), '--only', 'F-01', 'F-05', left?.id ?? '', '--plain'];
    const { code } = await homing([...words, '--junit', file]);
    proxy.close();
    const lines = (await readFile(file, 'utf8')).split('\n').map((line) => line.replace(/ time="[\d.]+"/, ''));
    await rm(folder, { recursive: true });
    expect(lines.slice(0, 4)).toEqual([
      '<?xml version="1.0" encoding="UTF-8"?>',
      `<testsuites name="homing conformance ${host}:${proxy.port}" tests="3" failures="1" errors="0" skipped="1">`,
      '  <testsuite name="framing" tests="2" failures="1" errors="0" skipped="0">',
      expect.stringMatching(
        /^ {4}<testcase classname="conformance.framing" name="F-01 MUST .*"><failure message=".*">at /,
      ),
    ]);
    expect(lines[4]).toMatch(/name="F-05 MUST .*"\/>$/);
    expect(lines[7]).toMatch(/name="K-\d\d .*"><skipped message="it needs the target behavior"\/><\/testcase>$/);
    expect(code).toBe(1);

    const refused = await homing([
      'conformance',
      '--port',
      String(port),
      '--only',
      'H-01',
      '--junit',
      join(folder, 'report.xml'),
    ]);
    expect([refused.code, refused.complaint]).toEqual([2, expect.stringMatching(/^error: cannot write /)]);
  });
});
