// The rules of the house, checked: first over the repository as it stands, then against planted violations of each rule.
import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { asLine, checkLengths, checkMirror, checkSource, checkText } from './tidy/rules.ts';
import { blank, importsOf, type SourceFile } from './tidy/source.ts';

const LINES_MAX = 300;

/** Files of more than three hundred lines, each with the reason why it is one file. */
const longFiles: Readonly<Record<string, string>> = {
  'src/actors/acceptor.ts': 'one handshake from HELLO to WELCOME, read as a recipe from top to bottom',
  'src/actors/dialler.ts':
    'every command, effect and answer of a dialling session in one place; HELLO and reports are apart',
  'src/actors/link.ts': 'one connection: what comes in, what goes out and how it ends share the same few flags',
  'src/actors/session-actor.ts':
    'what the handles call, what a link calls and what the holder calls, three short lists over one state',
  'src/actors/shard.ts':
    'what acceptors ask and sessions tell over one table of sessions, with its bounds and its drain',
  'src/server/threads.ts':
    'the main thread over its shards: what the supervisor, the doors and the shards tell meets here',
  'src/actors/functions.ts': 'exports and imports share their counts, their ends and the message that is being encoded',
  'src/actors/shared-store.ts': 'what users do with a store and what the other end says of it, at both kinds of ends',
  'src/actors/mailbox.ts': 'one turn from its message to its settlement, for events and calls',
  'src/client/client.ts': 'the public handle: what users call, one method each, and the run of establish',
  'src/conformance/scene.ts': 'what a client knows while a case runs: its steps read and write all of it',
  'src/conformance/cases/handshake.ts': 'one group of cases, a table',
  'src/conformance/cases/order.ts': 'one group of cases, a table',
  'src/conformance/cases/resume.ts': 'one group of cases, a table',
  'src/session/outlet.ts':
    'the sending half over both outboxes: credit, order and gap are decided by the same few fields',
  'src/session/session.ts': 'one function a frame and one a command over the parts, which have files of their own',
};

const root = new URL('../', import.meta.url);
const outside = new Set(['.git', 'node_modules', 'dist', 'coverage', '.sim-failures']);
const readable = /(?:\.(?:ts|js|md|json|ya?ml|html|css)|^\.[\w.]+|(?:^|\/)(?:run|LICENSE))$/;

const files = filesUnder('').filter(({ path }) => readable.test(path));
const sources = files.filter(({ path }) => /\.(?:ts|js)$/.test(path));

describe('the repository', () => {
  it('holds the sources that the checks are about', () => {
    expect(sources.map(({ path }) => path)).toEqual(
      expect.arrayContaining(['src/errors.ts', 'src/ids.ts', 'test/tidy.test.ts']),
    );
    expect(files.map(({ path }) => path)).toEqual(
      expect.arrayContaining(['package.json', '.ci/run', 'CONTRIBUTING.md']),
    );
  });

  it('follows the table of folders, keeps the core pure and leaves nothing open', () => {
    expect(sources.flatMap(checkSource).map(asLine)).toEqual([]);
  });

  it('names no path of one machine in its documents and settings', () => {
    const documents = files.filter((file) => !sources.includes(file));
    expect(documents.flatMap(checkText).map(asLine)).toEqual([]);
  });

  it('has a reason for every long file', () => {
    const ours = sources.filter(({ path }) => !path.startsWith('test/'));
    expect(checkLengths(ours, { linesMax: LINES_MAX, reasons: longFiles }).map(asLine)).toEqual([]);
  });

  it('has unit tests that mirror its sources', () => {
    expect(checkMirror(sources.map(({ path }) => path)).map(asLine)).toEqual([]);
  });
});

