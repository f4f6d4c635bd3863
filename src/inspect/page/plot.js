/**
 * Points as lines: the path of a small plot, and a round number above its highest point.
 */

/**
 * The `d` of a line through values that end at the right edge, `room` of them from edge to edge.
 * @param {readonly number[]} values
 * @param {{ readonly width: number, readonly height: number, readonly top: number, readonly room: number }} frame
 */
export function lineOf(values, { width, height, top, room }) {
  const step = width / Math.max(1, room - 1);
  const first = room - values.length;
  return values
    .map((value, at) => {
      const y = height - (Math.min(value, top) / (top || 1)) * height;
      return `${at === 0 ? 'M' : 'L'}${((first + at) * step).toFixed(1)} ${y.toFixed(1)}`;
    })
    .join('');
}

/**
 * The same line, closed along the bottom.
 * @param {readonly number[]} values
 * @param {{ readonly width: number, readonly height: number, readonly top: number, readonly room: number }} frame
 */
export function areaOf(values, frame) {
  if (values.length === 0) return '';
  const left = ((frame.room - values.length) * frame.width) / Math.max(1, frame.room - 1);
  return `${lineOf(values, frame)}L${frame.width} ${frame.height}L${left.toFixed(1)} ${frame.height}Z`;
}

/**
 * The next round number (1, 1.5, 2, 3, 4, 5, 6, 8, 10 and their tens) that is not below the largest value; 1 for nothing.
 * @param {readonly number[]} values
 */
export function topOf(values) {
  const most = values.reduce((max, value) => Math.max(max, value), 0);
  if (most <= 1) return 1;
  const power = 10 ** Math.floor(Math.log10(most));
  return power * ([1, 1.5, 2, 3, 4, 5, 6, 8].find((step) => step * power >= most) ?? 10);
}
