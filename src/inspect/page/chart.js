/**
 * A machine as a drawing: laid out once for each definition, then changed by texts, opacities and classes alone. States are
 * reached with the arrow keys; what happens to one that is chosen is the holder's affair.
 * @import { MachineConfig } from '../frames.ts'
 * @import { Chart, ChartEdge } from './machine.js'
 * @import { PlacedEdge, PlacedState } from './layout.js'
 */
import { arrowHeads, html, setAttribute, setText, svg } from './dom.js';
import { layoutOf } from './drafts.js';
import { countText, entriesText } from './format.js';
import { DOT, fromAnyOf, lineHeight, neighborOf, pathOf } from './layout.js';
import { ANY, chartOf, countIn, isWithin } from './machine.js';

/** How long a transition stays lit. */
const LIT_MS = 1_600;
/** A chart is never drawn smaller than this: a narrow page scrolls it. */
const SCALE_MIN = 0.7;

/** Opacity of the hottest state. */
const HEAT_MAX = 0.34;
/** A state that is entered less often a second than this is never the hottest. */
const HOT_MIN = 1;
/** How fast heat rises with the first entries. */
const HEAT_STEPS = 10;

let chartCount = 0;

/**
 * @typedef {object} StateParts
 * @property {SVGGElement} group
 * @property {SVGRectElement} heat
 * @property {SVGTextElement} count
 * @property {SVGTextElement} entries
 */
/** @typedef {{ readonly group: SVGGElement, readonly first: SVGTextElement | undefined, readonly text: string }} EdgeParts */

/**
 * @typedef {object} ChartOptions
 * @property {MachineConfig} config
 * @property {'counts' | 'active'} shows counts of a fleet, or where one connection stands
 * @property {(state: string) => void} [chosen] a state was clicked
 */

/** One drawing. `element` is put into the page by the holder, `ready` settles once it is drawn. */
export class ChartDrawing {
  /** @type {Map<string, StateParts>} */
  #states = new Map();
  /** @type {Map<string, EdgeParts>} */
  #edges = new Map();
  /** @type {readonly PlacedState[]} */
  #places = [];
  /** @type {Readonly<Record<string, number>>} */
  #counts = {};
  /** @type {Readonly<Record<string, number>>} */
  #entries = {};
  /** @type {string | undefined} */
  #active = undefined;
  /** @type {ChartEdge | undefined} */
  #last = undefined;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #litTimer = undefined;
  #options;
  #prefix = `chart${(chartCount += 1)}`;

  /** @param {ChartOptions} options */
  constructor(options) {
    this.#options = options;
    /** @type {Chart} */
    this.chart = chartOf(options.config);
    this.element = html('div', { class: `chart shows-${options.shows}` });
    this.ready = this.#draw();
  }

  /**
   * Writes how many connections stand where.
   * @param {Readonly<Record<string, number>>} counts
   */
  count(counts) {
    this.#counts = counts;
    for (const [id, { group, count }] of this.#states) {
      const value = countIn(counts, id);
      setText(count, value === 0 && !hasCount(counts, id) ? '' : countText(value));
      setAttribute(group, 'data-count', String(value));
    }
  }

  /**
   * Colors the states by how often they are entered, and writes how often that is.
   * @param {Readonly<Record<string, number>>} entries a second
   */
  heat(entries) {
    this.#entries = entries;
    const highest = Math.max(HOT_MIN, ...Object.values(entries));
    for (const [id, { group, heat, entries: text }] of this.#states) {
      const rate = entries[id] ?? 0;
      // A state that is entered a hundredth as often as another is still seen.
      const share = Math.log1p(rate * HEAT_STEPS) / Math.log1p(highest * HEAT_STEPS);
      setAttribute(heat, 'fill-opacity', (share * HEAT_MAX).toFixed(2));
      setText(text, entriesText(rate));
      group.classList.toggle('is-entered', rate > 0);
    }
  }

