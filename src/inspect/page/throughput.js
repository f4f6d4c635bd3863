/**
 * The last five minutes as six small plots that share one moment: pointing at one, or the arrow keys in it, reads all of them
 * at that second.
 * @import { SeriesName } from '../frames.ts'
 * @import { Series } from './series.js'
 */
import { html, setText, svg } from './dom.js';
import { countText, rateText, timeText } from './format.js';
import { areaOf, lineOf, topOf } from './plot.js';

const plots = /** @type {const} */ ([
  ['messagesIn', 'Messages in', 'per second'],
  ['messagesOut', 'Messages out', 'per second'],
  ['acked', 'Acknowledged', 'per second'],
  ['cuts', 'Cuts', 'per second'],
  ['resumes', 'Resumes', 'per second'],
  ['outboxMessages', 'Outbox depth', 'messages'],
]);

const frame = { width: 360, height: 110, room: 300 };
/** Beside the plot, for the numbers of its scale. */
const scaleWidth = 34;
const MEANS_OF = 30;

/** @typedef {{ readonly name: SeriesName, value: HTMLElement, range: HTMLElement, top: SVGTextElement, middle: SVGTextElement, line: SVGPathElement, area: SVGPathElement, cursor: SVGPathElement }} Plot */

/** The view of the last minutes; it is made once and shown again. */
export class ThroughputView {
  /** @type {Plot[]} */
  #plots = [];
  #when = html('p', { class: 'when', role: 'status' });
  #table = html('tbody');
  #words;
  #series;
  #isShown = false;
  /** How many seconds before the end are read; undefined is now. @type {number | undefined} */
  #back = undefined;