describe('the table of folders', () => {
  it.each([
    ['src/errors.ts', `import { sessionId } from './ids.ts';`, 'may import nothing'],
    ['src/contract.ts', `import type { Duplex } from 'node:stream';`, 'may import nothing'],
    ['src/wire/frame.ts', `import { x } from '../session/outbox.ts';`, 'src/wire may import ids, errors'],
    ['src/wire/frame.ts', `import { crc32 } from 'node:zlib';`, 'is an argument'],
    ['src/wire/frame.ts', `import { crc32 } from 'zlib';`, `write 'node:zlib'`],
    ['src/wire/scan.ts', `import { Decoder } from 'cbor-x/index-no-eval';`, 'only src/wire/codec.ts knows it'],
    [
      'src/session/outbox.ts',
      `import { encode } from '../wire/codec.ts';`,
      'only frame, control and gather may be had',
    ],
    [
      'src/session/outbox.ts',
      `import { type Frame, encode } from '../wire/codec.ts';`,
      'only frame, control and gather may be had',
    ],
    [
      'src/session/outbox.ts',
      `export { encode } from '../wire/codec.ts';`,
      'only frame, control and gather may be had',
    ],
    ['src/session/outbox.ts', `export * from '../wire/codec.ts';`, 'only frame, control and gather may be had'],
    ['src/machines/door.ts', `import { sessionId } from '../ids.ts';`, 'a machine knows only xstate'],
    ['src/actors/driver.ts', `import { setup } from 'xstate';`, 'only src/machines/ knows it'],
    ['src/actors/driver.ts', `import { tcp } from '../transports/tcp.ts';`, 'define a port in src/actors/ports'],
    ['src/actors/shard.ts', `const { Piscina } = await import('piscina');`, 'only src/actors/pool.ts knows it'],
    ['src/actors/shard.ts', `import ws from 'ws';`, 'define a port'],
    [
      'src/transports/tcp.ts',
      `import { driver } from '../actors/driver.ts';`,
      'src/transports may import actors/ports',
    ],
    ['src/inspect/page.ts', `import { shard } from '../actors/shard.ts';`, 'listen to the events'],
    ['src/inspect/page/chart.js', `import ELK from 'elkjs';`, 'a browser reads this file as it is'],
    ['src/inspect/page/chart.js', `import { names } from '../frames.ts';`, 'a browser reads this file as it is'],
    ['src/inspect/hub.ts', `import { chartOf } from './page/machine.js';`, 'its .ts ending'],
    ['src/client/client.ts', `import { world } from '../testing/world.ts';`, 'src/client may import'],
    ['src/server/server.ts', `import '../cli/main.ts';`, 'src/server may import'],
    ['src/testing/world.ts', `import { main } from '../cli/main.ts';`, 'src/testing may import'],
    ['src/cli/main.ts', `import { driver } from '../actors/driver.ts';`, 'use the public entries'],
    ['src/index.ts', `export { driver } from './actors/driver.ts';`, 're-export it from src/server or src/client'],
    ['src/other/file.ts', `import { sessionId } from '../ids.ts';`, 'src/other is not in the table'],
    ['src/server/server.ts', `import { plant } from '../../test/plant.ts';`, 'src imports nothing outside src'],
    ['src/server/server.ts', `import { listen } from './listener.js';`, 'its .ts ending'],
  ])('refuses in %s: %s', (path, source, fault) => {
    expect(checkSource({ path, source }).map(asLine)).toEqual([expect.stringContaining(fault)]);
  });

  it.each([
    [
      'src/wire/codec.ts',
      `import { Encoder } from 'cbor-x/index-no-eval';\nimport { HomingError } from '../errors.ts';`,
    ],
    [
      'src/session/outbox.ts',
      `import type { Frame } from '../wire/frame.ts';\nimport { type Kind } from '../wire/frame.ts';`,
    ],
    ['src/session/session.ts', `import { Outbox } from './outbox.ts';\nimport { sessionId } from '../ids.ts';`],
    [
      'src/actors/driver.ts',
      `import { createConnection } from 'node:net';\nimport { splitter } from '../wire/splitter.ts';`,
    ],
    ['src/actors/pool.ts', `import { Piscina } from 'piscina';`],
    ['src/transports/socket.ts', `import ws from 'ws';\nimport type { Transport } from '../actors/ports.ts';`],
    [
      'src/server/server.ts',
      `import { tcp } from '../transports/tcp.ts';\nimport type { Contract } from '../contract.ts';`,
    ],
    ['src/testing/world.ts', `import fc from 'fast-check';\nimport { driver } from '../actors/driver.ts';`],
    [
      'src/index.ts',
      `export { createServer } from './server/server.ts';\nexport type { Session } from './session/session.ts';`,
    ],
    ['src/inspect/page/chart.js', `import { chartOf } from './machine.js';`],
    ['test/unit/inspect/page/machine.test.ts', `import { chartOf } from '../../../../src/inspect/page/machine.js';`],
    ['src/actors/events.ts', `// import { x } from '../cli/main.ts';\nconst text = "import y from '../cli/main.ts'";`],
    [
      'test/unit/wire/frame.test.ts',
      `import { frame } from '../../../src/wire/frame.ts';\nimport fc from 'fast-check';`,
    ],
  ])('allows in %s: %s', (path, source) => {
    expect(checkSource({ path, source }).map(asLine)).toEqual([]);
  });
});

