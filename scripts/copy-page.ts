/** Puts the inspector's page into `dist` as it stands: the compiler copies only what it compiles. */
import { cpSync, mkdirSync, readdirSync } from 'node:fs';

const from = new URL('../src/inspect/page/', import.meta.url);
const to = new URL('../dist/inspect/page/', import.meta.url);
mkdirSync(to, { recursive: true });
for (const name of readdirSync(from))
  if (/\.(?:html|css|js|svg)$/.test(name)) cpSync(new URL(name, from), new URL(name, to));
