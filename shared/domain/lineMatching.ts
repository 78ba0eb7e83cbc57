import { diffIndices } from 'node-diff3';

// Between two anchors lines are compared with each other. So many pairs take a tenth of a second where lines repeat; a gap
// for which too few are left counts as changed altogether.
const MAX_PAIRS = 250_000;
const NO_MATCH = -1;

/** Where each line of the earlier text is in the later one: an index from 0, rising, or -1 for a line that went. */
export type LineMatch = Int32Array;

/** Both sides of a comparison, and a part of each: from `start` to before `end`. */
interface Texts {
  before: readonly string[];
  after: readonly string[];
  match: LineMatch;
  /** How many pairs of lines may still be compared. */
  pairsLeft: number;
}
interface Gap {
  beforeStart: number;
  beforeEnd: number;
  afterStart: number;
  afterEnd: number;
}

/**
 * Finds the lines that two texts share, in order. Lines that both texts have once hold the rest in place, so that the
 * work grows with the lines and not with their square; what lies between them is compared by node-diff3, or counts as
 * changed where that would take long.
 */
export function matchLines(before: readonly string[], after: readonly string[]): LineMatch {
  const match = new Int32Array(before.length).fill(NO_MATCH);
  const texts: Texts = { before, after, match, pairsLeft: MAX_PAIRS };
  const rest = trimEqualEnds(texts, {
    beforeStart: 0,
    beforeEnd: before.length,
    afterStart: 0,
    afterEnd: after.length,
  });
  let { beforeStart, afterStart } = rest;
  for (const [beforeAt, afterAt] of [...anchors(texts, rest), [rest.beforeEnd, rest.afterEnd] as const]) {
    compareGap(texts, { beforeStart, beforeEnd: beforeAt, afterStart, afterEnd: afterAt });
    if (beforeAt < rest.beforeEnd) texts.match[beforeAt] = afterAt;
    beforeStart = beforeAt + 1;
    afterStart = afterAt + 1;
  }
  return texts.match;
}

/** How many lines came and how many went. */
export function countChangedLines(match: LineMatch, afterLines: number): { added: number; removed: number } {
  let kept = 0;
  for (const at of match) if (at !== NO_MATCH) kept += 1;
  return { added: afterLines - kept, removed: match.length - kept };
}

/** Matches equal lines at both ends of a gap; what is left of it. */
function trimEqualEnds({ before, after, match }: Texts, gap: Gap): Gap {
  let { beforeStart, beforeEnd, afterStart, afterEnd } = gap;
  while (beforeStart < beforeEnd && afterStart < afterEnd && before[beforeStart] === after[afterStart]) {
    match[beforeStart] = afterStart;
    beforeStart += 1;
    afterStart += 1;
  }
  while (beforeStart < beforeEnd && afterStart < afterEnd && before[beforeEnd - 1] === after[afterEnd - 1]) {
    beforeEnd -= 1;
    afterEnd -= 1;
    match[beforeEnd] = afterEnd;
  }
  return { beforeStart, beforeEnd, afterStart, afterEnd };
}

function compareGap(texts: Texts, gap: Gap): void {
  const rest = trimEqualEnds(texts, gap);
  const lines = rest.beforeEnd - rest.beforeStart;
  const others = rest.afterEnd - rest.afterStart;
  if (lines === 0 || others === 0 || lines * others > texts.pairsLeft) return;
  texts.pairsLeft -= lines * others;
  const before = texts.before.slice(rest.beforeStart, rest.beforeEnd);
  const after = texts.after.slice(rest.afterStart, rest.afterEnd);
  let [beforeAt, afterAt] = [0, 0];
  const keepUntil = (end: number): void => {
    for (; beforeAt < end; beforeAt += 1, afterAt += 1) {
      texts.match[rest.beforeStart + beforeAt] = rest.afterStart + afterAt;
    }
  };
  for (const { buffer1, buffer2 } of diffIndices(before, after)) {
    keepUntil(buffer1[0]);
    beforeAt = buffer1[0] + buffer1[1];
    afterAt = buffer2[0] + buffer2[1];
  }
  keepUntil(before.length);
}

/** The longest rising row of lines that each side has exactly once, as pairs of indexes. */
function anchors(texts: Texts, gap: Gap): Array<readonly [number, number]> {
  const once = uniqueLines(texts.before, gap.beforeStart, gap.beforeEnd);
  const other = uniqueLines(texts.after, gap.afterStart, gap.afterEnd);
  const pairs: Array<readonly [number, number]> = [];
  for (const [line, at] of once) {
    const afterAt = other.get(line);
    if (at !== null && afterAt !== undefined && afterAt !== null) pairs.push([at, afterAt]);
  }
  pairs.sort((left, right) => left[0] - right[0]);
  return longestRising(pairs);
}

/** Where each line is; null for one that is there twice. */
function uniqueLines(lines: readonly string[], start: number, end: number): Map<string, number | null> {
  const places = new Map<string, number | null>();
  for (let at = start; at < end; at += 1) {
    const line = lines[at] ?? '';
    places.set(line, places.has(line) ? null : at);
  }
  return places;
}

/** The longest part of the pairs whose second numbers rise, too (patience sorting). */
function longestRising(pairs: ReadonlyArray<readonly [number, number]>): Array<readonly [number, number]> {
  const ends: number[] = [];
  const previous = new Int32Array(pairs.length).fill(NO_MATCH);
  for (const [index, [, value]] of pairs.entries()) {
    let [low, high] = [0, ends.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((pairs[ends[middle] ?? 0]?.[1] ?? 0) < value) low = middle + 1;
      else high = middle;
    }
    if (low > 0) previous[index] = ends[low - 1] ?? NO_MATCH;
    ends[low] = index;
  }
  const rising: Array<readonly [number, number]> = [];
  for (let at = ends.at(-1) ?? NO_MATCH; at !== NO_MATCH; at = previous[at] ?? NO_MATCH) {
    const pair = pairs[at];
    if (pair) rising.push(pair);
  }
  return rising.reverse();
}
