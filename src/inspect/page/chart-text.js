/**
 * A chart in words: its states as a nested list, with counts or the mark of where a connection stands, and what leads where.
 * @import { Chart, ChartState } from './machine.js'
 */
import { html, setText } from './dom.js';
import { countText, entriesText } from './format.js';
import { ANY, countIn, isWithin, wordsOf } from './machine.js';

/** The words for one chart; `element` stands folded below the drawing. */
export class ChartText {
  /** @type {Map<string, HTMLElement>} */
  #notes = new Map();
  /** @type {Map<string, HTMLElement>} */
  #entries = new Map();

  /** @param {Chart} chart */
  constructor(chart) {
    const tops = chart.states.filter(({ parent }) => parent === undefined);
    const list = html('ul', {}, ...tops.map((state) => this.#itemOf(state, chart)));
    this.element = html('details', { class: 'in-words' }, html('summary', {}, `${chart.name} in words`), list);
  }

  /**
   * Writes counts behind the states.
   * @param {Readonly<Record<string, number>>} counts
   */
  count(counts) {
    for (const [id, note] of this.#notes) setText(note, countText(countIn(counts, id)));
  }

  /**
   * Says how often the states are entered.
   * @param {Readonly<Record<string, number>>} entries a second
   */
  heat(entries) {
    for (const [id, element] of this.#entries) {
      const text = entriesText(entries[id] ?? 0);
      setText(element, text === '' ? '' : `${text} enter`);
    }
  }

  /**
   * Says where a connection stands.
   * @param {string | undefined} state
   */
  enter(state) {
    for (const [id, note] of this.#notes) setText(note, state !== undefined && isWithin(state, id) ? 'is here' : '');
  }

  /**
   * @param {ChartState} state
   * @param {Chart} chart
   * @returns {HTMLElement}
   */
  #itemOf(state, chart) {
    const note = html('b', { class: 'note' });
    this.#notes.set(state.id, note);
    const entries = html('span', { class: 'entries' });
    this.#entries.set(state.id, entries);
    const inner = chart.states.filter(({ parent }) => parent === state.id);
    const leaving = chart.edges.filter(({ from }) => from === state.id);
    const coming = chart.edges.filter(({ from, to }) => from === ANY && to === state.id);
    const lines = [
      ...leaving.map(({ to, causes }) => `${causes.map(wordsOf).join(', ')} leads to ${to}`),
      ...coming.map(({ causes }) => `${causes.map(wordsOf).join(', ')} leads here from any state`),
      ...(state.stays.length === 0 ? [] : [`${state.stays.join(', ')}: stays`]),
    ];
    return html(
      'li',
      {},
      html(
        'span',
        { class: 'word' },
        state.name,
        ...(state.isInitial ? [' (initial)'] : []),
        ...(state.isFinal ? [' (final)'] : []),
      ),
      ' ',
      note,
      ' ',
      entries,
      ...(state.description === '' ? [] : [html('p', {}, state.description)]),
      html('ul', { class: 'ways' }, ...lines.map((line) => html('li', {}, line))),
      ...(inner.length === 0 ? [] : [html('ul', {}, ...inner.map((each) => this.#itemOf(each, chart)))]),
    );
  }
}
