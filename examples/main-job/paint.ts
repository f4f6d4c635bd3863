/** Lines of styled text for a terminal: built from spans, cut to a width, painted or plain. */
import { styleText } from 'node:util';

/** How a span looks. */
export type Style = 'dim' | 'bold' | 'red' | 'green' | 'yellow' | 'cyan' | 'magenta' | 'plain';

/** Some text in one style. */
export type Span = readonly [text: string, style?: Style];

/** A line of a view. */
export type Row = readonly Span[];

/** The row as text of at most `width` columns; with `isPainted` in colours. Each character here takes one column. */
export function paint(row: Row, width: number, isPainted: boolean): string {
  let left = width;
  let text = '';
  for (const [words, style = 'plain'] of row) {
    const shown = words.slice(0, left);
    left -= shown.length;
    text += isPainted && style !== 'plain' && shown !== '' ? styleText(style, shown, { validateStream: false }) : shown;
  }
  return text;
}

/** Columns of a row. */
export function widthOf(row: Row): number {
  return row.reduce((sum, [words]) => sum + words.length, 0);
}

/** Two rows in one, the second at the right edge. */
export function spread(left: Row, right: Row, width: number): Row {
  const gap = Math.max(1, width - widthOf(left) - widthOf(right));
  return [...left, [' '.repeat(gap)], ...right];
}

/** 28412 as '28,412'. */
export function grouped(count: number): string {
  return Math.round(count).toLocaleString('en-US');
}

/** Bytes for people: '1.5 MB'. */
export function sized(bytes: number): string {
  if (bytes < 10_000) return `${grouped(bytes)} B`;
  if (bytes < 1_000_000) return `${(bytes / 1_000).toFixed(0)} KB`;
  return `${(bytes / 1_000_000).toFixed(1)} MB`;
}

/** '1 line', '2 lines'. */
export function counted(count: number, noun: string): string {
  return `${grouped(count)} ${noun}${count === 1 ? '' : 's'}`;
}
