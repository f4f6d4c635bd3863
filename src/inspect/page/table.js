/**
 * The table of connections: rows stay in place and only their texts change, so that asking again four times a second costs
 * little. One row is in the tab order; the arrow keys move, Enter opens.
 * @import { ConnectionRow } from '../frames.ts'
 */
import { html, setAttribute, setText } from './dom.js';
import { UNKNOWN, ageText, bytesText, countText, roundTripText, shortId, valueText } from './format.js';

/** @typedef {{ readonly title: string, readonly kind?: string, readonly text: (row: ConnectionRow, nowMs: number) => string, readonly hint?: (row: ConnectionRow) => string | undefined }} Column */

/** @type {readonly Column[]} */
const columns = [
  {
    title: 'Connection',
    kind: 'mono',
    text: ({ id }) => (id.startsWith('s/') ? UNKNOWN : id),
    hint: ({ address }) => address,
  },
  { title: 'State', kind: 'state', text: ({ state }) => state },
  {
    title: 'For',
    kind: 'number',
    text: ({ sinceMs }, nowMs) => (sinceMs === undefined ? UNKNOWN : ageText(nowMs - sinceMs)),
  },
  { title: 'Session', kind: 'mono', text: ({ sessionId }) => shortId(sessionId), hint: ({ sessionId }) => sessionId },
  { title: 'Identity', text: ({ identityId }) => identityId ?? UNKNOWN, hint: ({ identityId }) => identityId },
  { title: 'RTT', kind: 'number', text: ({ rttMs }) => roundTripText(rttMs) },
  {
    title: 'Outbox',
    kind: 'number',
    text: ({ outboxMessages }) => countText(outboxMessages),
    hint: ({ outboxBytes }) => (outboxBytes === undefined ? undefined : bytesText(outboxBytes)),
  },
  { title: 'Resumes', kind: 'number', text: ({ resumes }) => countText(resumes) },
  { title: 'Store', kind: 'store', text: ({ store }) => storeText(store), hint: ({ store }) => storeText(store) },
];

/** The rows of a list, and how to walk them. */
export class RowTable {
  /** @type {{ element: HTMLTableRowElement, cells: HTMLTableCellElement[] }[]} */
  #lines = [];
  /** @type {readonly ConnectionRow[]} */
  #rows = [];
  #at = 0;
  #open;

  /** @param {(row: ConnectionRow) => void} open a row was chosen */
  constructor(open) {
    this.#open = open;
    this.body = html('tbody');
    const heads = columns.map(({ title, kind }) =>
      html('th', { scope: 'col', class: kind === 'number' ? kind : undefined }, title),
    );
    this.element = html(
      'table',
      { class: 'rows' },
      html('caption', { class: 'hidden' }, 'Connections'),
      html('colgroup', {}, ...columns.map(({ title }) => html('col', { class: `of-${title.toLowerCase()}` }))),
      html('thead', {}, html('tr', {}, ...heads)),
      this.body,
    );
    this.body.addEventListener('keydown', (event) => this.#key(event));
    this.body.addEventListener('click', (event) => this.#click(event));
  }

  /**
   * Shows these rows in place of the ones before.
   * @param {readonly ConnectionRow[]} rows
   * @param {number} nowMs the hub's time
   */
  show(rows, nowMs) {
    this.#rows = rows;
    for (const [at, row] of rows.entries()) this.#write(this.#lineAt(at), row, nowMs);
    for (const line of this.#lines.splice(rows.length)) line.element.remove();
    this.#hold(Math.min(this.#at, Math.max(0, rows.length - 1)));
  }

  /** @param {number} at */
  #lineAt(at) {
    const known = this.#lines[at];
    if (known !== undefined) return known;
    const cells = columns.map(({ kind }) => html('td', { class: kind }));
    const element = html('tr', { tabindex: -1 }, ...cells);
    this.body.append(element);
    const line = { element, cells };
    this.#lines.push(line);
    return line;
  }

  /**
   * @param {{ element: HTMLTableRowElement, cells: HTMLTableCellElement[] }} line
   * @param {ConnectionRow} row
   * @param {number} nowMs
   */
  #write({ element, cells }, row, nowMs) {
    setAttribute(element, 'data-id', row.id);
    setAttribute(element, 'data-state', outerOf(row.state));
    for (const [at, column] of columns.entries()) {
      const cell = cells[at];
      if (cell === undefined) continue;
      setText(cell, column.text(row, nowMs));
      if (column.hint !== undefined) setAttribute(cell, 'title', column.hint(row));
    }
  }

  /** @param {number} at the row that Tab reaches */
  #hold(at) {
    this.#lines[this.#at]?.element.setAttribute('tabindex', '-1');
    this.#at = at;
    this.#lines[at]?.element.setAttribute('tabindex', '0');
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    const last = this.#rows.length - 1;
    /** @type {Partial<Record<string, number>>} */
    const steps = {
      ArrowDown: this.#at + 1,
      ArrowUp: this.#at - 1,
      Home: 0,
      End: last,
      PageDown: this.#at + 10,
      PageUp: this.#at - 10,
    };
    const next = steps[event.key];
    if (next !== undefined) {
      event.preventDefault();
      this.#hold(Math.max(0, Math.min(last, next)));
      this.#lines[this.#at]?.element.focus();
    } else if (event.key === 'Enter') {
      event.preventDefault();
      this.#choose(this.#at);
    }
  }

  /** @param {MouseEvent} event */
  #click(event) {
    const row = event.target instanceof Element ? event.target.closest('tr') : null;
    this.#choose(this.#lines.findIndex(({ element }) => element === row));
  }

  /** @param {number} at */
  #choose(at) {
    const row = this.#rows[at];
    if (row !== undefined) this.#open(row);
  }
}

/** @param {ConnectionRow['store']} store */
function storeText(store) {
  const pairs = Object.entries(store ?? {});
  return pairs.length === 0 ? UNKNOWN : pairs.map(([key, value]) => `${key}=${valueText(value)}`).join(' ');
}

/** @param {string} state */
function outerOf(state) {
  return state.split('.', 1)[0] ?? state;
}
