/** The live view as a pure picture: one screen of rows for a tally and a terminal size. */
import { type Row, type Span, type Style, grouped, sized, spread } from './paint.ts';
import { optionRows } from './summary.ts';
import { type Note, PULSE_MS, type Tally, percentile } from './tally.ts';

const BARS = '▁▂▃▄▅▆▇█';
const COLUMNS_MAX = 110;

const noteStyles: Readonly<Record<Note['kind'], Style>> = {
  fault: 'red',
  hole: 'yellow',
  redial: 'dim',
  up: 'green',
  word: 'cyan',
};
const noteMarks: Readonly<Record<Note['kind'], string>> = { fault: '✕', hole: '○', redial: '↻', up: '●', word: '·' };

/** The screen for a terminal of this size. */
export function picture(tally: Tally, columns: number, rows: number): readonly Row[] {
  const width = Math.min(columns, COLUMNS_MAX) - 4;
  const { options, file, elapsedMs } = tally;
  const top: Row[] = [
    [],
    spread(
      [
        ['HOMING', 'bold'],
        [' main job   ', 'dim'],
        [file.name],
        [`  ${grouped(file.lines)} lines, ${sized(file.bytes)}`, 'dim'],
      ],
      [[`seed ${options.seed}  `, 'dim'], [`${(elapsedMs / 1_000).toFixed(1)} s`]],
      width,
    ),
    [],
    wire(tally, width),
    [],
    ...numbers(tally),
    [],
    progress(tally, width),
    [],
    ...pulses(tally, width),
    [],
  ];
  const bottom = rows >= 30 ? [[], ...optionRows(options)] : [];
  const room = Math.max(0, rows - top.length - bottom.length - 1);
  const notes = tally.notes.slice(-room).map(noteRow);
  const padding = Array.from({ length: bottom.length === 0 ? 0 : room - notes.length }, (): Row => []);
  return [...top, ...notes, ...padding, ...bottom].slice(0, rows - 1);
}

function wire(tally: Tally, width: number): Row {
  const look = wireLook(tally);
  const label = ` ${look.word} `;
  const length = Math.max(2, width - label.length - 'client ●● server'.length);
  const left = look.stroke.repeat(Math.floor(length / 2));
  const right = look.stroke.repeat(Math.ceil(length / 2));
  return [
    ['client '],
    ['●', 'bold'],
    [left, look.style],
    [label, look.style],
    [right, look.style],
    ['●', 'bold'],
    [' server'],
  ];
}

function wireLook({ state, phase }: Tally): { word: string; stroke: string; style: Style } {
  if (phase === 'over') return { word: 'done', stroke: '━', style: 'cyan' };
  if (state === 'up') return { word: 'up', stroke: '━', style: 'green' };
  if (state === 'backoff') return { word: '✕ backoff', stroke: ' ', style: 'red' };
  return { word: state, stroke: '╌', style: 'yellow' };
}

function numbers(tally: Tally): readonly Row[] {
  const { sent, delivered, resent, resumes, recoveries } = tally;
  const counts = tally.counts;
  const recent = tally.pulses.slice(-20);
  const rate = recent.reduce((sum, { lines }) => sum + lines, 0) / Math.max(1, (recent.length * PULSE_MS) / 1_000);
  return [
    cells(['sent', sent.lines, `lines  ${sized(sent.bytes)}`], ['cut by reset', counts?.resets ?? 0]),
    cells(
      ['delivered', delivered.lines, `lines  ${sized(delivered.bytes)}`],
      ['cut by hang-up', counts?.finishes ?? 0],
    ),
    cells(['resent', resent, 'messages'], ['half-open', counts?.blackHoles ?? 0]),
    cells(['resumes', resumes, ''], ['turned away', counts?.turnedAway ?? 0]),
    cells(['throughput', rate, 'lines/s'], ['nobody listened', counts?.refusals ?? 0]),
    [
      ['recovery'.padEnd(12), 'dim'],
      [recovery(recoveries.afterCut).padEnd(33)],
      ['half-open ', 'dim'],
      [recovery(recoveries.afterHole)],
    ],
  ];
}

function cells(left: readonly [string, number, string], right: readonly [string, number]): Row {
  return [
    [left[0].padEnd(12), 'dim'],
    [grouped(left[1]).padStart(11), 'bold'],
    [` ${left[2]}`.padEnd(24), 'dim'],
    [right[0].padEnd(16), 'dim'],
    [grouped(right[1]).padStart(5), 'bold'],
  ];
}

function recovery(values: readonly number[]): string {
  const middle = percentile(values, 0.5);
  return middle === undefined ? '–' : `p50 ${middle.toFixed(0)}, p99 ${percentile(values, 0.99)?.toFixed(0) ?? ''} ms`;
}

/** Cuts while the line is cut; then how much of the pass under way has arrived. */
function progress({ counts, options, phase, delivered, file }: Tally, width: number): Row {
  const cuts = counts?.cuts ?? 0;
  const isStorm = phase === 'storm';
  const passBytes = delivered.bytes - delivered.passes * file.bytes;
  const share = Math.min(1, isStorm ? cuts / Math.max(1, options.cuts) : passBytes / Math.max(1, file.bytes));
  const calm = `${grouped(cuts)} cuts, last pass at ${Math.floor(share * 100)} %`;
  const words = ` ${isStorm ? `${grouped(cuts)} of ${grouped(options.cuts)} cuts` : calm}`;
  const length = Math.max(0, width - words.length);
  const done = Math.floor(length * share);
  return [['█'.repeat(done), isStorm ? 'red' : 'green'], ['░'.repeat(length - done), 'dim'], [words]];
}

/** Lines delivered in each tenth of a second, newest at the right; a tenth with a cut in it is red. */
function pulses(tally: Tally, width: number): readonly Row[] {
  const shown = tally.pulses.slice(-width);
  const most = Math.max(1, ...shown.map(({ lines }) => lines));
  const spans = shown.map(({ lines, cuts }): Span => {
    const bar = lines === 0 ? ' ' : (BARS[Math.min(7, Math.floor((lines / most) * 8))] ?? ' ');
    return [bar, cuts > 0 ? 'red' : 'green'];
  });
  return [
    [
      ['delivered in each tenth of a second, ', 'dim'],
      ['red', 'red'],
      [' where the line was cut', 'dim'],
    ],
    spans,
  ];
}

function noteRow({ atMs, kind, text }: Note): Row {
  return [[`${(atMs / 1_000).toFixed(2).padStart(6)} s `, 'dim'], [`${noteMarks[kind]} `, noteStyles[kind]], [text]];
}
