/**
 * Puts the page together: the line to the hub, the views, and the address that says which one is shown: `#/fleet?filter=…`,
 * `#/connection?id=…`, `#/throughput`.
 * @import { HubFrame } from '../frames.ts'
 */
import { ConnectionView } from './connection.js';
import { byId, setText } from './dom.js';
import { FleetView } from './fleet.js';
import { Live } from './live.js';
import { showNotices } from './notices.js';
import { Series } from './series.js';
import { offerTheme } from './theme.js';
import { ThroughputView } from './throughput.js';

const live = new Live(liveUrl());
const series = new Series();
const main = byId('main');
/** @type {Extract<HubFrame, { type: 'hello' }> | undefined} */
let hello;

const fleet = new FleetView({ live, series, go });
const throughput = new ThroughputView(series);
/** @type {ConnectionView | undefined} */
let connection;

offerTheme(byId('theme'));
showNotices({ live, place: byId('notices'), pill: byId('status') });

live.on('hello', (frame) => {
  hello = frame;
  setText(byId('node'), `${frame.node} · ${frame.version}`);
  document.title = `${frame.node} · homing`;
});
live.on('history', (frame) => {
  series.restore(frame);
  tick();
});
live.on('fleet', (frame) => {
  if (series.take(frame)) tick();
});

addEventListener('hashchange', route);
addEventListener('keydown', (event) => {
  const isTyping = event.target instanceof HTMLInputElement;
  if (event.key !== '/' || isTyping || event.ctrlKey || event.metaKey || event.altKey) return;
  event.preventDefault();
  if (!location.hash.startsWith('#/fleet')) location.hash = '#/fleet';
  route();
  fleet.focusFilter();
});

// Its fragment is no view: the focus moves, the address stays.
document.querySelector('.skip')?.addEventListener('click', (event) => {
  event.preventDefault();
  main.focus();
});

forgetToken();
route();
live.open();

function tick() {
  fleet.tick();
  throughput.tick();
}

/** Shows what the address names. */
function route() {
  const [path = '', search = ''] = location.hash.slice(1).split('?', 2);
  const words = new URLSearchParams(search);
  const id = words.get('id');
  const name = path === '/connection' && id !== null ? 'connection' : path === '/throughput' ? 'throughput' : 'fleet';
  if (name !== 'connection' || connection?.id !== id) {
    connection?.close();
    connection = undefined;
  }
  if (name !== 'fleet') fleet.hide();
  if (name !== 'throughput') throughput.hide();
  if (name === 'fleet') {
    put(fleet.element);
    fleet.show(words.get('filter') ?? '');
    fleet.tick();
  } else if (name === 'throughput') {
    put(throughput.element);
    throughput.show();
  } else {
    connection ??= new ConnectionView({ live, id: id ?? '', hello });
    put(connection.element);
  }
  for (const link of document.querySelectorAll('nav a'))
    if (link.getAttribute('href') === `#/${name}`) link.setAttribute('aria-current', 'page');
    else link.removeAttribute('aria-current');
}

/** @param {HTMLElement} view */
function put(view) {
  if (main.firstElementChild === view) return;
  main.replaceChildren(view);
  scrollTo(0, 0);
}

/** @param {{ readonly filter: string } | { readonly id: string }} view */
function go(view) {
  if ('id' in view) location.hash = `#/connection?${String(new URLSearchParams({ id: view.id }))}`;
  else {
    // A filter that is being typed is one step of the history, not one a letter.
    const hash = view.filter === '' ? '#/fleet' : `#/fleet?${String(new URLSearchParams({ filter: view.filter }))}`;
    history.replaceState(null, '', hash);
    route();
  }
}

function liveUrl() {
  const url = new URL('live', location.href);
  url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:';
  url.hash = '';
  return url.href;
}

/** The hub keeps the token as a cookie: it need not stay in the address, the history and what is copied from there. */
function forgetToken() {
  const url = new URL(location.href);
  if (!url.searchParams.has('token')) return;
  url.searchParams.delete('token');
  history.replaceState(null, '', url.href);
}
