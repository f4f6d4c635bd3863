/**
 * The fleet: one chart a machine with a count at each state and heat where many come in, the shards, and the connections that a filter lets through. The filter line is
 * the one truth of what is shown; it stands in the address of the page.
 * @import { HubFrame, MachineConfig, FleetShard } from '../frames.ts'
 * @import { Live } from './live.js'
 * @import { Series } from './series.js'
 */
import { ChartDrawing } from './chart.js';
import { ChartText } from './chart-text.js';
import { html, setAttribute, setText } from './dom.js';
import { queryOf, withPairs } from './filter.js';
import { countText, rateText } from './format.js';
import { ShardTable } from './shards.js';
import { RowTable } from './table.js';

const ROWS_MAX = 200;
const ASK_EVERY_MS = 1_000;
const TYPING_MS = 150;

const figures = /** @type {const} */ ([
  ['connections', 'Connections'],
  ['sessions', 'Sessions'],
  ['messagesIn', 'Messages in'],
  ['messagesOut', 'Messages out'],
  ['cuts', 'Cuts'],
  ['resumes', 'Resumes'],
  ['outboxMessages', 'In outboxes'],
]);

/** @typedef {{ panel: HTMLDetailsElement, total: HTMLElement, drawing: ChartDrawing, words: ChartText, hadSome: boolean }} MachinePanel */

