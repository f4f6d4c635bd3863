/**
 * The files of the inspector's page, as the hub serves them: what the browser asks for and what it gets. They are read once,
 * beside this file, from the sources and from a build alike; the layout engine comes from its own package as it is.
 */
import { createHash } from 'node:crypto';
import { readFileSync, readdirSync } from 'node:fs';
import { createRequire } from 'node:module';

/** A file to answer with. `etag` is of its bytes, so that a browser may keep it and ask again. */
export interface PageFile {
  readonly contentType: string;
  readonly bytes: Buffer;
  readonly etag: string;
}

/** Goes out with every file: nothing is loaded, run or called but from the hub itself, and nobody may frame the page. */
export const pageHeaders: Readonly<Record<string, string>> = {
  'content-security-policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cache-control': 'no-cache',
};

const contentTypes: Readonly<Record<string, string>> = {
  html: 'text/html; charset=utf-8',
  css: 'text/css; charset=utf-8',
  js: 'text/javascript; charset=utf-8',
  svg: 'image/svg+xml',
};

/** Path to file: `/` is the page, `/elk.js` the layout engine, the rest stands under `/page/`. Reads some 1.7 MB. */
export function pageFiles(): ReadonlyMap<string, PageFile> {
  const folder = new URL('./page/', import.meta.url);
  const files = new Map<string, PageFile>();
  for (const name of readdirSync(folder)) {
    const contentType = contentTypes[name.slice(name.lastIndexOf('.') + 1)];
    if (contentType === undefined) continue;
    files.set(name === 'index.html' ? '/' : `/page/${name}`, fileOf(readFileSync(new URL(name, folder)), contentType));
  }
  const require = createRequire(import.meta.url);
  const engine = readFileSync(require.resolve('elkjs/lib/elk.bundled.js'));
  files.set('/elk.js', fileOf(engine, 'text/javascript; charset=utf-8'));
  return files;
}

function fileOf(bytes: Buffer, contentType: string): PageFile {
  return { contentType, bytes, etag: `"${createHash('sha256').update(bytes).digest('base64url').slice(0, 22)}"` };
}