  /** @param {Series} series */
  constructor(series) {
    this.#series = series;
    const heads = ['Half a minute', ...plots.map(([, title]) => title)].map((title) =>
      html('th', { scope: 'col' }, title),
    );
    const table = html('table', {}, html('thead', {}, html('tr', {}, ...heads)), this.#table);
    this.#words = html(
      'details',
      { class: 'in-words panel' },
      html('summary', {}, 'In numbers: means of half a minute, newest first'),
      html('div', { class: 'scroll' }, table),
    );
    this.#words.addEventListener('toggle', () => this.tick());
    this.element = html(
      'div',
      { class: 'throughput' },
      html('header', { class: 'view-head' }, html('h1', {}, 'Last five minutes'), this.#when),
      html('div', { class: 'plots' }, ...plots.map((plot) => this.#plot(plot))),
      this.#words,
    );
  }

  /** The view is on the page. */
  show() {
    this.#isShown = true;
    this.tick();
  }

  /** The view is off the page. */
  hide() {
    this.#isShown = false;
  }

  /** A second has passed. */
  tick() {
    if (!this.#isShown) return;
    for (const plot of this.#plots) this.#draw(plot);
    this.#read();
    if (this.#words.open) this.#writeTable();
  }

  /** @param {typeof plots[number]} plot */
  #plot([name, title, unit]) {
    const { width, height } = frame;
    const value = html('b', { class: 'value', 'data-series': name });
    const range = html('span', { class: 'range' });
    const area = svg('path', { class: 'area' });
    const line = svg('path', { class: 'stroke' });
    const cursor = svg('path', { class: 'cursor' });
    const top = svg('text', { class: 'tick', x: width + 6, y: 4 });
    const middle = svg('text', { class: 'tick', x: width + 6, y: height / 2 + 3 });
    const drawing = svg(
      'svg',
      { viewBox: `0 -6 ${width + scaleWidth} ${height + 22}`, 'aria-hidden': 'true' },
      svg('path', { class: 'grid', d: `M0 0H${width}M0 ${height / 2}H${width}` }),
      svg('path', { class: 'base', d: `M0 ${height}H${width}` }),
      area,
      line,
      cursor,
      top,
      middle,
      ...[5, 4, 3, 2, 1].map((minutes) =>
        svg('text', { class: 'tick', x: (width * (5 - minutes)) / 5, y: height + 13 }, `−${minutes} min`),
      ),
      svg('text', { class: 'tick', x: width, y: height + 13, 'text-anchor': 'end' }, 'now'),
    );
    const figure = html(
      'figure',
      { class: 'panel plot', tabindex: 0, 'aria-label': `${title}, ${unit}. Arrow keys read earlier seconds.` },
      html('figcaption', {}, html('h2', {}, title), html('span', { class: 'unit' }, unit), value),
      drawing,
      range,
    );
    this.#listen(figure, drawing);
    this.#plots.push({ name, value, range, top, middle, line, area, cursor });
    return figure;
  }

  /**
   * @param {HTMLElement} figure
   * @param {SVGSVGElement} drawing
   */
  #listen(figure, drawing) {
    const last = frame.room - 1;
    drawing.addEventListener('pointermove', ({ clientX }) => {
      const { left, width } = drawing.getBoundingClientRect();
      this.#point(Math.round((1 - ((clientX - left) / width) * ((frame.width + scaleWidth) / frame.width)) * last));
    });
    drawing.addEventListener('pointerleave', () => this.#point(undefined));
    figure.addEventListener('blur', () => this.#point(undefined));
    figure.addEventListener('keydown', (event) => {
      const step = event.key === 'ArrowLeft' ? 1 : event.key === 'ArrowRight' ? -1 : undefined;
      if (event.key === 'Escape' || event.key === 'End') this.#point(undefined);
      else if (step !== undefined) this.#point((this.#back ?? 0) + step * (event.shiftKey ? 10 : 1));
      else return;
      event.preventDefault();
    });
  }

  /** @param {number | undefined} back */
  #point(back) {
    const last = this.#series.pointsOf('messagesIn').length - 1;
    this.#back = back === undefined || last < 0 ? undefined : Math.max(0, Math.min(last, back));
    this.#read();
  }

  /** @param {Plot} plot */
  #draw({ name, range, top, middle, line, area }) {
    const points = this.#series.pointsOf(name);
    const most = topOf(points);
    line.setAttribute('d', lineOf(points, { ...frame, top: most }));
    area.setAttribute('d', areaOf(points, { ...frame, top: most }));
    setText(top, countText(most));
    setText(middle, rateText(most / 2));
    const mean = points.reduce((sum, value) => sum + value, 0) / Math.max(1, points.length);
    setText(range, `mean ${rateText(mean)} · most ${rateText(points.reduce((max, value) => Math.max(max, value), 0))}`);
  }

  /** Writes the values of the moment that is read. */
  #read() {
    const back = this.#back;
    for (const { name, value, cursor } of this.#plots) {
      const points = this.#series.pointsOf(name);
      setText(value, rateText(points[points.length - 1 - (back ?? 0)]));
      const x = (frame.width * (frame.room - 1 - (back ?? 0))) / (frame.room - 1);
      cursor.setAttribute('d', back === undefined ? '' : `M${x.toFixed(1)} 0V${frame.height}`);
    }
    const { endMs } = this.#series;
    setText(
      this.#when,
      endMs === undefined
        ? ''
        : back === undefined
          ? 'now'
          : `${timeText(endMs - back * 1000).slice(0, 8)}, ${back} s ago`,
    );
  }

  #writeTable() {
    const count = Math.ceil(this.#series.pointsOf('messagesIn').length / MEANS_OF);
    const rows = Array.from({ length: count }, (_, at) => {
      const cells = plots.map(([name]) => {
        const points = this.#series.pointsOf(name);
        const part = points.slice(Math.max(0, points.length - (at + 1) * MEANS_OF), points.length - at * MEANS_OF);
        return html('td', {}, rateText(part.reduce((sum, value) => sum + value, 0) / Math.max(1, part.length)));
      });
      const title = at === 0 ? 'until now' : `until ${(at * MEANS_OF) / 60} min ago`;
      return html('tr', {}, html('th', { scope: 'row' }, title), ...cells);
    });
    this.#table.replaceChildren(...rows);
  }
}
