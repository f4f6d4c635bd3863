/** The line through points. */

/** By least squares: how much `values` rise for one unit of `at`; NaN of fewer than two points. */
export function slopeOf(at: readonly number[], values: readonly number[]): number {
  const meanAt = meanOf(at);
  const meanValue = meanOf(values);
  let rise = 0;
  let run = 0;
  for (const [index, value] of values.entries()) {
    const away = (at[index] ?? NaN) - meanAt;
    rise += away * (value - meanValue);
    run += away * away;
  }
  return rise / run;
}

function meanOf(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
