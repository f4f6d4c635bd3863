/**
 * What happened to a session as a sequence of three lanes: the client, its connection of the moment, the session. The session's
 * lane goes on while connections come and go.
 * @import { WatchEvent } from '../frames.ts'
 */
import { countText } from './format.js';

/** @typedef {'client' | 'connection' | 'session'} Lane */

/**
 * One line of the diagram: an arrow between lanes, or with one lane alone a remark beside it.
 * @typedef {object} Step
 * @property {number} atMs
 * @property {string} text
 * @property {string} note more about it, in small
 * @property {Lane} from
 * @property {Lane} to
 * @property {'plain' | 'good' | 'bad'} tone
 * @property {'none' | 'open' | 'up'} connection how the connection stands afterwards
 * @property {'none' | 'alive' | 'attached'} session how the session stands afterwards
 */

/** @type {Readonly<Record<string, readonly [Lane, Lane]>>} */
const dialling = {
  CONNECT: ['client', 'connection'],
  RECONNECT: ['client', 'connection'],
  DISCONNECT: ['client', 'connection'],
  CLOSE: ['client', 'connection'],
  AUTO_RECONNECT: ['client', 'connection'],
  WELCOMED: ['connection', 'session'],
};

/** @type {Readonly<Record<string, readonly [Lane, Lane]>>} */
const accepting = {
  WELCOMED: ['connection', 'client'],
  HELLO_REFUSED: ['connection', 'client'],
  RELAYED: ['connection', 'client'],
  SOCKET_LOST: ['client', 'connection'],
  CLOSE: ['session', 'connection'],
};

const bad = new Set(['SOCKET_LOST', 'HELLO_REFUSED', 'REFUSED', 'TERMINATED', 'after handshake']);

/**
 * The lines of these events, in their order.
 * @param {readonly WatchEvent[]} events oldest first
 * @returns {Step[]}
 */
export function stepsOf(events) {
  /** @type {Step[]} */
  const steps = [];
  /** @type {Pick<Step, 'connection' | 'session'>} */
  let now = { connection: 'none', session: 'none' };
  for (const event of events) {
    now = after(now, event);
    steps.push({ atMs: event.atMs, ...lineOf(event), ...now });
  }
  return steps;
}

/**
 * @param {Pick<Step, 'connection' | 'session'>} now
 * @param {WatchEvent} event
 * @returns {Pick<Step, 'connection' | 'session'>}
 */
function after(now, event) {
  switch (event.type) {
    case 'actor':
      // Who looks at a connection that is up sees a session on it, whatever was said before.
      return event.state === 'up'
        ? { connection: 'up', session: 'attached' }
        : { ...now, connection: standing(event.state) };
    case 'step':
      return { ...now, connection: standing(event.state) };
    case 'end':
      return { ...now, connection: 'none' };
    case 'session':
      return {
        ...now,
        session:
          event.what === 'ends'
            ? 'none'
            : event.what === 'up'
              ? 'attached'
              : event.what === 'gap'
                ? now.session
                : 'alive',
      };
  }
}

/** @param {string} state */
function standing(state) {
  return state === 'up' ? 'up' : state === 'closed' ? 'none' : 'open';
}

/**
 * @param {WatchEvent} event
 * @returns {Pick<Step, 'text' | 'note' | 'from' | 'to' | 'tone'>}
 */
function lineOf(event) {
  switch (event.type) {
    case 'actor': {
      const isNew = event.machine === 'accepting' && event.state === 'authenticating';
      const from = isNew ? 'client' : 'connection';
      return { text: isNew ? 'connects' : event.state, note: event.connection, from, to: 'connection', tone: 'plain' };
    }
    case 'step': {
      const [from, to] = (event.machine === 'accepting' ? accepting : dialling)[event.event] ?? [
        'connection',
        'connection',
      ];
      const tone = bad.has(event.event) ? 'bad' : event.state === 'up' && event.from !== 'up' ? 'good' : 'plain';
      const note = [codeOf(event.data), event.from === event.state ? '' : `→ ${event.state}`].filter(
        (word) => word !== '',
      );
      return { text: event.event, note: note.join(' '), from, to, tone };
    }
    case 'end':
      return { text: 'connection ends', note: event.code ?? '', from: 'connection', to: 'connection', tone: 'plain' };
    case 'session':
      return sessionLine(event);
  }
}

/**
 * @param {Extract<WatchEvent, { type: 'session' }>} event
 * @returns {Pick<Step, 'text' | 'note' | 'from' | 'to' | 'tone'>}
 */
function sessionLine({ what, resumed, code, epoch, unconfirmed, carried }) {
  const facts = [
    code ?? '',
    epoch === undefined ? '' : `epoch ${epoch}`,
    unconfirmed === undefined ? '' : `${countText(unconfirmed)} unconfirmed`,
    carried === undefined ? '' : `${countText(carried)} carried`,
  ];
  const note = facts.filter((fact) => fact !== '').join(', ');
  switch (what) {
    case 'begins':
      return { text: 'session begins', note, from: 'session', to: 'session', tone: 'plain' };
    case 'up':
      return { text: resumed === true ? 'resumes' : 'attaches', note, from: 'connection', to: 'session', tone: 'good' };
    case 'down':
      return { text: 'detached', note, from: 'connection', to: 'session', tone: 'bad' };
    case 'gap':
      return { text: 'gap', note, from: 'session', to: 'session', tone: 'bad' };
    case 'ends':
      return { text: 'session ends', note, from: 'session', to: 'session', tone: 'plain' };
  }
}

/** @param {unknown} data */
function codeOf(data) {
  const code = typeof data === 'object' && data !== null && 'code' in data ? data.code : undefined;
  return typeof code === 'string' ? code : '';
}
