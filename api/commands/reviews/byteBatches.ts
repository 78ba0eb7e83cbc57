/** Comparing texts holds the process up, so for one answer no more than this is compared. */
const MAX_TOTAL_BYTES = 64 * 1_048_576;
/** Other requests get their turn after so many bytes. */
const BATCH_BYTES = 2 * 1_048_576;

/**
 * Divides what is to be compared into batches of some bytes each, the smallest first, so that one monstrous file costs
 * nobody else's place. What would be too much altogether is left out.
 */
export function byteBatches<Item>(items: readonly Item[], bytesOf: (item: Item) => number): Item[][] {
  const all: Item[][] = [];
  let [total, open] = [0, Infinity];
  for (const item of items.toSorted((left, right) => bytesOf(left) - bytesOf(right))) {
    const bytes = bytesOf(item);
    total += bytes;
    if (total > MAX_TOTAL_BYTES) break;
    open += bytes;
    if (open > BATCH_BYTES) {
      all.push([]);
      open = bytes;
    }
    all.at(-1)?.push(item);
  }
  return all;
}