describe('the machines', () => {
  it('import xstate and nothing else', () => {
    const source = `import { setup } from 'xstate';\nimport { delays } from './delays.ts';\nexport const door = setup({}).createMachine({});`;
    expect(checkSource({ path: 'src/machines/door.ts', source })).toEqual([
      { path: 'src/machines/door.ts', line: 2, fault: expect.stringContaining('exactly one import') },
    ]);
  });

  it.each(['createActor', 'transition', 'initialTransition', '* as xstate'])('leave %s to the runners', (name) => {
    const source = name.startsWith('*') ? `import ${name} from 'xstate';` : `import { setup, ${name} } from 'xstate';`;
    expect(checkSource({ path: 'src/machines/door.ts', source }).map(asLine)).toEqual([
      expect.stringContaining('only src/machines/runner.ts and src/machines/live.ts'),
    ]);
    expect(checkSource({ path: 'src/machines/runner.ts', source })).toEqual([]);
  });
});

describe('the core', () => {
  it.each([
    ['Date.now()', 'take nowMs as an argument'],
    ['new Date()', 'take nowMs as an argument'],
    ['performance.now()', 'take nowMs as an argument'],
    ['Math.random()', 'take the drawn number'],
    ['crypto.randomUUID()', 'take the drawn bytes'],
    ['setTimeout(f, 1)', 'hand out a deadline'],
    ['setInterval(f, 1)', 'hand out a deadline'],
    ['setImmediate(f)', 'hand out a deadline'],
    ['queueMicrotask(f)', 'hand out a deadline'],
    ['async () => 1', 'async begins in src/actors'],
    ['await f', 'async begins in src/actors'],
    ['new Promise(f)', 'async begins in src/actors'],
    ['Promise.resolve(1)', 'async begins in src/actors'],
    ['console.log(1)', 'hand out an event'],
    ['process.nextTick(f)', 'take what is needed'],
    ["process['env']", 'take what is needed'],
    ['globalThis', 'take what is needed'],
  ])('has no %s', (expression, fault) => {
    const source = `/** A value. */\nexport const value = ${expression};\n`;
    for (const path of [
      'src/ids.ts',
      'src/contract.ts',
      'src/wire/frame.ts',
      'src/session/outbox.ts',
      'src/machines/door.ts',
    ]) {
      expect(checkSource({ path, source })).toEqual([{ path, line: 2, fault: expect.stringContaining(fault) }]);
    }
    expect(checkSource({ path: 'src/actors/driver.ts', source })).toEqual([]);
  });

  it('may speak of them in comments, strings, names and arguments', () => {
    const source = [
      '// Date.now() and await are for others',
      "const sentence = 'console.log of a Promise';",
      'const pattern = /process.exit/;',
      'const line = `never ${sentence} Math.random() ${`crypto.x ${1}`} await`;',
      'const arrived = new Date(milliseconds);',
      'const state = { async: true, process: 1 };',
      'export interface MachineClock {',
      '  setTimeout(fire: () => void, delayMs: number): unknown;',
      '}',
      'const seen = state.process + turn.performance.now + processed.length;',
    ].join('\n');
    expect(checkSource({ path: 'src/session/outbox.ts', source }).map(asLine)).toEqual([]);
  });

  it('may promise in the types of the contract, and nowhere else', () => {
    const source = 'export type Stub = () => Promise<number>;';
    expect(checkSource({ path: 'src/contract.ts', source })).toEqual([]);
    expect(checkSource({ path: 'src/session/calls.ts', source })).toHaveLength(1);
  });
});