/** The view of the fleet; it is made once and shown again. */
export class FleetView {
  /** @type {Map<string, MachinePanel>} */
  #machines = new Map();
  /** @type {Map<string, HTMLElement>} */
  #figures = new Map();
  #charts = html('div', { class: 'machines' });
  #total = html('span', { class: 'total', role: 'status' });
  #filter = html('input', {
    type: 'search',
    id: 'filter',
    placeholder: 'room=main state=up, or part of an id',
    'aria-label': 'Filter connections',
    autocomplete: 'off',
    spellcheck: 'false',
  });
  #live;
  #series;
  #go;
  #ask = 0;
  #nowMs = 0;
  /** @type {readonly FleetShard[]} */
  #shardsNow = [];
  #isShown = false;
  #text = '';
  #definition = '';
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #typing = undefined;

  /**
   * @param {object} needs
   * @param {Live} needs.live
   * @param {Series} needs.series
   * @param {(view: { readonly filter: string } | { readonly id: string }) => void} needs.go
   */
  constructor({ live, series, go }) {
    this.#live = live;
    this.#series = series;
    this.#go = go;
    this.#shards = new ShardTable((place) => this.#toggle({ shard: place }));
    this.#rows = new RowTable((row) => this.#go({ id: row.sessionId ?? row.id }));
    this.element = html('div', { class: 'fleet' }, this.#strip(), this.#charts, this.#lists());
    live.on('hello', (frame) => this.#begin(frame.machines));
    live.on('fleet', (frame) => this.#count(frame));
    live.on('rows', (frame) => this.#list(frame));
    setInterval(() => this.#askRows(), ASK_EVERY_MS);
    this.#filter.addEventListener('input', () => {
      clearTimeout(this.#typing);
      this.#typing = setTimeout(() => this.#go({ filter: this.#filter.value }), TYPING_MS);
    });
    this.#filter.addEventListener('keydown', ({ key }) => {
      if (key === 'Escape') this.#go({ filter: '' });
    });
  }

  /** @type {ShardTable} */
  #shards;
  /** @type {RowTable} */
  #rows;

  /**
   * The view is on the page, with this filter.
   * @param {string} filter
   */
  show(filter) {
    this.#isShown = true;
    this.#text = filter;
    if (this.#filter.value !== filter) this.#filter.value = filter;
    this.#recount();
    this.#select();
    this.#askRows();
  }

  /** The view is off the page. */
  hide() {
    this.#isShown = false;
  }

  /** Moves the focus into the filter line. */
  focusFilter() {
    this.#filter.focus();
    this.#filter.select();
  }

  /** A second has passed: rates and lines. */
  tick() {
    if (!this.#isShown) return;
    this.#shards.draw(this.#series);
    for (const name of /** @type {const} */ (['messagesIn', 'messagesOut', 'cuts', 'resumes']))
      this.#figure(name, `${rateText(this.#series.lastOf(name))}/s`);
    const { shard } = queryOf(this.#text);
    for (const [name, { drawing, words }] of this.#machines) {
      const entries = this.#series.entriesOf(name, shard);
      drawing.heat(entries);
      words.heat(entries);
    }
  }

  #strip() {
    const items = figures.map(([name, title]) => {
      const value = html('dd', { 'data-figure': name }, '–');
      this.#figures.set(name, value);
      return html('div', {}, html('dt', {}, title), value);
    });
    return html('dl', { class: 'figures' }, ...items);
  }

  #lists() {
    const shards = html(
      'section',
      { class: 'panel', 'aria-label': 'Shards' },
      html('h2', {}, 'Shards'),
      html('div', { class: 'scroll' }, this.#shards.element),
    );
    const head = html('div', { class: 'panel-head' }, html('h2', {}, 'Connections'), this.#total);
    const rows = html(
      'section',
      { class: 'panel rows-panel', 'aria-label': 'Connections' },
      head,
      html('div', { class: 'filter-line' }, this.#filter),
      html('div', { class: 'scroll' }, this.#rows.element),
    );
    return html('div', { class: 'lists' }, shards, rows);
  }

  /** @param {Readonly<Record<string, MachineConfig>>} machines */
  #begin(machines) {
    this.#askRows();
    // A hub that is back has the same machines: what is drawn, folded or focused stays as it is.
    const definition = JSON.stringify(machines);
    if (definition === this.#definition) return;
    this.#definition = definition;
    this.#machines.clear();
    this.#charts.replaceChildren();
    for (const [name, config] of Object.entries(machines)) {
      const drawing = new ChartDrawing({
        config,
        shows: 'counts',
        chosen: (state) => this.#toggle({ machine: name, state }),
      });
      const words = new ChartText(drawing.chart);
      const total = html('span', { class: 'total' });
      const summary = html('summary', { class: 'panel-head' }, html('h2', {}, titleOf(name)), total);
      const panel = html(
        'details',
        { class: 'panel machine', 'data-machine': name, open: true },
        summary,
        drawing.element,
        words.element,
      );
      this.#machines.set(name, { panel, total, drawing, words, hadSome: true });
      this.#charts.append(panel);
      void drawing.ready.then(() => this.#select());
    }
  }

  /** @param {Extract<HubFrame, { type: 'fleet' }>} frame */
  #count({ atMs, shards }) {
    this.#nowMs = atMs;
    this.#shardsNow = shards;
    if (this.#isShown) this.#recount();
  }

  /** Writes the counts of the last frame, as the filter wants them. */
  #recount() {
    const shards = this.#shardsNow;
    for (const name of /** @type {const} */ (['connections', 'sessions', 'outboxMessages']))
      this.#figure(name, countText(shards.reduce((sum, shard) => sum + shard[name], 0)));
    this.#shards.count(shards);
    const { shard } = queryOf(this.#text);
    const counted = shard === undefined ? shards : shards.filter(({ place }) => place === shard);
    for (const [name, machine] of this.#machines) {
      countMachine(machine, sumOf(counted, name));
      fold(
        machine,
        shards.some(({ states }) => Object.values(states[name] ?? {}).some((count) => count > 0)),
      );
    }
  }

  /**
   * @param {string} name
   * @param {string} text
   */
  #figure(name, text) {
    const element = this.#figures.get(name);
    if (element !== undefined) setText(element, text);
  }

  #askRows() {
    if (!this.#isShown || document.visibilityState !== 'visible') return;
    this.#ask += 1;
    this.#live.send({ type: 'list', ask: this.#ask, limit: ROWS_MAX, ...queryOf(this.#text) });
  }

  /** @param {Extract<HubFrame, { type: 'rows' }>} frame */
  #list({ ask, total, rows }) {
    if (ask !== this.#ask || !this.#isShown) return;
    this.#rows.show(rows, this.#nowMs);
    const shown = rows.length < total ? `first ${countText(rows.length)} of ${countText(total)}` : countText(total);
    setText(this.#total, total === 0 ? 'none matches' : shown);
    setAttribute(this.#total, 'data-total', String(total));
  }

  /** @param {Readonly<Record<string, string>>} pairs taken out where the filter has all of them already */
  #toggle(pairs) {
    // What stands in the line counts, also while it is still being typed.
    clearTimeout(this.#typing);
    const text = this.#filter.value;
    const query = queryOf(text);
    const has = Object.entries(pairs).every(([key, value]) =>
      Object.entries(query).some(([word, is]) => word === key && is === value),
    );
    const wanted = Object.fromEntries(Object.entries(pairs).map(([key, value]) => [key, has ? undefined : value]));
    this.#go({ filter: withPairs(text, wanted) });
  }

  #select() {
    const { shard, machine, state } = queryOf(this.#text);
    this.#shards.select(shard);
    for (const [name, { drawing }] of this.#machines)
      drawing.select(machine === undefined || machine === name ? state : undefined);
  }
}

/**
 * @param {MachinePanel} machine
 * @param {Readonly<Record<string, number>>} counts
 */
function countMachine(machine, counts) {
  const total = Object.entries(counts).reduce((sum, [state, count]) => (state.includes('.') ? sum : sum + count), 0);
  machine.drawing.count(counts);
  machine.words.count(counts);
  setText(machine.total, total === 0 ? 'none now' : countText(total));
}

/**
 * A machine that nobody runs folds itself once, and unfolds when somebody begins to.
 * @param {MachinePanel} machine
 * @param {boolean} hasSome
 */
function fold(machine, hasSome) {
  if (hasSome !== machine.hadSome) machine.panel.open = hasSome;
  machine.hadSome = hasSome;
}

/**
 * @param {readonly FleetShard[]} shards
 * @param {string} machine
 */
function sumOf(shards, machine) {
  /** @type {Record<string, number>} */
  const sums = {};
  for (const { states } of shards)
    for (const [state, count] of Object.entries(states[machine] ?? {})) sums[state] = (sums[state] ?? 0) + count;
  return sums;
}

/** @param {string} name */
function titleOf(name) {
  return name.slice(0, 1).toUpperCase() + name.slice(1);
}
