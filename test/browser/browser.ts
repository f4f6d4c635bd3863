/** Chromium for the tests of the page: where it is, pages that complain about every error and foreign request, and screenshots. */
import { existsSync, mkdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { type Browser, type BrowserContext, type BrowserContextOptions, type Page, chromium } from 'playwright-core';

const usualPlaces = [
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
  '/snap/bin/chromium',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
];

const screenshots = fileURLToPath(new URL('./screenshots/', import.meta.url));

/** The browser's program: what `CHROMIUM` names, or the first of the usual places; undefined where there is none. */
export function chromiumPath(): string | undefined {
  const named = process.env['CHROMIUM'];
  return named === undefined || named === '' ? usualPlaces.find((path) => existsSync(path)) : named;
}

/** Starts it without a window. */
export function launch(executablePath: string): Promise<Browser> {
  return chromium.launch({ executablePath, args: ['--no-sandbox', '--disable-dev-shm-usage'], timeout: 80_000 });
}

/** A page, and what it complained about or asked elsewhere; `complaints` must be empty in the end. */
export interface WatchedPage {
  readonly page: Page;
  readonly complaints: string[];
}

const shared = new WeakMap<Browser, Promise<BrowserContext>>();

/**
 * A page that may load from `url` alone; with `options` in a context of its own, else all share one. A refused or lost line is no
 * complaint while `mayLoseLine`.
 */
export async function openPage(
  browser: Browser,
  {
    url,
    mayLoseLine = false,
    options,
  }: { readonly url: string; readonly mayLoseLine?: boolean; readonly options?: BrowserContextOptions },
): Promise<WatchedPage> {
  const context = await contextOf(browser, options);
  const page = await context.newPage();
  const { host } = new URL(url);
  const complaints: string[] = [];
  page.on('console', (message) => {
    const isLine = mayLoseLine && message.text().includes('WebSocket connection');
    if (message.type() === 'error' && !isLine) complaints.push(`console: ${message.text()}`);
  });
  page.on('pageerror', (error) => complaints.push(`error: ${error.message}`));
  page.on('request', (request) => {
    if (new URL(request.url()).host !== host) complaints.push(`request to another host: ${request.url()}`);
  });
  page.on('websocket', (socket) => {
    if (new URL(socket.url()).host !== host) complaints.push(`line to another host: ${socket.url()}`);
  });
  page.on('response', (response) => {
    const policy = response.headers()['content-security-policy'] ?? '';
    if (!policy.startsWith("default-src 'none'; script-src 'self'; style-src 'self';"))
      complaints.push(`no policy on ${response.url()}`);
  });
  await page.goto(url, { waitUntil: 'commit' });
  return { page, complaints };
}

function contextOf(browser: Browser, options: BrowserContextOptions | undefined): Promise<BrowserContext> {
  const viewport = { width: 1280, height: 800 };
  if (options !== undefined) return browser.newContext({ viewport, ...options });
  const known = shared.get(browser) ?? browser.newContext({ viewport });
  shared.set(browser, known);
  return known;
}

/** Keeps a picture for people to look at, in a folder that git ignores. */
export async function picture(page: Page, name: string): Promise<void> {
  mkdirSync(screenshots, { recursive: true });
  await page.screenshot({ path: `${screenshots}${name}.png`, fullPage: true, animations: 'disabled' });
}