describe('every file', () => {
  it.each(['it.only', 'test.skip', 'describe.skip', 'it.concurrent.only', 'describe.todo'])('has no %s', (name) => {
    const finding = { path: 'test/unit/ids.test.ts', line: 2, fault: expect.stringContaining('never runs') };
    expect(checkSource({ path: 'test/unit/ids.test.ts', source: `\n${name}('a title', () => {});` })).toEqual([
      finding,
    ]);
  });

  it.each([
    ['TO', 'DO'],
    ['FIX', 'ME'],
    ['HA', 'CK'],
  ])('has no open point marked %s%s', (...parts) => {
    const source = `const a = 1;\n// ${parts.join('')}: later`;
    expect(checkSource({ path: 'src/wire/frame.ts', source }).map(asLine)).toEqual([
      expect.stringContaining('src/wire/frame.ts:2 '),
    ]);
  });

  it.each([['', 'home', 'someone', 'x'], ['', 'tmp', 'x'], ['C:', 'x'].map((part) => part)])(
    'has no path of one machine: %s %s %s',
    (...parts) => {
      const separator = parts[0] === 'C:' ? '\\' : '/';
      const source = `Run it.\n\nThen see ${parts.join(separator)} for more.`;
      expect(checkText({ path: 'README.md', source }).map(asLine)).toEqual([expect.stringContaining('README.md:3 ')]);
      expect(
        checkText({
          path: 'README.md',
          source: `See https://example.org${parts.slice(0, 2).join('/')}/a and ./tmp/a.`,
        }),
      ).toEqual([]);
    },
  );

  it('over three hundred lines gives a reason, and the reason goes when the length does', () => {
    const long = { path: 'src/wire/frame.ts', source: 'x\n'.repeat(301) };
    const short = { path: 'src/wire/scan.ts', source: 'x\n'.repeat(300) };
    const reasons = { [short.path]: 'a table', 'src/gone.ts': 'a table' };
    expect(checkLengths([long, short], { linesMax: 300, reasons }).map(asLine)).toEqual([
      expect.stringContaining('src/wire/frame.ts:301 301 lines'),
      expect.stringContaining('src/wire/scan.ts:1 not over'),
      expect.stringContaining('src/gone.ts:1 not over'),
    ]);
    expect(checkLengths([long], { linesMax: 300, reasons: { [long.path]: 'a table' } })).toEqual([]);
  });

  it('of unit tests is named after a source', () => {
    const paths = [
      'src/wire/frame.ts',
      'test/unit/wire/frame.test.ts',
      'test/unit/wire/gone.test.ts',
      'test/property/line.test.ts',
    ];
    expect(checkMirror(paths).map(asLine)).toEqual([
      expect.stringContaining('test/unit/wire/gone.test.ts:1 no src/wire/gone.ts'),
    ]);
  });
});

describe('the reader', () => {
  it('keeps lengths and lines, and code inside templates', () => {
    const source =
      "const a = `x${b({ c: 'y' })}z`; // d\n/* e\n */ const f = 1 / 2 / 3;\nconst g = /[/'\"]/.test(h);\n";
    const { code, text } = blank(source);
    expect(code).toBe(
      "const a = ` ${b({ c: ' ' })} `;     \n    \n    const f = 1 / 2 / 3;\nconst g = /     /.test(h);\n",
    );
    expect(text).toBe(
      "const a = `x${b({ c: 'y' })}z`;     \n    \n    const f = 1 / 2 / 3;\nconst g = /[/'\"]/.test(h);\n",
    );
  });

  it('finds every form of import with its line', () => {
    const source = [
      `import a, { b, type C } from './a.ts';`,
      `import type { D } from "./d.ts";`,
      `import {`,
      `  type E,`,
      `  type F as G,`,
      `} from './e.ts';`,
      `import * as h from 'node:fs';`,
      `import './i.ts';`,
      `export * from './j.ts';`,
      `export type { K } from './k.ts';`,
      `export const from = 'l.ts';`,
      `export interface M { n: string }`,
      `const o = await import('./o.ts');`,
    ].join('\n');
    const seen = importsOf(blank(source)).map(({ line, specifier, isTypeOnly }) => [line, specifier, isTypeOnly]);
    expect(seen).toEqual([
      [1, './a.ts', false],
      [2, './d.ts', true],
      [3, './e.ts', true],
      [7, 'node:fs', false],
      [8, './i.ts', false],
      [9, './j.ts', false],
      [10, './k.ts', true],
      [13, './o.ts', false],
    ]);
  });
});

function filesUnder(folder: string): readonly SourceFile[] {
  return readdirSync(new URL(folder, root), { withFileTypes: true }).flatMap((entry) => {
    const path = `${folder}${entry.name}`;
    if (outside.has(entry.name)) return [];
    if (entry.isDirectory()) return filesUnder(`${path}/`);
    return readable.test(path) ? [{ path, source: readFileSync(new URL(path, root), 'utf8') }] : [];
  });
}
