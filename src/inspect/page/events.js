/**
 * The list of what a watched connection did, newest first. It can be filtered by words and paused; while it is paused events
 * are kept and counted.
 * @import { WatchEvent } from '../frames.ts'
 */
import { html, setText } from './dom.js';
import { timeText, valueText } from './format.js';

const SHOWN_MAX = 200;

/** The list of one watched id. */
export class EventList {
  #list = html('ol', { class: 'events', tabindex: 0, 'aria-label': 'Events, newest first' });
  #filter = html('input', {
    type: 'search',
    placeholder: 'Filter events',
    'aria-label': 'Filter events',
    autocomplete: 'off',
    spellcheck: 'false',
  });
  #pause = html('button', { type: 'button', class: 'quiet', 'aria-pressed': 'false' }, 'Pause');
  #held = 0;
  #isPaused = false;
  /** @type {readonly WatchEvent[]} */
  #events = [];

  constructor() {
    const head = html('div', { class: 'panel-head' }, html('h2', {}, 'Events'), this.#filter, this.#pause);
    this.element = html('section', { class: 'panel events-panel', 'aria-label': 'Events' }, head, this.#list);
    this.#filter.addEventListener('input', () => this.#rewrite());
    this.#pause.addEventListener('click', () => {
      this.#isPaused = !this.#isPaused;
      this.#pause.setAttribute('aria-pressed', String(this.#isPaused));
      if (!this.#isPaused) this.#rewrite();
      this.#name();
    });
  }

  /**
   * Shows these events in place of all before.
   * @param {readonly WatchEvent[]} events oldest first
   */
  show(events) {
    this.#events = events;
    this.#rewrite();
  }

  /**
   * Adds the events at the end of all events.
   * @param {readonly WatchEvent[]} events all, oldest first
   * @param {number} count how many of them are new
   */
  add(events, count) {
    this.#events = events;
    if (this.#isPaused) {
      this.#held += count;
      this.#name();
      return;
    }
    for (const event of events.slice(-count)) if (this.#fits(event)) this.#list.prepend(itemOf(event));
    while (this.#list.childElementCount > SHOWN_MAX) this.#list.lastElementChild?.remove();
  }

  #rewrite() {
    if (this.#isPaused && this.#held > 0) this.#name();
    if (!this.#isPaused) this.#held = 0;
    const fitting = this.#events.filter((event) => this.#fits(event));
    this.#list.replaceChildren(...fitting.slice(-SHOWN_MAX).toReversed().map(itemOf));
  }

  /** @param {WatchEvent} event */
  #fits(event) {
    const wanted = this.#filter.value.trim().toLowerCase();
    return wanted === '' || wordsOf(event).join(' ').toLowerCase().includes(wanted);
  }

  #name() {
    const name = this.#isPaused ? (this.#held === 0 ? 'Resume' : `Resume (${this.#held} new)`) : 'Pause';
    setText(this.#pause, name);
  }
}

/**
 * An event as a title, what it led to, and what more is known.
 * @param {WatchEvent} event
 * @returns {readonly [title: string, way: string, more: string]}
 */
function wordsOf(event) {
  switch (event.type) {
    case 'actor':
      return [event.connection, `stands in ${event.state}`, event.machine];
    case 'step':
      return [
        event.event,
        event.from === event.state ? `stays ${event.state}` : `${event.from} → ${event.state}`,
        dataText(event.data),
      ];
    case 'end':
      return [event.connection, 'ends', event.code ?? ''];
    case 'session': {
      const { type: _type, atMs: _atMs, session: _session, resumed, what, ...facts } = event;
      return ['session', what === 'up' && resumed === true ? 'resumes' : what, dataText(facts)];
    }
  }
}

/** @param {unknown} data */
function dataText(data) {
  if (typeof data !== 'object' || data === null) return data === undefined ? '' : valueText(data);
  return Object.entries(data)
    .filter(([key]) => key !== 'type')
    .map(([key, value]) => `${key} ${valueText(value)}`)
    .join(', ');
}

/** @param {WatchEvent} event */
function itemOf(event) {
  const [title, way, more] = wordsOf(event);
  return html(
    'li',
    { 'data-type': event.type },
    html('time', {}, timeText(event.atMs)),
    html('b', {}, title),
    html('p', {}, html('span', { class: 'way' }, way), html('span', { class: 'more' }, more)),
  );
}
