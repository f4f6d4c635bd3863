// The inspector's page in a browser, played by a fake hub: what it shows, how it is used by keys, and how it comes back.
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type WatchedPage, chromiumPath, launch, openPage, picture } from './browser.ts';
import { FakeHub } from './fake-hub.ts';

const executablePath = chromiumPath();
if (executablePath === undefined)
  console.warn('NOT TESTED: the page of the inspector. No chromium was found; install one, or name it in CHROMIUM.');

/** How soon a fleet must be shown, from the moment that its page is asked for. */
const SHOWN_WITHIN_MS = 3_000;
/** Openings until one is that fast: other tests may have the machine for themselves at times. */
const OPENINGS_MAX = 4;

const quiet = { accepted: [512, 488], dialled: 24, cutsPerStep: 0, mayCut: true };
const number = (text: string | null): number => Number((text ?? '').replaceAll(',', ''));

describe.skipIf(executablePath === undefined)('the page of the inspector', () => {
  let browser: Browser;
  let hub: FakeHub;

  beforeAll(async () => {
    [browser, hub] = await Promise.all([launch(executablePath ?? ''), FakeHub.start(quiet)]);
  });

  afterAll(async () => {
    await browser.close();
    await hub.close();
  });

  it('shows a thousand connections of two shards within three seconds of opening', async () => {
    for (let opening = 1; ; opening += 1) {
      const { page, complaints } = await openPage(browser, { url: hub.url });
      const shown = await shownFleet(page).then(
        () => true,
        (error: unknown) => error,
      );
      await leave({ page, complaints });
      if (shown === true) return;
      if (opening === OPENINGS_MAX) throw shown;
    }
  });

  it('says the same numbers as the hub on the chart, in words, of the shards and in the list', async () => {
    const { page, complaints } = await openPage(browser, { url: hub.url });
    await shownFleet(page, 30_000);
    const shards = hub.fleet.shards();
    const up = shards.reduce((sum, { states }) => sum + (states['accepting']?.['up'] ?? 0), 0);
    expect(up).toBe(1000);
    const panel = page.locator('[data-machine=accepting]');
    await panel.locator('[data-state=up][data-count="1000"]').waitFor();
    expect(await panel.locator('[data-state=up] .count').textContent()).toBe('1,000');
    await page.locator('[data-machine=dialling] [data-state=up][data-count="24"]').waitFor();
    expect(await page.locator('[data-machine=dialling] [data-state=up] .count').textContent()).toBe('24');
    expect(await page.locator('[data-machine=dialling] [data-state=backoff] .count').textContent()).toBe('0');
    await panel.locator('.in-words summary').click();
    expect(await panel.locator('.in-words li:has(> .word:text-is("up")) > .note').textContent()).toBe('1,000');
    for (const { place, connections, sessions } of shards) {
      const cells = page.locator(`[data-place="${place}"] td`);
      expect(number(await cells.nth(0).textContent())).toBe(connections);
      expect(number(await cells.nth(1).textContent())).toBe(sessions);
    }
    expect(number(await page.locator('[data-figure=connections]').textContent())).toBe(1024);
    expect(await page.locator('.rows-panel [data-total]').getAttribute('data-total')).toBe('1024');
    expect(await page.locator('.rows tbody tr').count()).toBe(200);
    await leave({ page, complaints });
  });

  it('colors the states by how many connections enter them a second, and says it in words', async () => {
    const busy = await FakeHub.start({ ...quiet, accepted: [40], dialled: 20, cutsPerStep: 2 });
    const { page, complaints } = await openPage(browser, { url: busy.url });
    const backoff = page.locator('[data-machine=dialling] [data-state=backoff].is-entered');
    await backoff.locator('.entries', { hasText: /^[0-9.]+\/s$/ }).waitFor();
    expect(Number(await backoff.locator('.heat').getAttribute('fill-opacity'))).toBeGreaterThan(0);
    const idle = page.locator('[data-machine=dialling] [data-state=idle]');
    expect(await idle.locator('.heat').getAttribute('fill-opacity')).toBe('0.00');
    expect(await idle.locator('.entries').textContent()).toBe('');
    await page.locator('[data-machine=dialling] .in-words summary').click();
    const words = page.locator('[data-machine=dialling] .in-words li:has(> .word:text-is("backoff")) > .entries');
    await words.filter({ hasText: /^[0-9.]+\/s enter$/ }).waitFor();
    await leave({ page, complaints });
    await busy.close();
  });

  it('lets through what the filter says, and chooses states and shards by a click', async () => {
    const { page, complaints } = await openPage(browser, { url: hub.url });
    await shownFleet(page, 30_000);
    const wanted = hub.fleet.rows(({ id, store }) => id.startsWith('1/') && store?.['room'] === 'night shift');
    await page.fill('#filter', 'room="night shift"');
    await page.click('[data-place="1"] button');
    await page.locator(`[data-total="${wanted.length}"]`).waitFor();
    expect(new URLSearchParams(new URL(page.url()).hash.split('?')[1]).get('filter')).toBe(
      'room="night shift" shard=1',
    );
    expect(await page.locator('[data-machine=accepting] [data-state=up] .count').textContent()).toBe('488');
    await page.fill('#filter', '');
    await page.locator('[data-total="1024"]').waitFor();
    await page.locator('[data-machine=dialling] [data-state=up]').click();
    await page.locator('[data-total="24"]').waitFor();
    expect(await page.inputValue('#filter')).toBe('machine=dialling state=up');
    expect(await page.locator('[data-machine=dialling] [data-state=up]').getAttribute('aria-pressed')).toBe('true');
    expect(await page.locator('[data-machine=accepting] [data-state=up]').getAttribute('aria-pressed')).toBe('false');
    await page.locator('[data-machine=dialling] [data-state=up]').click();
    await page.locator('[data-total="1024"]').waitFor();
    await page.fill('#filter', 'nobody-has-this');
    await page.locator('[data-total="0"]').waitFor();
    await leave({ page, complaints });
  });

  it('shows a connection that is cut going from up over backoff to up again', async () => {
    const [row] = hub.fleet.rows(({ machine, state }) => machine === 'dialling' && state === 'up');
    const { page, complaints } = await openPage(browser, { url: `${hub.url}#/connection?id=${row?.sessionId ?? ''}` });
    await page.locator('.connection [data-state=up].is-active').waitFor();
    await page.evaluate(() => {
      const seen: string[] = [];
      const look = (): void => {
        const active = [...document.querySelectorAll('.connection .state.is-active')];
        const state = active.map((each) => each.getAttribute('data-state')).at(-1) ?? '';
        if (seen.at(-1) !== state) seen.push(state);
        document.documentElement.dataset['seen'] = seen.join(' ');
      };
      new MutationObserver(look).observe(document.body, {
        subtree: true,
        attributes: true,
        attributeFilter: ['class'],
      });
    });
    await page.click('.cut');
    await page.locator('.events li', { hasText: 'authenticating → up' }).waitFor();
    const steps = await page.locator('.events li[data-type=step] .way').allTextContents();
    expect(steps.slice(0, 4)).toEqual([
      'authenticating → up',
      'connecting → authenticating',
      'backoff.waiting → connecting',
      'up → backoff.waiting',
    ]);
    const seen = (await page.locator('html').getAttribute('data-seen')) ?? '';
    expect(seen).toMatch(/backoff\.waiting connecting authenticating up$/);
    await page.locator('.edge.is-last[data-edge="authenticating>up"]').waitFor();
    expect(await page.locator('.sequence .words').allTextContents()).toEqual(
      expect.arrayContaining(['SOCKET_LOST', 'detached', 'resumes']),
    );
    expect(await page.locator('.state-word').textContent()).toBe('up');
    await leave({ page, complaints });
  });

  it('follows a session from its lost connection to the next one', async () => {
    const [row] = hub.fleet.rows(({ machine, state }) => machine === 'accepting' && state === 'up');
    const { page, complaints } = await openPage(browser, { url: `${hub.url}#/connection?id=${row?.sessionId ?? ''}` });
    await page.locator('.connection [data-state=up].is-active').waitFor();
    await page.click('.cut');
    await page.locator('.events li', { hasText: 'authenticating → up' }).waitFor();
    const ends = page.locator('.events li[data-type=end]');
    expect(await ends.locator('b').textContent()).toBe(row?.id);
    await page.locator('.facts dd', { hasText: /^0\/\d{4}$/ }).waitFor();
    expect(await page.locator('.facts').textContent()).not.toContain(`Id${row?.id ?? ''}State`);
    await leave({ page, complaints });
  });

  it('keeps events back while it is paused, and finds them by words', async () => {
    const [, row] = hub.fleet.rows(({ machine, state }) => machine === 'dialling' && state === 'up');
    const { page, complaints } = await openPage(browser, { url: `${hub.url}#/connection?id=${row?.sessionId ?? ''}` });
    await page.locator('.connection [data-state=up].is-active').waitFor();
    const pause = page.locator('.events-panel button');
    await pause.click();
    await page.click('.cut');
    await page.locator('button', { hasText: 'Resume (6 new)' }).waitFor();
    expect(await page.locator('.events li').count()).toBe(1);
    await pause.click();
    expect(await page.locator('.events li').count()).toBe(7);
    await page.fill('.events-panel input', 'line-lost');
    expect(await page.locator('.events li b').allTextContents()).toEqual(['session', 'SOCKET_LOST']);
    await leave({ page, complaints });
  });

  it('can be used by keys alone', async () => {
    const { page, complaints } = await openPage(browser, { url: hub.url });
    await shownFleet(page, 30_000);
    const focused = (attribute: string): Promise<string | null | undefined> =>
      page.evaluate((name) => document.activeElement?.getAttribute(name), attribute);
    await page.keyboard.press('Tab');
    expect(await focused('class')).toBe('skip');
    await page.keyboard.press('Enter');
    expect(await focused('id')).toBe('main');
    await page.locator('[data-machine=accepting] .state[tabindex="0"]').focus();
    expect(await focused('data-state')).toBe('authenticating');
    await page.keyboard.press('ArrowDown');
    expect(await focused('data-state')).toBe('up');
    await page.keyboard.press('Enter');
    await page.locator('[data-total="1000"]').waitFor();
    await page.keyboard.press('/');
    expect(await focused('id')).toBe('filter');
    await page.keyboard.press('Escape');
    await page.locator('[data-total="1024"]').waitFor();
    await page.keyboard.press('Tab');
    await page.locator('.rows tbody tr[tabindex="0"]').focus();
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('ArrowDown');
    const [, , third] = hub.fleet.rows(() => true);
    expect(await focused('data-id')).toBe(third?.id);
    await page.keyboard.press('Enter');
    await page.locator('.connection h1', { hasText: third?.sessionId ?? '' }).waitFor();
    await leave({ page, complaints });
  });

  it('comes back by itself when the hub was away, says so, and watches on', async () => {
    const away = await FakeHub.start({ ...quiet, accepted: [3], dialled: 1 });
    const [row] = away.fleet.rows(({ machine }) => machine === 'dialling');
    const url = `${away.url}#/connection?id=${row?.sessionId ?? ''}`;
    const { page, complaints } = await openPage(browser, { url, mayLoseLine: true });
    await page.locator('.connection [data-state=up].is-active').waitFor();
    await away.goAway();
    await page.locator('.notice.is-lost:visible').waitFor();
    expect(await page.locator('#status').textContent()).toBe('reconnecting');
    await away.comeBack();
    await page.locator('#status[data-status=live]').waitFor();
    await page.locator('.notice', { hasText: 'is back after' }).waitFor();
    await page.locator('.notice.is-lost').waitFor({ state: 'hidden' });
    await page.click('.cut');
    await page.locator('.events li', { hasText: 'authenticating → up' }).waitFor();
    await leave({ page, complaints });
    await away.close();
  });

  it('asks for what a slow line has left out, and shows it once', async () => {
    const slow = await FakeHub.start({ ...quiet, accepted: [3], dialled: 1 });
    const [row] = slow.fleet.rows(({ machine }) => machine === 'dialling');
    const url = `${slow.url}#/connection?id=${row?.sessionId ?? ''}`;
    const { page, complaints } = await openPage(browser, { url });
    await page.locator('.connection [data-state=up].is-active').waitFor();
    slow.leavesOut = true;
    await page.click('.cut');
    await page.locator('.facts dt:text-is("Resumes") + dd:text-is("1")').waitFor();
    slow.leavesOut = false;
    slow.tell({ type: 'missed', count: 5 });
    await page.locator('.events li', { hasText: 'SOCKET_LOST' }).waitFor();
    await page.locator('.events li', { hasText: 'authenticating → up' }).waitFor();
    slow.tell({ type: 'missed', count: 1 });
    await page.locator('.notice', { hasText: '6 frames were left out' }).waitFor();
    await page.click('.cut');
    await page.locator('.events li', { hasText: 'SOCKET_LOST' }).nth(1).waitFor();
    expect(await page.locator('.events li', { hasText: 'SOCKET_LOST' }).count()).toBe(2);
    await leave({ page, complaints });
    await slow.close();
  });

  it('says what was missed, what failed and what is gone, and offers no cut where none is allowed', async () => {
    const strict = await FakeHub.start({ ...quiet, accepted: [3], dialled: 1, mayCut: false });
    const [row] = strict.fleet.rows(() => true);
    const { page, complaints } = await openPage(browser, { url: `${strict.url}#/connection?id=${row?.id ?? ''}` });
    await page.locator('.connection [data-state=up].is-active').waitFor();
    expect(await page.locator('.cut').isVisible()).toBe(false);
    strict.tell({ type: 'missed', count: 3 });
    strict.tell({ type: 'missed', count: 4 });
    await page.locator('.notice', { hasText: '7 frames were left out' }).waitFor();
    strict.tell({ type: 'failed', message: 'not today' });
    await page.locator('.notice', { hasText: 'could not do that: not today' }).waitFor();
    strict.tell({ type: 'gone', id: row?.id ?? '', why: 'its session ended' });
    await page.locator('.notice', { hasText: 'Not there any more: its session ended' }).waitFor();
    await leave({ page, complaints });
    await strict.close();
  });

  it('lets nothing run that did not come from the hub', async () => {
    const { page } = await openPage(browser, { url: hub.url });
    const ran = await page.evaluate(() => {
      const script = document.createElement('script');
      script.textContent = 'document.title = "taken over"';
      document.head.append(script);
      return document.title;
    });
    expect(ran).not.toBe('taken over');
    await page.close();
  });

  it('draws every view in light, in dark and on a phone, no word cut off and no label on another', async () => {
    const busy = await FakeHub.start({ ...quiet, cutsPerStep: 1 });
    const [row] = busy.fleet.rows(({ machine, state }) => machine === 'dialling' && state === 'up');
    const { page, complaints } = await openPage(browser, { url: busy.url, options: {} });
    await shownFleet(page, 30_000);
    for (const [name, colorScheme, size] of looks) {
      await page.emulateMedia({ colorScheme });
      await page.setViewportSize(size);
      await page.goto(`${busy.url}#/fleet`);
      await page.locator('[data-machine=dialling] .chart svg').waitFor();
      expect(await collisions(page)).toEqual([]);
      expect(await overflow(page)).toBeLessThanOrEqual(0);
      await picture(page, `${name}-fleet`);
      await page.goto(`${busy.url}#/connection?id=${row?.sessionId ?? ''}`);
      await page.locator('.connection [data-state=up].is-active').waitFor();
      await page.click('.cut');
      await page.locator('.events li', { hasText: 'up → backoff.waiting' }).first().waitFor();
      expect(await collisions(page)).toEqual([]);
      await page.locator('.connection [data-state=up].is-active').waitFor();
      expect(await overflow(page)).toBeLessThanOrEqual(0);
      await picture(page, `${name}-connection`);
      await page.goto(`${busy.url}#/throughput`);
      await page.locator('.plot .stroke[d^=M]').first().waitFor();
      expect(await page.locator('.plot').count()).toBe(6);
      expect(await overflow(page)).toBeLessThanOrEqual(0);
      await picture(page, `${name}-throughput`);
    }
    await leave({ page, complaints });
    await busy.close();
  });

  it('keeps the theme that was chosen', async () => {
    const { page, complaints } = await openPage(browser, { url: hub.url, options: { colorScheme: 'light' } });
    await page.locator('html[data-theme=light]').waitFor();
    await page.click('#theme');
    await page.locator('html[data-theme=dark]').waitFor();
    await page.reload();
    await page.locator('html[data-theme=dark]').waitFor();
    await leave({ page, complaints });
  });
});

