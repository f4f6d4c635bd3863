/** Middle, spread and shares of measured values. */

/** The middle value; NaN of none. */
export function median(values: readonly number[]): number {
  return percentile(values, 0.5);
}

/** The value below which this share of all lies; NaN of none. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((left, right) => left - right);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? NaN;
}

/** One list divided by the other, item by item: what two contestants reached in the same round. */
export function ratios(values: readonly number[], by: readonly number[]): readonly number[] {
  return values.map((value, round) => value / (by[round] ?? NaN));
}
