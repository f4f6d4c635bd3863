/**
 * Draws a sequence: newest last, kept in view while the reader stands at the end. It is drawn anew with each new line, at most
 * once a frame, and holds the last sixty.
 * @import { WatchEvent } from '../frames.ts'
 * @import { Lane, Step } from './sequence.js'
 */
import { html, svg } from './dom.js';
import { spanText } from './format.js';
import { stepsOf } from './sequence.js';

const STEPS_MAX = 60;
const rowHeight = 34;
const gutter = 62;
/** A pause of this length is drawn with a longer way. */
const PAUSE_MS = 1_000;
const pauseHeight = 14;

/** @type {readonly Lane[]} */
const lanes = ['client', 'connection', 'session'];

/** The diagram of one watched id. */
export class SequenceDrawing {
  #box = html('div', { class: 'sequence scroll', tabindex: 0, role: 'group', 'aria-label': 'Sequence of client, connection and session' });
  #heads = html('div', { class: 'lanes', 'aria-hidden': 'true' }, ...lanes.map((lane) => html('span', {}, lane)));
  #isPlanned = false;
  /** @type {readonly WatchEvent[]} */
  #events = [];

  constructor() {
    this.element = html('div', { class: 'sequence-frame' }, this.#heads, this.#box);
    new ResizeObserver(() => this.#plan()).observe(this.#box);
  }

  /**
   * Shows these events.
   * @param {readonly WatchEvent[]} events oldest first
   */
  show(events) {
    this.#events = events;
    this.#plan();
  }

  #plan() {
    if (this.#isPlanned) return;
    this.#isPlanned = true;
    requestAnimationFrame(() => {
      this.#isPlanned = false;
      this.#draw();
    });
  }

  #draw() {
    const box = this.#box;
    const isAtEnd = box.scrollHeight - box.scrollTop - box.clientHeight < rowHeight;
    const width = Math.max(300, box.clientWidth);
    const steps = stepsOf(this.#events).slice(-STEPS_MAX);
    const ys = placesOf(steps);
    const height = (ys.at(-1) ?? 0) + rowHeight * 0.7;
    const drawing = svg('svg', { width, height, viewBox: `0 0 ${width} ${height}` }, arrowHeads());
    drawing.append(...bars(steps, { ys, width, height }));
    for (const [at, step] of steps.entries()) drawing.append(line(step, { y: ys[at] ?? 0, width, before: steps[at - 1] }));
    box.replaceChildren(drawing);
    if (isAtEnd) box.scrollTop = box.scrollHeight;
  }
}

/** @param {readonly Step[]} steps */
function placesOf(steps) {
  let y = 8;
  return steps.map((step, at) => {
    const before = steps[at - 1];
    y += at === 0 ? rowHeight * 0.5 : rowHeight;
    if (before !== undefined && step.atMs - before.atMs > PAUSE_MS) y += pauseHeight;
    return y;
  });
}

/**
 * @param {Lane} lane
 * @param {number} width
 */
function xOf(lane, width) {
  const share = (lanes.indexOf(lane) + 0.5) / lanes.length;
  return gutter + (width - gutter) * share;
}

/**
 * The lanes: a thin line, and a bar where something lives.
 * @param {readonly Step[]} steps
 * @param {{ readonly ys: readonly number[], readonly width: number, readonly height: number }} frame
 */
function bars(steps, { ys, width, height }) {
  const drawn = lanes.map((lane) => svg('path', { class: 'lane', d: `M${xOf(lane, width)} 0V${height}` }));
  return [
    ...drawn,
    ...(['connection', 'session']).flatMap((lane) =>
      steps.flatMap((step, at) => {
        const kind = lane === 'connection' ? step.connection : step.session;
        if (kind === 'none') return [];
        const top = ys[at] ?? 0;
        const bottom = ys[at + 1] ?? height;
        const x = xOf(lane === 'connection' ? 'connection' : 'session', width) - 4;
        return [svg('rect', { class: `life is-${kind}`, x, y: top, width: 8, height: bottom - top })];
      }),
    ),
  ];
}

/**
 * @param {Step} step
 * @param {{ readonly y: number, readonly width: number, readonly before: Step | undefined }} frame
 */
function line(step, { y, width, before }) {
  const { from, to, text, note, tone, atMs } = step;
  const since = before === undefined ? '' : `+${spanText(Math.round(atMs - before.atMs))}`;
  const group = svg('g', { class: `step is-${tone}` }, svg('text', { class: 'since', x: 0, y: y + 4 }, since));
  const words = note === '' ? text : `${text} · ${note}`;
  if (from === to) {
    const x = xOf(from, width);
    const isRight = from === 'session';
    group.append(
      svg('circle', { class: 'remark', cx: x, cy: y, r: 4 }),
      label(words, { x: isRight ? x - 10 : x + 10, y: y + 4, anchor: isRight ? 'end' : 'start', room: width - x - 12 }),
    );
    return group;
  }
  const [start, end] = [xOf(from, width), xOf(to, width)];
  const sign = Math.sign(end - start);
  group.append(
    svg('path', { class: 'arrow', d: `M${start + sign * 5} ${y}H${end - sign * 6}`, 'marker-end': `url(#sequence-${tone})` }),
    label(words, { x: (start + end) / 2, y: y - 5, anchor: 'middle', room: 0 }),
  );
  return group;
}

/**
 * @param {string} words
 * @param {{ readonly x: number, readonly y: number, readonly anchor: string, readonly room: number }} place
 */
function label(words, { x, y, anchor }) {
  return svg('text', { class: 'words', x, y, 'text-anchor': anchor }, words);
}

function arrowHeads() {
  const heads = ['plain', 'good', 'bad'].map((tone) =>
    svg(
      'marker',
      { id: `sequence-${tone}`, class: `head is-${tone}`, viewBox: '0 0 8 8', refX: 7, refY: 4, markerWidth: 7, markerHeight: 7, markerUnits: 'userSpaceOnUse', orient: 'auto' },
      svg('path', { d: 'M0 0.8L7.4 4L0 7.2Z' }),
    ),
  );
  return svg('defs', {}, ...heads);
}