/** How the page is looked at. */
const looks = [
  ['light', 'light', { width: 1280, height: 800 }],
  ['dark', 'dark', { width: 1280, height: 800 }],
  ['phone', 'light', { width: 390, height: 844 }],
] as const;

/** Waits until both shards, all connections and the first chart are there. */
async function shownFleet(page: Page, timeout = SHOWN_WITHIN_MS): Promise<void> {
  const isThere = page.waitForFunction(
    () =>
      document.querySelectorAll('.shards tbody tr').length >= 2 &&
      document.querySelector('.rows-panel [data-total="1024"]') !== null &&
      document.querySelector('.chart .count') !== null,
    undefined,
    { timeout },
  );
  await isThere;
}

/** Ends a page that had nothing to complain about. */
async function leave({ page, complaints }: WatchedPage): Promise<void> {
  await page.close();
  expect(complaints).toEqual([]);
}

/** Labels and states of the charts that lie on one another, and words that are wider than their box. */
function collisions(page: Page): Promise<string[]> {
  return page.evaluate(() => {
    const faults: string[] = [];
    for (const chart of document.querySelectorAll('.chart svg')) {
      const boxes = [...chart.querySelectorAll('.pill rect, .state:not(.is-outer) .box')].map((box) => ({
        name: box.parentElement?.textContent ?? '',
        rect: box.getBoundingClientRect(),
        words: [...(box.parentElement?.querySelectorAll('text') ?? [])].map((word) => word.getBoundingClientRect()),
      }));
      for (const [at, one] of boxes.entries()) {
        if (
          one.words.some(
            ({ left, right, width }) => width > 0 && (left < one.rect.left - 1 || right > one.rect.right + 1),
          )
        )
          faults.push(`${one.name} is wider than its box`);
        for (const other of boxes.slice(at + 1)) {
          const isApart =
            one.rect.right <= other.rect.left ||
            other.rect.right <= one.rect.left ||
            one.rect.bottom <= other.rect.top ||
            other.rect.bottom <= one.rect.top;
          if (!isApart) faults.push(`${one.name} lies on ${other.name}`);
        }
      }
    }
    return faults;
  });
}

/** By how many pixels the page is wider than the window. */
function overflow(page: Page): Promise<number> {
  return page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
}
