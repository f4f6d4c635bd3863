// The table of the page's files: what a browser can ask for, and what it is told with each.
import { describe, expect, it } from 'vitest';
import { pageFiles, pageHeaders } from '../../../src/inspect/page.ts';

const files = pageFiles();
const textOf = (path: string): string => files.get(path)?.bytes.toString('utf8') ?? '';

describe('the files of the page', () => {
  it('hold the page, its modules and styles, and the layout engine as its package has it', () => {
    expect([...files.keys()]).toEqual(
      expect.arrayContaining(['/', '/elk.js', '/page/main.js', '/page/style.css', '/page/icon.svg']),
    );
    expect(files.get('/')?.contentType).toBe('text/html; charset=utf-8');
    expect(files.get('/page/main.js')?.contentType).toBe('text/javascript; charset=utf-8');
    expect(files.get('/elk.js')?.bytes.length).toBeGreaterThan(1_000_000);
    expect([...files.keys()].filter((path) => /\.(?:ts|json)$/.test(path))).toEqual([]);
  });

  it('have tags that differ by content and not by reading', () => {
    const again = pageFiles();
    expect([...files].map(([path, { etag }]) => again.get(path)?.etag === etag)).not.toContain(false);
    expect(new Set([...files.values()].map(({ etag }) => etag)).size).toBe(files.size);
    expect(files.get('/')?.etag).toMatch(/^"[\w-]{22}"$/);
  });

  it('name nothing that is not among them, and no other host', () => {
    const named = [...textOf('/').matchAll(/(?:href|src)="([^"#][^"]*)"/g)].map(([, path]) => `/${path ?? ''}`);
    expect(named.length).toBeGreaterThan(10);
    for (const path of named) expect(files.has(path), path).toBe(true);
    for (const [path, { bytes }] of files)
      if (path !== '/elk.js')
        expect(bytes.toString().replaceAll('http://www.w3.org/2000/svg', ''), path).not.toMatch(/https?:\/\//);
  });

  it('import only each other, and all that are imported are loaded at once', () => {
    const preloaded = [...textOf('/').matchAll(/modulepreload" href="page\/([\w-]+\.js)"/g)].map(([, name]) => name);
    const imported = new Set<string>();
    for (const path of files.keys())
      if (path.startsWith('/page/') && path.endsWith('.js'))
        for (const [, name = ''] of textOf(path).matchAll(/^import [^;]* from '\.\/([\w-]+\.js)';$/gm))
          imported.add(name);
    expect(new Set(preloaded)).toEqual(imported);
  });

  it('come with a policy that lets nothing in from elsewhere', () => {
    const policy = pageHeaders['content-security-policy'] ?? '';
    for (const rule of [
      "default-src 'none'",
      "script-src 'self'",
      "style-src 'self'",
      "connect-src 'self'",
      "img-src 'self'",
    ])
      expect(policy.split('; ')).toContain(rule);
    expect(policy).not.toMatch(/unsafe|https?:|\*/);
    // Such styles and handlers would be refused by the browser.
    expect(textOf('/')).not.toMatch(/\sstyle=|\son\w+=|<style/);
  });
});
