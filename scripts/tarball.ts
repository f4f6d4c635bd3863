/**
 * Packs the built package as it is published and uses it as a stranger would: installed into an empty project, type-checked
 * and run there over a loopback socket, its command line as well. `overrides` do not travel with a package, so `cbor-x` is bundled without its native
 * part; packing straight from the checkout would bundle that too and compile C++ at the user's.
 *
 *   npm run tarball             checks and leaves nothing behind
 *   npm run tarball -- --keep   also leaves the tarball, the one to publish
 */
import { execFileSync } from 'node:child_process';
import {
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, delimiter, dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const { version, files } = manifestOf(root);
const published = ['package.json', 'README.md', 'LICENSE', ...(files ?? [])];
const installScripts = ['preinstall', 'install', 'postinstall'];
const NPM_MS = 180_000;
const PROGRAM_MS = 30_000;

const program = `import { createClient, createServer } from 'homing';

interface Greeting {
  readonly server: { readonly events: { say: [text: string] } };
  readonly client: { readonly events: { said: [text: string, length: number] } };
}

const server = createServer<Greeting>((session) => {
  session.on('say', (text) => session.send('said', text.toUpperCase(), text.length));
});
const { port } = await server.listen(0);
const client = createClient<Greeting>(port);
const answer = new Promise<string>((resolve) => client.on('said', (text, length) => resolve(text + ' ' + String(length))));
client.send('say', 'hello from the tarball');
await client.flush();
console.log(await answer);
await client.close();
await server.close();
`;
const expected = 'HELLO FROM THE TARBALL 22\n';

const workplace = mkdtempSync(join(tmpdir(), 'homing-tarball-'));
try {
  const tarball = pack(join(workplace, 'package'));
  const project = join(workplace, 'project');
  install(project, tarball);
  refuseNativeParts(join(project, 'node_modules'));
  useIt(project);
  commandIt(project);
  viewIt(project);
  if (process.argv.includes('--keep')) copyFileSync(tarball, join(root, basename(tarball)));
  console.log('tarball: installs clean, type-checks and runs, and so does its command line');
} finally {
  rmSync(workplace, { recursive: true, force: true });
}

/** Packs a copy whose `node_modules` hold nothing but what is bundled; returns the path of the tarball. */
function pack(stage: string): string {
  mkdirSync(stage);
  for (const name of published) {
    if (existsSync(join(root, name))) cpSync(join(root, name), join(stage, name), { recursive: true });
  }
  if (!existsSync(join(stage, 'dist', 'index.js')))
    throw new Error('expected dist/index.js, found none: run npm run build');
  npm(stage, 'install', '--omit=optional', '--omit=dev', '--ignore-scripts');
  const name = npm(stage, 'pack', '--ignore-scripts', '--silent').trim().split('\n').at(-1) ?? '';
  const tarball = join(stage, name);
  if (!name.endsWith('.tgz')) throw new Error(`expected npm pack to name a tarball, got '${name}'`);
  console.log(`tarball: packed ${name}, ${Math.round(readFileSync(tarball).length / 1024)} KiB`);
  return tarball;
}

function install(project: string, tarball: string): void {
  mkdirSync(project);
  writeFileSync(join(project, 'package.json'), JSON.stringify({ name: 'stranger', private: true, type: 'module' }));
  npm(project, 'install', tarball);
}

/** Nothing that was installed compiles or runs anything on installation. */
function refuseNativeParts(modules: string): void {
  const found = packagesUnder(modules).flatMap((folder) => {
    const manifest = manifestOf(folder);
    const scripts = installScripts.filter((name) => manifest.scripts?.[name] !== undefined);
    const isNative = existsSync(join(folder, 'binding.gyp')) || manifest.name?.includes('cbor-extract') === true;
    return scripts.length > 0 || isNative ? [`${manifest.name ?? folder} ${scripts.join(' ')}`.trim()] : [];
  });
  if (found.length > 0) throw new Error(`expected no native part and no install script, found ${found.join(', ')}`);
  if (!existsSync(join(modules, 'homing', 'node_modules', 'cbor-x')))
    throw new Error('expected cbor-x bundled in homing, found none');
}

function useIt(project: string): void {
  const file = join(project, 'program.ts');
  writeFileSync(file, program);
  const compilerOptions = { target: 'es2024', module: 'nodenext', strict: true, noEmit: true, types: ['node'] };
  const typeRoots = [join(root, 'node_modules', '@types')];
  const settings = { compilerOptions: { ...compilerOptions, typeRoots }, files: ['program.ts'] };
  writeFileSync(join(project, 'tsconfig.json'), JSON.stringify(settings));
  run(project, {
    command: process.execPath,
    words: [join(root, 'node_modules/typescript/bin/tsc')],
    timeoutMs: NPM_MS,
  });
  const printed = run(project, { command: process.execPath, words: [file], timeoutMs: PROGRAM_MS });
  if (printed !== expected)
    throw new Error(`expected the program to print ${JSON.stringify(expected)}, got ${JSON.stringify(printed)}`);
}

/** The command line as `npx` finds it: its version, a check of this machine, a comparison without the packages to compare with, and the main job without a checkout. */
function commandIt(project: string): void {
  const homing = (...words: readonly string[]): string =>
    run(project, { command: 'npx', words: ['--no-install', 'homing', ...words], timeoutMs: PROGRAM_MS });
  const said = homing('--version').trim();
  if (said !== version) throw new Error(`expected homing --version to print ${version ?? ''}, got '${said}'`);
  const { status, findings } = JSON.parse(homing('doctor', '--json')) as Diagnosis;
  if (status === 'fail' || findings.length < 8)
    throw new Error(`expected homing doctor to find nothing that fails, got ${JSON.stringify(findings)}`);
  const words = ['bench', 'many-calls', '--quick', '--json', '--with', 'plain', 'socket.io'];
  const { rows, absent } = JSON.parse(homing(...words)) as Benchmark;
  const measured = rows['many-calls']?.map(({ contestant }) => contestant).join(' ');
  if (measured !== 'homing plain' || !JSON.stringify(absent).includes('npm install socket.io@'))
    throw new Error(`expected homing bench to measure plain and to miss socket.io, got ${JSON.stringify(rows)}`);
  const shown = homing('demo', '--cuts', '4', '--seconds', '10');
  if (!shown.includes('IDENTICAL: every byte arrived once and in order'))
    throw new Error(`expected homing demo to find all bytes, it printed\n${shown}`);
}

/** The files of the inspector's page are there, and the layout engine that they ask for. */
function viewIt(project: string): void {
  const file = join(project, 'view.ts');
  const table = pathToFileURL(join(project, 'node_modules', 'homing', 'dist', 'inspect', 'page.js')).href;
  writeFileSync(
    file,
    `const { pageFiles } = await import(${JSON.stringify(table)});\nconsole.log([...pageFiles().keys()].join(' '));\n`,
  );
  const paths = run(project, { command: process.execPath, words: [file], timeoutMs: PROGRAM_MS })
    .trim()
    .split(' ');
  for (const path of ['/', '/elk.js', '/page/main.js', '/page/style.css'])
    if (!paths.includes(path)) throw new Error(`expected the page's ${path} in the package, found ${paths.join(', ')}`);
}

interface Diagnosis {
  readonly status: string;
  readonly findings: readonly unknown[];
}

interface Benchmark {
  readonly rows: Readonly<Record<string, readonly { readonly contestant: string }[]>>;
  readonly absent: readonly unknown[];
}

interface Manifest {
  readonly name?: string;
  readonly version?: string;
  readonly files?: readonly string[];
  readonly scripts?: Readonly<Record<string, string>>;
}

function manifestOf(folder: string): Manifest {
  return JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as Manifest;
}

function packagesUnder(modules: string): readonly string[] {
  if (!existsSync(modules)) return [];
  const names = readdirSync(modules).filter((name) => !name.startsWith('.'));
  const folders = names.flatMap((name) =>
    name.startsWith('@')
      ? readdirSync(join(modules, name)).map((inner) => join(modules, name, inner))
      : [join(modules, name)],
  );
  return folders.flatMap((folder) => [folder, ...packagesUnder(join(folder, 'node_modules'))]);
}

function npm(folder: string, ...words: readonly string[]): string {
  return run(folder, { command: 'npm', words: [...words, '--no-audit', '--no-fund'], timeoutMs: NPM_MS });
}

interface Command {
  readonly command: string;
  readonly words: readonly string[];
  readonly timeoutMs: number;
}

function run(folder: string, { command, words, timeoutMs }: Command): string {
  const stdio: ['ignore', 'pipe', 'inherit'] = ['ignore', 'pipe', 'inherit'];
  try {
    return execFileSync(command, words, {
      cwd: folder,
      env: strangerEnvironment(),
      stdio,
      timeout: timeoutMs,
      encoding: 'utf8',
    });
  } catch (error) {
    const printed = (error as { stdout?: string }).stdout ?? '';
    throw new Error(`${command} ${words.join(' ')} failed: ${String(error)}\n${printed}`, { cause: error });
  }
}

/** Without what `npm run` adds for this project, which would reach the npm of the other one; with this Node found first. */
function strangerEnvironment(): NodeJS.ProcessEnv {
  const entries = Object.entries(process.env).filter(([name]) => !/^npm_(?:package|lifecycle|config_local)/.test(name));
  const path = [dirname(process.execPath), process.env['PATH'] ?? ''].join(delimiter);
  return { ...Object.fromEntries(entries.filter(([name]) => name !== 'NODE_OPTIONS')), PATH: path };
}
