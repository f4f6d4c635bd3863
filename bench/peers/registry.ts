/**
 * Who takes part, by name. A contestant's module is loaded only when it is asked for, in the processes that run it: one whose
 * packages are not installed is left out, and the others run.
 */
import { existsSync, readFileSync } from 'node:fs';
import type { Contestant } from './contestant.ts';

interface Entry {
  /** The npm packages it uses, with the versions that are measured here. */
  readonly packages: Readonly<Record<string, string>>;
  /** Whether a client can call, and get an answer. */
  readonly hasCalls: boolean;
  /** The same library in another way, left out of quick runs. */
  readonly isVariant?: boolean;
  load(): Promise<Contestant>;
}

const entries: Readonly<Record<string, Entry>> = {
  homing: { packages: {}, hasCalls: true, load: async () => (await import('./contestants/homing.ts')).homing },
  plain: {
    packages: { 'cbor-x': '1.6.9' },
    hasCalls: true,
    load: async () => (await import('./contestants/plain.ts')).plain,
  },
  ws: {
    packages: { ws: '8.23.0', 'cbor-x': '1.6.9' },
    hasCalls: true,
    load: async () => (await import('./contestants/ws.ts')).ws,
  },
  'ws corked': {
    packages: { ws: '8.23.0', 'cbor-x': '1.6.9' },
    hasCalls: true,
    isVariant: true,
    load: async () => (await import('./contestants/ws.ts')).wsCorked,
  },
  'socket.io': {
    packages: { 'socket.io': '4.8.4', 'socket.io-client': '4.8.4' },
    hasCalls: true,
    load: async () => (await import('./contestants/socket-io.ts')).socketIo,
  },
  nats: {
    packages: { '@nats-io/transport-node': '3.4.0' },
    hasCalls: true,
    load: async () => (await import('./contestants/nats.ts')).nats,
  },
  jetstream: {
    packages: { '@nats-io/transport-node': '3.4.0', '@nats-io/jetstream': '3.4.0' },
    hasCalls: false,
    load: async () => (await import('./contestants/jetstream.ts')).jetstream,
  },
  capnweb: {
    packages: { capnweb: '0.12.0' },
    hasCalls: true,
    load: async () => (await import('./contestants/capnweb.ts')).capnweb,
  },
  mqtt: {
    packages: { mqtt: '5.16.0', aedes: '1.2.0' },
    hasCalls: false,
    load: async () => (await import('./contestants/mqtt.ts')).mqtt,
  },
};

/** Known by name, and measured by rows that ask for them. */
const others: Readonly<Record<string, Entry>> = {
  'homing in a shard': {
    packages: {},
    hasCalls: true,
    load: async () => (await import('./contestants/homing-shard.ts')).homingInShard,
  },
};

/** Who is compared: Homing first, with what the others are. */
export const contestantNames: readonly string[] = Object.keys(entries);

/** Those of a quick run. */
export const quickNames: readonly string[] = contestantNames.filter((name) => entries[name]?.isVariant !== true);

/** The packages of one with the versions that are measured here. */
export function wantedBy(name: string): Readonly<Record<string, string>> {
  return entries[name]?.packages ?? {};
}

/** Whether its links have `call`. */
export function hasCalls(name: string): boolean {
  return (entries[name] ?? others[name])?.hasCalls === true;
}

/** Loads one. Throws when there is none of this name, or a package of it is not installed. */
export function contestantOf(name: string): Promise<Contestant> {
  const entry = entries[name] ?? others[name];
  if (entry === undefined) throw new Error(`expected one of ${contestantNames.join(', ')}, got ${name}`);
  return entry.load();
}

/** What keeps one from running here, in a sentence that says how to get it; undefined when nothing does. */
export async function obstacleOf(name: string): Promise<string | undefined> {
  const packages = Object.entries(wantedBy(name));
  const absent = packages.filter(([wanted]) => versionOf(wanted) === undefined);
  if (absent.length > 0) return `not installed: npm install ${absent.map((pair) => pair.join('@')).join(' ')}`;
  return (await contestantOf(name)).missing();
}

/** The packages of one as they are installed: `ws 8.23.0`. */
export function packagesOf(name: string): readonly string[] {
  const packages = name === 'homing' ? ['homing'] : Object.keys(wantedBy(name));
  return packages.map((wanted) => `${wanted} ${versionOf(wanted) ?? 'not installed'}`);
}

/** The installed version of a package, found as Node finds it from here, Homing's own too; undefined when there is none. */
function versionOf(wanted: string): string | undefined {
  let folder = new URL('.', import.meta.url);
  for (;;) {
    for (const place of [`node_modules/${wanted}/package.json`, 'package.json']) {
      const { name, version } = manifestAt(new URL(place, folder));
      if (name === wanted) return version;
    }
    const above = new URL('..', folder);
    if (above.href === folder.href) return undefined;
    folder = above;
  }
}

function manifestAt(file: URL): { readonly name?: string; readonly version?: string } {
  return existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as { name?: string; version?: string }) : {};
}
