/**
 * Who may import whom, as data: the table of folders in `ARCHITECTURE.md`. A name stands for a folder of `src`, `folder/file`
 * for one file of it; `type` before a name allows types only; `node` is Node's own modules, `package` anything from npm.
 */
import { isBuiltin } from 'node:module';
import { posix } from 'node:path';
import type { Import } from './source.ts';

/** Files and folders of `src` that hold values in, values out: no clock, chance, timers, sockets or promises. */
export const coreFolders = ['ids', 'errors', 'contract', 'wire', 'session', 'machines'] as const;

const shared = ['ids', 'errors', 'contract'];
const adapter = ['actors/ports', 'ids', 'errors', 'node', 'package'];
const runtime = ['actors', 'transports', 'journal', 'cluster', 'inspect', 'server', 'client', 'node'];

/** Who may import what, by folder or file of `src`. */
export const mayImport: Readonly<Record<string, readonly string[]>> = {
  ids: [],
  errors: [],
  contract: [],
  wire: ['ids', 'errors'],
  // Headers and control frames are written where the messages lie; payloads stay opaque: no codec, scan or splitter.
  session: ['ids', 'errors', 'type wire', 'wire/frame', 'wire/control', 'wire/gather'],
  machines: ['errors'],
  actors: [...coreFolders, 'node'],
  transports: adapter,
  journal: adapter,
  cluster: adapter,
  inspect: ['actors/events', 'actors/pulse', 'actors/tally', 'errors', 'machines', 'node', 'package'],
  otel: ['actors/telemetry', 'errors', 'package'],
  server: [...coreFolders, ...runtime],
  client: [...coreFolders, ...runtime],
  // The linter reads frames with the second implementation of the wire, so as not to share a mistake with the first.
  testing: [...coreFolders, ...runtime, 'conformance', 'index', 'package'],
  // A second implementation of the wire: it shares the table of codes with the first, and nothing else.
  conformance: ['errors', 'node'],
  cli: [
    'index',
    'conformance/index',
    'machines/index',
    'inspect/index',
    'journal/index',
    'cluster/index',
    'testing/index',
    'node',
    'package',
  ],
  index: [...shared, 'server', 'client', 'type actors', 'type session'],
};

/** Packages that one place alone may know, so that the rest can be read and changed without them. */
const packageOwners: Readonly<Record<string, string>> = {
  'cbor-x': 'src/wire/codec.ts',
  piscina: 'src/actors/pool.ts',
  xstate: 'src/machines/',
  '@opentelemetry/api': 'src/otel/',
};

const insteadOf: Readonly<Record<string, string>> = {
  wire: 'the core takes bytes and hands bytes out; what it needs from outside is an argument',
  session:
    "a payload is opaque bytes here: take what is needed as an argument; of wire's code only frame, control and gather may be had",
  machines: 'a machine knows only xstate: effects go out as emitted events, chance comes in with events',
  actors: 'define a port in src/actors/ports and let the composition root in src/server or src/client pass it in',
  inspect: 'listen to the events of src/actors/events',
  conformance: 'write what is needed again: the suite must not share a mistake with what it looks at',
  index: 're-export it from src/server or src/client',
  cli: 'use the public entries',
};

/** Modules that run in a browser as they stand: they know one another and the browser. */
const pageFolder = 'src/inspect/page/';

/** The folder of `src` a path belongs to (`src/wire/frame.ts` is of `wire`, `src/ids.ts` of `ids`), if any. */
export function folderOf(path: string): string | undefined {
  return /^src\/([\w-]+)(?:\/|\.ts$)/.exec(path)?.[1];
}

/** Why this import is not allowed in the file at `path`, and what to use instead; undefined when it is. */
export function importFault(path: string, entry: Import): string | undefined {
  const folder = folderOf(path);
  const { specifier } = entry;
  if (path.startsWith(pageFolder)) return pageFault(path, specifier);
  if (specifier.startsWith('.')) {
    // Tests of the page's modules take them as a browser does.
    if (folder === undefined && posix.join(posix.dirname(path), specifier).startsWith(pageFolder)) return undefined;
    if (!specifier.endsWith('.ts')) return `import of '${specifier}': name the file with its .ts ending`;
    return folder === undefined ? undefined : relativeFault({ path, folder, entry });
  }
  if (specifier.startsWith('/')) return `import of '${specifier}': use a relative path`;
  if (folder === undefined) return undefined;
  if (isBuiltin(specifier)) {
    if (!specifier.startsWith('node:')) return `import of '${specifier}': write 'node:${specifier}'`;
    return isListed(folder, ['node'], true) ? undefined : refusal(folder, specifier);
  }
  return packageFault({ path, folder, specifier });
}

function pageFault(path: string, specifier: string): string | undefined {
  const isOurs = /^\.\/[\w-]+\.js$/.test(specifier);
  return isOurs
    ? undefined
    : `import of '${specifier}' in ${path}: a browser reads this file as it is, so it may import only './name.js' beside it`;
}

function relativeFault({ path, folder, entry }: { path: string; folder: string; entry: Import }): string | undefined {
  const target = posix.join(posix.dirname(path), entry.specifier);
  const targetFolder = folderOf(target);
  if (targetFolder === undefined) return `import of '${entry.specifier}': src imports nothing outside src`;
  if (targetFolder === folder) return undefined;
  const file = /^src\/[\w-]+\/([\w-]+)/.exec(target)?.[1];
  const names = file === undefined ? [targetFolder] : [targetFolder, `${targetFolder}/${file}`];
  return isListed(folder, names, entry.isTypeOnly) ? undefined : refusal(folder, entry.specifier);
}

function packageFault({
  path,
  folder,
  specifier,
}: {
  path: string;
  folder: string;
  specifier: string;
}): string | undefined {
  const name = specifier.split('/', specifier.startsWith('@') ? 2 : 1).join('/');
  const owner = packageOwners[name];
  if (owner !== undefined) {
    return path.startsWith(owner)
      ? undefined
      : `import of '${specifier}': only ${owner} knows it; use what that exports`;
  }
  return isListed(folder, ['package'], false) ? undefined : refusal(folder, specifier);
}

function isListed(folder: string, names: readonly string[], isTypeOnly: boolean): boolean {
  const allowed = mayImport[folder] ?? [];
  return names.some((name) => allowed.includes(name) || (isTypeOnly && allowed.includes(`type ${name}`)));
}

function refusal(folder: string, specifier: string): string {
  const allowed = mayImport[folder];
  if (allowed === undefined) return `import of '${specifier}': src/${folder} is not in the table of folders`;
  const list = allowed.length === 0 ? 'nothing' : allowed.join(', ');
  const instead = insteadOf[folder] ?? 'pass it in as an argument';
  return `import of '${specifier}': src/${folder} may import ${list}; ${instead}`;
}
