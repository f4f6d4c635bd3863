/** The shortest list that still does something, as far as leaving out more or less of it leads there. */

/**
 * Leaves out halves, then quarters, down to single items, the last ones first, as long as what remains still does it; and again
 * until nothing can go. `does` answers false when there is no time left.
 */
export async function shortest<Item>(
  items: readonly Item[],
  does: (rest: readonly Item[]) => Promise<boolean>,
): Promise<readonly Item[]> {
  let kept = items;
  for (let size = Math.max(1, kept.length >> 1); size >= 1; size = size === 1 ? 0 : size >> 1) {
    const before = kept.length;
    for (let end = kept.length; end > 0; end -= size) {
      const rest = [...kept.slice(0, Math.max(0, end - size)), ...kept.slice(end)];
      if (await does(rest)) kept = rest;
    }
    // What went may have been what the others were needed with.
    if (size === 1 && kept.length < before) size = 2;
  }
  return kept;
}
