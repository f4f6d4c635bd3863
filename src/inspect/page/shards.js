/**
 * The table of shards: a row each with its counts, its traffic of the last minute, and a button that filters by it.
 * @import { FleetShard } from '../frames.ts'
 * @import { Series } from './series.js'
 */
import { html, setAttribute, setText, svg } from './dom.js';
import { UNKNOWN, countText, placeText, rateText } from './format.js';
import { areaOf, lineOf, topOf } from './plot.js';

const spark = { width: 96, height: 22, room: 60 };
const heads = ['Place', 'Connections', 'Sessions', 'In/s', 'Out/s', 'Outbox', 'Messages, last minute'];

/** @typedef {{ element: HTMLTableRowElement, button: HTMLButtonElement, name: Node, cells: Node[], line: SVGPathElement, area: SVGPathElement }} Line */

/** The rows of the places of a fleet. */
export class ShardTable {
  /** @type {Map<string, Line>} */
  #lines = new Map();
  #body = html('tbody');
  #chosen;

  /** @param {(place: string) => void} chosen a shard was clicked */
  constructor(chosen) {
    this.#chosen = chosen;
    const cells = heads.map((title, at) =>
      html('th', { scope: 'col', class: at === 0 || at === 6 ? undefined : 'number' }, title),
    );
    this.element = html(
      'table',
      { class: 'shards' },
      html('caption', { class: 'hidden' }, 'Shards'),
      html('thead', {}, html('tr', {}, ...cells)),
      this.#body,
    );
  }

  /**
   * Writes the counts of a moment.
   * @param {readonly FleetShard[]} shards
   */
  count(shards) {
    const present = new Set(shards.map(({ place }) => place));
    for (const [place, { element }] of this.#lines) {
      if (present.has(place)) continue;
      element.remove();
      this.#lines.delete(place);
    }
    for (const shard of shards) {
      const { name, cells } = this.#lineOf(shard.place);
      setText(
        name,
        shard.generation > 1 ? `${placeText(shard.place)} · life ${shard.generation}` : placeText(shard.place),
      );
      const [connections, sessions, , , outbox] = cells;
      if (connections !== undefined) setText(connections, countText(shard.connections));
      if (sessions !== undefined) setText(sessions, countText(shard.sessions));
      if (outbox !== undefined) setText(outbox, countText(shard.outboxMessages));
    }
  }

  /**
   * Writes rates and lines, once a second.
   * @param {Series} series
   */
  draw(series) {
    for (const [place, { cells, line, area }] of this.#lines) {
      const rates = series.shardOf(place);
      const [, , messagesIn, messagesOut] = cells;
      if (messagesIn !== undefined) setText(messagesIn, rates === undefined ? UNKNOWN : rateText(rates.messagesIn));
      if (messagesOut !== undefined) setText(messagesOut, rates === undefined ? UNKNOWN : rateText(rates.messagesOut));
      const points = rates?.points ?? [];
      const frame = { ...spark, top: topOf(points) };
      line.setAttribute('d', lineOf(points, frame));
      area.setAttribute('d', areaOf(points, frame));
    }
  }

  /**
   * Marks the shard that is filtered by.
   * @param {string | undefined} place
   */
  select(place) {
    for (const [each, { element, button }] of this.#lines) {
      element.classList.toggle('is-chosen', each === place);
      setAttribute(button, 'aria-pressed', String(each === place));
    }
  }

  /**
   * @param {string} place
   * @returns {Line}
   */
  #lineOf(place) {
    const known = this.#lines.get(place);
    if (known !== undefined) return known;
    const name = html('span');
    const button = html('button', { type: 'button', 'aria-pressed': 'false' }, name);
    const cells = heads.slice(1, -1).map(() => html('td', { class: 'number' }));
    const area = svg('path', { class: 'area' });
    const line = svg('path', { class: 'stroke' });
    const drawing = svg(
      'svg',
      {
        class: 'spark',
        viewBox: `0 -1 ${spark.width} ${spark.height + 2}`,
        'aria-hidden': 'true',
        preserveAspectRatio: 'none',
      },
      area,
      line,
    );
    const element = html(
      'tr',
      { 'data-place': place },
      html('th', { scope: 'row' }, button),
      ...cells,
      html('td', {}, drawing),
    );
    button.addEventListener('click', () => this.#chosen(place));
    this.#body.append(element);
    const made = { element, button, name, cells, line, area };
    this.#lines.set(place, made);
    return made;
  }
}
