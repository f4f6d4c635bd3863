/**
 * One session, or one connection: where it stands on the chart, its figures, what happened to it as a list and as a sequence,
 * and the button that cuts it where the hub allows that.
 * @import { HubFrame, MachineConfig, WatchEvent } from '../frames.ts'
 * @import { Live } from './live.js'
 */
import { ChartDrawing } from './chart.js';
import { ChartText } from './chart-text.js';
import { html, setText } from './dom.js';
import { EventList } from './events.js';
import { Facts } from './facts.js';
import { edgeOf } from './machine.js';
import { SequenceDrawing } from './sequence-drawing.js';

const EVENTS_MAX = 500;
/** Frames that were left out come in bursts: it asks for them once. */
const ASK_AGAIN_MS = 300;

/** The view of one watched id; made anew for each. */
export class ConnectionView {
  #chart = html('div', { class: 'chart-place' });
  #state = html('span', { class: 'state-word', role: 'status' });
  #notice = html('p', { class: 'notice', role: 'status', hidden: true });
  #cut = html('button', { type: 'button', class: 'cut', hidden: true }, 'Cut this connection');
  #facts = new Facts();
  #list = new EventList();
  #sequence = new SequenceDrawing();
  /** @type {Readonly<Record<string, MachineConfig>>} */
  #machines = {};
  /** @type {{ name: string, drawing: ChartDrawing, words: ChartText } | undefined} */
  #machine = undefined;
  /** @type {WatchEvent[]} */
  #events = [];
  /** Whether the next events are the hub's memory, told anew after the line came back. */
  #isTold = false;
  /** @type {string | undefined} */
  #connection = undefined;
  /** @type {(() => void)[]} */
  #offs = [];
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #asking = undefined;
  #live;

  /**
   * @param {object} needs
   * @param {Live} needs.live
   * @param {string} needs.id
   * @param {Extract<HubFrame, { type: 'hello' }> | undefined} needs.hello the last one, if there was one
   */
  constructor({ live, id, hello }) {
    this.#live = live;
    this.id = id;
    this.element = this.#build();
    this.#offs.push(
      live.on('hello', (frame) => this.#begin(frame)),
      live.on('watched', (frame) => frame.id === id && this.#take(frame)),
      live.on('missed', () => this.#askAgain()),
      live.on('detail', (frame) => frame.id === id && this.#detail(frame)),
      live.on(
        'gone',
        (frame) => frame.id === id && this.#tell(`Not there any more: ${frame.why}. What was seen stays here.`),
      ),
    );
    this.#cut.addEventListener('click', () => live.send({ type: 'cut', id: this.#connection ?? id }));
    if (hello !== undefined) this.#begin(hello);
  }

  /** Stops watching. */
  close() {
    clearTimeout(this.#asking);
    this.#live.send({ type: 'unwatch', id: this.id });
    for (const off of this.#offs) off();
  }

  #build() {
    const head = html(
      'header',
      { class: 'view-head' },
      html('a', { href: '#/fleet', class: 'back' }, '← Fleet'),
      html('h1', { class: 'mono' }, this.id),
      this.#state,
      this.#cut,
    );
    const chart = html(
      'section',
      { class: 'panel', 'aria-label': 'Statechart' },
      html('h2', {}, 'Where it stands'),
      this.#chart,
    );
    const facts = html('section', { class: 'panel', 'aria-label': 'Figures' }, this.#facts.element);
    const sequence = html(
      'section',
      { class: 'panel', 'aria-label': 'Sequence' },
      html('h2', {}, 'Sequence'),
      this.#sequence.element,
    );
    const right = html(
      'div',
      { class: 'column' },
      facts,
      html('div', { class: 'happened' }, this.#list.element, sequence),
    );
    return html('div', { class: 'connection' }, head, this.#notice, chart, right);
  }

  /** @param {Extract<HubFrame, { type: 'hello' }>} hello */
  #begin({ machines, mayCut }) {
    this.#machines = machines;
    this.#cut.hidden = !mayCut;
    this.#notice.hidden = true;
    this.#isTold = true;
    this.#live.send({ type: 'watch', id: this.id });
  }

  /** What the hub left out, it may still keep. */
  #askAgain() {
    this.#asking ??= setTimeout(() => {
      this.#asking = undefined;
      this.#live.send({ type: 'watch', id: this.id });
    }, ASK_AGAIN_MS);
  }

  /** @param {Extract<HubFrame, { type: 'watched' }>} frame */
  #take({ events, isWhole }) {
    if (this.#isTold || isWhole === true) {
      this.#isTold = false;
      this.#events = [...joined(this.#events, events)];
      this.#list.show(this.#events);
    } else {
      this.#events.push(...events);
      this.#list.add(this.#events, events.length);
    }
    this.#events.splice(0, this.#events.length - EVENTS_MAX);
    for (const event of events) this.#follow(event);
    this.#sequence.show(this.#events);
  }

  /** @param {WatchEvent} event */
  #follow(event) {
    if (event.type === 'session') return;
    this.#connection = event.connection;
    const { drawing, words } = this.#chartFor(event.machine);
    if (event.type === 'end') return;
    const { from } = event.type === 'step' ? event : {};
    const edge = event.type === 'step' && from !== undefined ? edgeOf(drawing.chart, { ...event, from }) : undefined;
    drawing.enter(event.state, edge === undefined || event.type !== 'step' ? undefined : { edge, event: event.event });
    words.enter(event.state);
    setText(this.#state, event.state);
    this.#state.setAttribute('data-state', event.state.split('.', 1)[0] ?? '');
    this.#facts.context(event.context);
  }

  /** @param {string} name */
  #chartFor(name) {
    if (this.#machine?.name === name) return this.#machine;
    const drawing = new ChartDrawing({ config: this.#machines[name] ?? {}, shows: 'active' });
    const words = new ChartText(drawing.chart);
    this.#chart.replaceChildren(drawing.element, words.element);
    this.#machine = { name, drawing, words };
    return this.#machine;
  }

  /** @param {Extract<HubFrame, { type: 'detail' }>} frame */
  #detail({ session, connection, atMs }) {
    this.#facts.show({ session, connection, atMs });
    if (connection !== undefined) this.#connection = connection.id;
    this.#cut.disabled = connection === undefined;
  }

  /** @param {string} text */
  #tell(text) {
    setText(this.#notice, text);
    this.#notice.hidden = false;
    this.#cut.disabled = true;
  }
}

/**
 * What was seen, with what the hub remembers put behind what it does not.
 * @param {readonly WatchEvent[]} seen
 * @param {readonly WatchEvent[]} told
 */
function joined(seen, told) {
  const [first] = told;
  return first === undefined ? seen : [...seen.filter(({ atMs }) => atMs < first.atMs), ...told];
}
