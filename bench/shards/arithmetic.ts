/** Work that only a processor can do: no allocation, nothing to wait for. */

/**
 * So many steps of a xorshift generator (Marsaglia, 32 bits); the result only proves that they were done. Nothing leaves
 * the range of int32: code for numbers that may is several times slower or not, as the engine happens to compile it.
 */
export function churn(steps: number): number {
  let state = 1;
  for (let step = 0; step < steps; step += 1) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
  }
  return state;
}

/** How many steps take about so many milliseconds in this thread: the best of some tries. */
export function stepsFor(milliseconds: number): number {
  const steps = 1_000_000;
  let best = Infinity;
  for (let time = 0; time < 30; time += 1) {
    const startMs = performance.now();
    churn(steps);
    best = Math.min(best, performance.now() - startMs);
  }
  return Math.round((steps * milliseconds) / best);
}