  /**
   * Marks the states that are chosen by a filter.
   * @param {string | undefined} id
   */
  select(id) {
    for (const [state, { group }] of this.#states) {
      group.classList.toggle('is-chosen', state === id);
      group.setAttribute('aria-pressed', String(state === id));
    }
  }

  /**
   * Shows where a connection stands, and lights the edge it came by.
   * @param {string | undefined} state
   * @param {{ readonly edge: ChartEdge, readonly event: string }} [by]
   */
  enter(state, by) {
    this.#active = state;
    for (const [id, { group }] of this.#states) {
      const isActive = state !== undefined && isWithin(state, id);
      group.classList.toggle('is-active', isActive);
      setAttribute(group, 'aria-current', isActive ? 'true' : undefined);
    }
    this.#unlight();
    this.#last = by?.edge;
    if (by === undefined) return;
    const parts = this.#partsOf(by.edge);
    parts?.group.classList.add('is-last', 'is-lit');
    if (parts?.first !== undefined) setText(parts.first, by.event);
    clearTimeout(this.#litTimer);
    this.#litTimer = setTimeout(() => parts?.group.classList.remove('is-lit'), LIT_MS);
  }

  #unlight() {
    const parts = this.#last === undefined ? undefined : this.#partsOf(this.#last);
    parts?.group.classList.remove('is-last', 'is-lit');
    if (parts?.first !== undefined) setText(parts.first, parts.text);
  }

