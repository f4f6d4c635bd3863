// The inspector's page over a real server: two shards, a thousand connections from another process, and one that is cut.
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { createClient, createServer } from 'homing';
import { openInspector } from 'homing/inspect';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import watched, { type Watched } from '../inspect/inspector.behavior.ts';
import { chromiumPath, launch, openPage, picture } from './browser.ts';

const executablePath = chromiumPath();
if (executablePath === undefined)
  console.warn('NOT TESTED: the page of the inspector over a real server. No chromium was found.');

const CONNECTIONS = 1_000;
const SHOWN_WITHIN_MS = 3_000;
/** Openings until one is that fast: other programs may have the machine for themselves at times. */
const OPENINGS_MAX = 4;

describe.skipIf(executablePath === undefined)('the page of the inspector, over a real server', () => {
  const stack = new AsyncDisposableStack();
  let browser: Browser;
  let url = '';
  let sessionId = '';
  let counts: () => { readonly sessions: number; readonly connections: number };

  beforeAll(async () => {
    browser = await launch(executablePath ?? '');
    stack.defer(() => browser.close());
    const inspector = stack.use(await openInspector({ port: 0, mayCut: true }));
    ({ url } = inspector);
    const server = createServer(watched, { shards: 2, inspect: inspector });
    // The crowd is killed: a drain would wait for it to come back.
    stack.defer(() => server.close({ drainMs: 0 }));
    counts = () => server.counts;
    const { port } = await server.listen(0);
    const crowd = await crowdOf(port, CONNECTIONS - 1);
    stack.defer(() => gone(crowd));
    const client = createClient<Watched>(port, { inspect: inspector, backoff: { firstMs: 1, baseMs: 5, maxMs: 20 } });
    stack.defer(() => client.close({ drainMs: 0 }));
    await client.up();
    client.store.set('room', 'seen');
    await client.call('echo', 'x');
    sessionId = client.id;
  }, 60_000);

  afterAll(() => stack.disposeAsync(), 30_000);

  it('shows a thousand connections of two shards within three seconds of opening, as many as the server counts', async () => {
    for (let opening = 1; ; opening += 1) {
      const { page, complaints } = await openPage(browser, { url });
      const up = page.locator(`[data-machine=accepting] [data-state=up][data-count="${CONNECTIONS}"]`);
      const shown = await up.waitFor({ timeout: SHOWN_WITHIN_MS }).then(
        () => true,
        (error: unknown) => error,
      );
      if (shown === true) {
        const { connections, sessions } = counts();
        expect([connections, sessions]).toEqual([CONNECTIONS, CONNECTIONS]);
        const perShard = await page.locator('[data-place] td:nth-of-type(1)').allTextContents();
        const sum = perShard.slice(0, 2).reduce((total, text) => total + Number(text.replaceAll(',', '')), 0);
        expect(sum).toBe(CONNECTIONS);
        await page.fill('#filter', 'room=seen machine=dialling');
        await page.locator('[data-total="1"]').waitFor();
        await picture(page, 'runtime-fleet');
      }
      expect(complaints).toEqual([]);
      await page.close();
      if (shown === true) return;
      if (opening === OPENINGS_MAX) throw shown;
    }
  });

  it('shows a session survive the cut that a person asks for: up, backoff, and up again', async () => {
    const { page, complaints } = await openPage(browser, { url: `${url}#/connection?id=${sessionId}` });
    await page.locator('.connection [data-state=up].is-active').first().waitFor();
    await page.click('.cut');
    const ways = page.locator('.events li[data-type=step] .way');
    await page.locator('.events li', { hasText: 'backoff.planning → backoff.waiting' }).waitFor();
    // The first one is what the ring of last events knew.
    await page.locator('.events li', { hasText: 'connecting → authenticating' }).nth(1).waitFor();
    await page.locator('.sequence .words', { hasText: 'resumes' }).first().waitFor();
    const dialling = (await ways.allTextContents()).filter((way) => /backoff|connecting/u.test(way));
    expect(dialling.toReversed().slice(-4)).toEqual([
      expect.stringContaining('up → backoff.planning'),
      expect.stringContaining('backoff.planning → backoff.waiting'),
      expect.stringContaining('backoff.waiting → connecting'),
      expect.stringContaining('connecting → authenticating'),
    ]);
    await picture(page, 'runtime-connection');
    expect(complaints).toEqual([]);
    await page.close();
  });
});

/** So many clients in a process of their own; resolves when all of them are up. */
async function crowdOf(port: number, count: number): Promise<ChildProcess> {
  const program = fileURLToPath(new URL('./crowd.ts', import.meta.url));
  const crowd = fork(program, [String(port), String(count)], { execArgv: ['--conditions=homing-source'] });
  await once(crowd, 'message');
  return crowd;
}

async function gone(crowd: ChildProcess): Promise<void> {
  const exit = once(crowd, 'exit');
  crowd.kill();
  await exit;
}
