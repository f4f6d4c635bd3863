/**
 * What is known of a session and its connection, as named figures; only texts change once they stand.
 * @import { ConnectionDetail, SessionDetail } from '../frames.ts'
 */
import { html, setText } from './dom.js';
import { UNKNOWN, bytesText, countText, roundTripText, spanText, valueText } from './format.js';

/** @typedef {{ readonly session: SessionDetail | undefined, readonly connection: ConnectionDetail | undefined, readonly atMs: number }} Known */
/** @typedef {readonly [name: string, text: (known: Known) => string]} Fact */

/** @type {readonly { readonly title: string, readonly facts: readonly Fact[] }[]} */
const groups = [
  {
    title: 'Session',
    facts: [
      ['Id', ({ session }) => session?.id ?? UNKNOWN],
      ['State', ({ session }) => session?.state ?? UNKNOWN],
      ['Identity', ({ session }) => session?.identityId ?? UNKNOWN],
      ['Epoch', ({ session }) => countText(session?.epoch)],
      ['Resumes', ({ session }) => countText(session?.resumes)],
      ['Round trip', ({ session }) => roundTripText(session?.rttMs)],
      ['Lingers for', ({ session }) => spanText(session?.lingerMs)],
    ],
  },
  {
    title: 'Connection',
    facts: [
      ['Id', ({ connection }) => connection?.id ?? 'none'],
      ['State', ({ connection }) => connection?.state ?? UNKNOWN],
      ['Address', ({ connection }) => connection?.address ?? UNKNOWN],
      [
        'Age',
        ({ connection, atMs }) => (connection?.sinceMs === undefined ? UNKNOWN : spanText(atMs - connection.sinceMs)),
      ],
      ['Bytes in', ({ connection }) => bytesText(connection?.bytesIn)],
      ['Bytes out', ({ connection }) => bytesText(connection?.bytesOut)],
    ],
  },
  {
    title: 'Positions, ordered',
    facts: [
      ['Sent', ({ session }) => countText(session?.ordered?.sent)],
      ['Acknowledged', ({ session }) => countText(session?.ordered?.acked)],
      ['Received', ({ session }) => countText(session?.ordered?.received)],
      ['Processed', ({ session }) => countText(session?.ordered?.processed)],
    ],
  },
  {
    title: 'Positions, direct',
    facts: [
      ['Sent', ({ session }) => countText(session?.direct?.sent)],
      ['Acknowledged', ({ session }) => countText(session?.direct?.acked)],
      ['Received', ({ session }) => countText(session?.direct?.received)],
    ],
  },
  {
    title: 'Room',
    facts: [
      ['Outbox', ({ session }) => pairText(session?.outboxMessages, session?.outboxBytes)],
      ['Mailbox', ({ session }) => pairText(session?.mailboxMessages, session?.mailboxBytes)],
      ['Credit', ({ session }) => pairText(session?.creditMessages, session?.creditBytes)],
      ['Calls running', ({ session }) => countText(session?.calls?.running)],
      ['Calls waiting', ({ session }) => countText(session?.calls?.waiting)],
    ],
  },
];

/** The figures of one watched id. */
export class Facts {
  /** @type {{ cell: HTMLElement, text: Fact[1] }[]} */
  #cells = [];
  #store = html('dl');
  #context = html('dl');

  constructor() {
    const made = groups.map(({ title, facts }) => {
      const pairs = facts.flatMap(([name, text]) => {
        const cell = html('dd', {}, UNKNOWN);
        this.#cells.push({ cell, text });
        return [html('dt', {}, name), cell];
      });
      return groupOf(title, html('dl', {}, ...pairs));
    });
    this.element = html(
      'div',
      { class: 'facts' },
      ...made,
      groupOf('Store', this.#store),
      groupOf('Machine context', this.#context),
    );
    this.context(undefined);
    this.show({ session: undefined, connection: undefined, atMs: 0 });
  }

  /** @param {Known} known */
  show(known) {
    for (const { cell, text } of this.#cells) setText(cell, text(known));
    writePairs(this.#store, known.session?.store);
  }

  /**
   * Shows what the machine remembers.
   * @param {unknown} context
   */
  context(context) {
    writePairs(this.#context, context);
  }
}

/**
 * @param {string} title
 * @param {HTMLElement} list
 */
function groupOf(title, list) {
  return html('section', {}, html('h3', {}, title), list);
}

/**
 * @param {HTMLElement} list
 * @param {unknown} values
 */
function writePairs(list, values) {
  const pairs = typeof values === 'object' && values !== null ? Object.entries(values) : [];
  const known = [...list.querySelectorAll('dt')].map(({ textContent }) => textContent);
  const names = pairs.length === 0 ? ['none'] : pairs.map(([name]) => name);
  if (names.join('\n') !== known.join('\n'))
    list.replaceChildren(...names.flatMap((name) => [html('dt', {}, name), html('dd')]));
  for (const [at, cell] of [...list.querySelectorAll('dd')].entries()) {
    const [, value] = pairs[at] ?? [];
    setText(cell, value === undefined ? '' : valueText(value));
  }
}

/**
 * @param {number | undefined} messages
 * @param {number | undefined} bytes
 */
function pairText(messages, bytes) {
  if (messages === undefined && bytes === undefined) return UNKNOWN;
  return [messages === undefined ? '' : countText(messages), bytes === undefined ? '' : bytesText(bytes)]
    .filter((text) => text !== '')
    .join(' · ');
}