  /** @param {ChartEdge} edge */
  #partsOf(edge) {
    return this.#edges.get(edge.id);
  }

  async #draw() {
    const placed = await layoutOf(this.chart, this.#options.config);
    this.#places = placed.states.filter(({ id }) => !id.endsWith(DOT));
    const root = svg('svg', {
      viewBox: `0 0 ${placed.width} ${placed.height}`,
      role: 'group',
      'aria-label': `Statechart ${this.chart.name}`,
    });
    root.style.maxWidth = `${placed.width * 1.1}px`;
    root.style.minWidth = `${placed.width * SCALE_MIN}px`;
    root.append(this.#arrows());
    const layers = { states: svg('g'), edges: svg('g') };
    for (const place of placed.states) layers.states.append(place.id.endsWith(DOT) ? dot(place) : this.#state(place));
    for (const place of placed.edges) layers.edges.append(this.#edge(place));
    root.append(layers.states, layers.edges);
    root.addEventListener('keydown', (event) => this.#key(event));
    this.element.replaceChildren(root);
    const first = this.#states.get(this.chart.states[0]?.id ?? '');
    first?.group.setAttribute('tabindex', '0');
    if (this.#options.shows === 'counts') {
      this.count(this.#counts);
      this.heat(this.#entries);
    }
    if (this.#active !== undefined) this.enter(this.#active);
  }

  #arrows() {
    return arrowHeads(['plain', 'last'].map((kind) => ({ id: `${this.#prefix}-${kind}`, class: `arrow-${kind}` })));
  }

  /** @param {PlacedState} place */
  #state(place) {
    const { id, x, y, width, height } = place;
    const state = this.chart.states.find((each) => each.id === id);
    const isOuter = (state?.inner.length ?? 0) > 0;
    const countId = `${this.#prefix}-${id}`;
    const isButton = this.#options.chosen !== undefined;
    const count = svg('text', { class: 'count', id: countId, x: x + width - 13, y: y + 24, 'text-anchor': 'end' });
    const entriesId = `${countId}-entries`;
    const entries = svg('text', {
      class: 'entries',
      id: entriesId,
      x: x + width - 13,
      y: y + 32,
      'text-anchor': 'end',
    });
    const heat = svg('rect', { class: 'heat', x, y, width, height, rx: 9, 'fill-opacity': 0 });
    const fromAny = fromAnyOf(this.chart, id);
    const group = svg(
      'g',
      {
        class: ['state', isOuter ? 'is-outer' : '', state?.isFinal === true ? 'is-final' : ''].join(' ').trim(),
        'data-state': id,
        tabindex: -1,
        role: isButton ? 'button' : 'img',
        'aria-label': state?.name,
        'aria-describedby': `${countId} ${entriesId}`,
        'aria-pressed': isButton ? 'false' : undefined,
      },
      svg('title', {}, state?.description || state?.name),
      svg('rect', { class: 'box', x, y, width, height, rx: 9 }),
      heat,
      state?.isFinal === true
        ? svg('rect', { class: 'inner', x: x + 3, y: y + 3, width: width - 6, height: height - 6, rx: 6.5 })
        : undefined,
      isOuter ? svg('path', { class: 'rule', d: `M${x} ${y + 37.5}h${width}` }) : undefined,
      svg('text', { class: 'name', x: x + 14, y: y + 24 }, state?.name),
      ...(this.#options.shows === 'counts' ? [count, entries] : [activeMark(place)]),
    );
    if (fromAny !== undefined) {
      const text = svg('text', { class: 'from-any', x: x + 14, y: y + 40 }, fromAny);
      group.append(text);
      const edge = this.chart.edges.find(({ from, to }) => from === ANY && to === id);
      if (edge !== undefined) this.#edges.set(edge.id, { group, first: undefined, text: fromAny });
    }
    if (isButton) group.addEventListener('click', () => this.#options.chosen?.(id));
    this.#states.set(id, { group, heat, count, entries });
    return group;
  }

  /** @param {PlacedEdge} place */
  #edge({ id, points, label, lines }) {
    const path = svg('path', { class: 'line', d: pathOf(points), 'marker-end': `url(#${this.#prefix}-plain)` });
    const lit = svg('path', { class: 'lit', d: pathOf(points), 'marker-end': `url(#${this.#prefix}-last)` });
    const group = svg('g', { class: 'edge', 'data-edge': id }, path, lit);
    if (label === undefined || lines.length === 0) return group;
    const texts = lines.map(({ text, isGuard }, at) =>
      svg(
        'text',
        {
          class: isGuard ? 'guard' : 'event',
          x: label.x + label.width / 2,
          y: label.y + 3 + lineHeight * (at + 0.75),
          'text-anchor': 'middle',
        },
        text,
      ),
    );
    const causes = this.chart.edges.find((edge) => edge.id === id)?.causes ?? [];
    const title = causes.map(({ event, guard }) => (guard === undefined ? event : `${event} [${guard}]`)).join('\n');
    const pill = svg(
      'g',
      { class: 'pill' },
      svg('title', {}, title),
      svg('rect', { x: label.x, y: label.y, width: label.width, height: label.height, rx: 6 }),
      ...texts,
    );
    group.append(pill);
    this.#edges.set(id, { group, first: texts[0], text: lines[0]?.text ?? '' });
    return group;
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    const from =
      event.target instanceof Element ? event.target.closest('[data-state]')?.getAttribute('data-state') : null;
    if (from === null || from === undefined) return;
    const { key } = event;
    if (key === 'Enter' || key === ' ') {
      event.preventDefault();
      this.#options.chosen?.(from);
    } else if (key === 'ArrowLeft' || key === 'ArrowRight' || key === 'ArrowUp' || key === 'ArrowDown') {
      event.preventDefault();
      const next = neighborOf(this.#places, from, key);
      if (next !== undefined) this.#focus(next);
    }
  }

  /** @param {string} id */
  #focus(id) {
    for (const [state, { group }] of this.#states) group.setAttribute('tabindex', state === id ? '0' : '-1');
    this.#states.get(id)?.group.focus();
  }
}

/** @param {PlacedState} place */
function dot({ x, y, width, height }) {
  return svg('circle', { class: 'dot', cx: x + width / 2, cy: y + height / 2, r: width / 2 });
}

/** @param {PlacedState} place */
function activeMark({ x, y, width }) {
  return svg('circle', { class: 'mark', cx: x + width - 18, cy: y + 19.5, r: 4 });
}

/**
 * Whether the counts know the state, or one inside it.
 * @param {Readonly<Record<string, number>>} counts
 * @param {string} id
 */
function hasCount(counts, id) {
  return Object.keys(counts).some((state) => isWithin(state, id));
}
