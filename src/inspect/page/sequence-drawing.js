/**
 * Draws a sequence: newest last, kept in view while the reader stands at the end. It is drawn anew with each new line, at most
 * once a frame, and holds the last sixty.
 * @import { WatchEvent } from '../frames.ts'
 * @import { Lane, Step } from './sequence.js'
 */
import { arrowHeads, html, svg } from './dom.js';
import { spanText } from './format.js';
import { stepsOf } from './sequence.js';

const STEPS_MAX = 60;
const toneHeads = ['plain', 'good', 'bad'].map((tone) => ({ id: `sequence-${tone}`, class: `head is-${tone}` }));
const rowHeight = 25;
/** A line with a note below its words. */
const tallHeight = 36;
/** Room for the time since the line before. */
const gutter = 52;
/** The head of a lane has just room in it, as the style sheet says. */
const laneWidth = 58;
const narrowLaneWidth = 48;
const narrowPage = matchMedia('(max-width: 640px)');
/** A pause of this length is drawn with a longer way. */
const PAUSE_MS = 1_000;
const pauseHeight = 14;

/** @type {readonly Lane[]} */
const lanes = ['client', 'connection', 'session'];

/** The diagram of one watched id. */
export class SequenceDrawing {
  #box = html('div', {
    class: 'sequence scroll',
    tabindex: 0,
    role: 'group',
    'aria-label': 'Sequence of client, connection and session',
  });
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
    const steps = stepsOf(this.#events).slice(-STEPS_MAX);
    const ys = placesOf(steps);
    const height = (ys.at(-1) ?? 0) + tallHeight * 0.7;
    const drawing = svg('svg', { width: box.clientWidth, height }, arrowHeads(toneHeads));
    drawing.append(...bars(steps, { ys, height }));
    for (const [at, step] of steps.entries()) drawing.append(line(step, { y: ys[at] ?? 0, before: steps[at - 1] }));
    box.replaceChildren(drawing);
    // Long words make the drawing wider than its place, which then scrolls.
    const widest = Math.max(
      0,
      ...[...drawing.querySelectorAll('.words')].map((words) => words.getBoundingClientRect().width),
    );
    drawing.setAttribute('width', String(Math.max(box.clientWidth, Math.ceil(xOfWords() + widest + 8))));
    if (isAtEnd) box.scrollTop = box.scrollHeight;
  }
}

/** @param {readonly Step[]} steps */
function placesOf(steps) {
  let y = 8;
  return steps.map((step, at) => {
    const before = steps[at - 1];
    y += at === 0 ? rowHeight * 0.5 : before?.note === '' ? rowHeight : tallHeight;
    if (before !== undefined && step.atMs - before.atMs > PAUSE_MS) y += pauseHeight;
    return y;
  });
}

/** @param {Lane} lane */
function xOf(lane) {
  return gutter + widthOfLane() * (lanes.indexOf(lane) + 0.5);
}

/** Words stand behind all lanes, so that they never lie on a line. */
function xOfWords() {
  return gutter + lanes.length * widthOfLane() + 4;
}

function widthOfLane() {
  return narrowPage.matches ? narrowLaneWidth : laneWidth;
}

/**
 * The lanes: a thin line, and a bar where something lives.
 * @param {readonly Step[]} steps
 * @param {{ readonly ys: readonly number[], readonly height: number }} frame
 */
function bars(steps, { ys, height }) {
  const drawn = lanes.map((lane) => svg('path', { class: 'lane', d: `M${xOf(lane)} 0V${height}` }));
  return [
    ...drawn,
    .../** @type {const} */ (['connection', 'session']).flatMap((lane) =>
      steps.flatMap((step, at) => {
        const kind = lane === 'connection' ? step.connection : step.session;
        if (kind === 'none') return [];
        const top = ys[at] ?? 0;
        const bottom = ys[at + 1] ?? height;
        const x = xOf(lane) - 4;
        return [svg('rect', { class: `life is-${kind}`, x, y: top, width: 8, height: bottom - top })];
      }),
    ),
  ];
}

/**
 * @param {Step} step
 * @param {{ readonly y: number, readonly before: Step | undefined }} place
 */
function line(step, { y, before }) {
  const { from, to, text, note, tone, atMs } = step;
  const since = before === undefined ? '' : `+${spanText(Math.round(atMs - before.atMs))}`;
  const [start, end] = [xOf(from), xOf(to)];
  const sign = Math.sign(end - start);
  const arrow = {
    class: 'arrow',
    d: `M${start + sign * 5} ${y}H${end - sign * 6}`,
    'marker-end': `url(#sequence-${tone})`,
  };
  return svg(
    'g',
    { class: `step is-${tone}` },
    svg('text', { class: 'since', x: 0, y: y + 4 }, since),
    from === to ? svg('circle', { class: 'remark', cx: start, cy: y, r: 5 }) : svg('path', arrow),
    svg('text', { class: 'words', x: xOfWords(), y: y + 4 }, text),
    svg('text', { class: 'words note', x: xOfWords(), y: y + 17 }, note),
  );
}
