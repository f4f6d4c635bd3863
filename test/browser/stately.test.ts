// The page that feeds Stately's inspector, in Chromium without the internet: in place of Stately's site stands a page with nothing
// but their stock receiver, from their package.
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { createClient, createServer } from 'homing';
import { openInspector } from 'homing/inspect';
import type { Browser, Route } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createMachine } from 'xstate';
import { diallingMachine } from '../../src/machines/dialling.ts';
import watched, { type Watched } from '../inspect/inspector.behavior.ts';
import { chromiumPath, launch } from './browser.ts';

const executablePath = chromiumPath();
if (executablePath === undefined) console.warn("NOT TESTED: the page for Stately's inspector. No chromium was found.");

const receiver = readFileSync(fileURLToPath(import.meta.resolve('@statelyai/inspect')), 'utf8');
const xstate = new URL('./', import.meta.resolve('xstate'));

/** What the receiver imports and does not use. */
const unused = {
  'fast-safe-stringify': 'export default undefined',
  'safe-stable-stringify': 'export default undefined',
  'isomorphic-ws': 'export default undefined',
  partysocket: 'export default undefined',
  superjson: 'export const stringify = undefined',
  '#uuid': 'export const uuid = undefined',
};

const imports = {
  '@statelyai/inspect': '/receiver.js',
  xstate: '/xstate/xstate.esm.js',
  ...Object.fromEntries(
    Object.entries(unused).map(([name, text]) => [name, `data:text/javascript,${encodeURIComponent(text)}`]),
  ),
};

const site = `<!doctype html>
<script type="importmap">${JSON.stringify({ imports })}</script>
<ol></ol>
<script type="module">
  import { createBrowserReceiver } from '@statelyai/inspect';
  createBrowserReceiver({ window }).subscribe((event) => {
    const item = document.createElement('li');
    item.textContent = JSON.stringify(event);
    document.querySelector('ol').append(item);
  });
</script>
`;

/** Answers as the site of Stately would. */
function answer(route: Route): Promise<void> {
  const { pathname } = new URL(route.request().url());
  if (pathname === '/inspect') return route.fulfill({ contentType: 'text/html', body: site });
  if (pathname === '/receiver.js') return route.fulfill({ contentType: 'text/javascript', body: receiver });
  const name = /^\/xstate\/([\w-]+(?:\.[\w-]+)*\.js)$/.exec(pathname)?.[1];
  if (name === undefined) return route.fulfill({ status: 404, body: '' });
  return route.fulfill({ contentType: 'text/javascript', body: readFileSync(new URL(name, xstate), 'utf8') });
}

describe.skipIf(executablePath === undefined)("the page for Stately's inspector", () => {
  let browser: Browser;

  beforeAll(async () => {
    browser = await launch(executablePath ?? '');
  }, 60_000);

  afterAll(() => browser.close(), 30_000);

  it('hands their stock receiver, in the frame, what a connection is and what it does, and nothing to anybody else', async () => {
    await using inspector = await openInspector({ port: 0, node: 'here' });
    await using server = createServer(watched, { shards: 0 });
    const { port } = await server.listen(0);
    await using client = createClient<Watched>(port, { inspect: inspector, backoff: { firstMs: 1 } });
    await client.up();
    const page = await browser.newPage();
    const asked = new Set<string>();
    page.on('request', (request) => asked.add(new URL(request.url()).host));
    const errors: string[] = [];
    page.on('pageerror', ({ message }) => errors.push(message));
    await page.route('https://stately.ai/**', answer);
    await page.goto(`${inspector.url}stately.html?watch=clients/1`);
    const items = page.frameLocator('#inspector').locator('li');
    await items.first().waitFor();
    client.reconnect();
    await items.nth(6).waitFor();
    const told = (await items.allTextContents()).map((text) => JSON.parse(text) as Record<string, unknown>);
    expect(told.map(({ type }) => type)).toEqual([
      '@xstate.actor',
      ...Array.from({ length: 3 }, () => ['@xstate.event', '@xstate.snapshot']).flat(),
    ]);
    expect(new Set(told.map(({ sessionId }) => sessionId))).toEqual(new Set(['here/clients/1']));
    const again = createMachine(JSON.parse(String(told[0]?.['definition'])) as object);
    expect(Object.keys(again.states)).toEqual(Object.keys(diallingMachine.states));
    const events = told.filter(({ type }) => type === '@xstate.event');
    expect(events.map(({ event }) => event)).toMatchObject([
      { type: 'RECONNECT' },
      { type: 'SOCKET_OPEN' },
      { type: 'WELCOMED' },
    ]);
    expect(told.at(-1)).toMatchObject({ snapshot: { value: 'up', status: 'active' } });
    expect([...asked].toSorted()).toEqual([new URL(inspector.url).host, 'stately.ai']);
    expect(errors).toEqual([]);
    await page.close();
  });
});
