import { matchLines, type LineMatch } from '#shared/domain/lineMatching.ts';
import { textLines, type LineRange } from '#shared/domain/textLines.ts';

/** Texts up to so many bytes are compared for the place of a comment; in larger ones it falls back to the file. */
export const MAX_PORTED_BYTES = 4 * 1_048_576;

/** How a comment stands to the files that are shown: at its place, at another line, or its text has changed. */
export const PLACE_STATES = ['exact', 'shifted', 'outdated'] as const;
/** The state of a comment's place. */
export type PlaceState = (typeof PLACE_STATES)[number];

/** A path of a tree, as far as it is needed to find it in another. */
export interface PlacedItem {
  itemId: number;
  path: string;
}

/** A tree of files, by what a comment may be found by. */
export interface PlaceIndex<Item extends PlacedItem> {
  byItem: ReadonlyMap<number, Item>;
  byPath: ReadonlyMap<string, Item>;
}

/** Two texts with the places of the lines of one in the other. */
export interface ComparedLines {
  before: readonly string[];
  after: readonly string[];
  match: LineMatch;
}

/** Makes a tree's paths findable. */
export function indexPlaces<Item extends PlacedItem>(items: readonly Item[]): PlaceIndex<Item> {
  return {
    byItem: new Map(items.map((item) => [item.itemId, item])),
    byPath: new Map(items.map((item) => [item.path, item])),
  };
}

/**
 * The same file in another tree: by its id, whatever it is called there; else what is at its path, for a program that
 * saves by writing anew makes a new item. What is at its path and `hasOwnPlace` says is another file of this tree, renamed
 * to there, is not it. A copy has an id and a path of its own, and is never taken for it.
 */
export function samePlace<Item extends PlacedItem>(
  item: PlacedItem,
  other: PlaceIndex<Item>,
  hasOwnPlace: (itemId: number) => boolean,
): Item | null {
  const same = other.byItem.get(item.itemId);
  if (same !== undefined) return same;
  const there = other.byPath.get(item.path);
  return there === undefined || hasOwnPlace(there.itemId) ? null : there;
}

/** Compares two texts line by line. */
export function compareLines(before: string, after: string): ComparedLines {
  const lines = { before: textLines(before), after: textLines(after) };
  return { ...lines, match: matchLines(lines.before, lines.after) };
}

/** Where a range is in the later text. `range` null: its text is not there any more, or not in one piece. */
export function portRange(
  range: LineRange,
  compared: ComparedLines,
): { state: PlaceState; range: LineRange } | { state: 'outdated'; range: null } {
  const first = compared.match[range.first - 1] ?? -1;
  const moved = first >= 0 && staysTogether(range, first, compared) ? first : findMoved(range, compared);
  if (moved === null) return { state: 'outdated', range: null };
  const ported = { first: moved + 1, last: moved + 1 + range.last - range.first };
  return { state: ported.first === range.first ? 'exact' : 'shifted', range: ported };
}

function staysTogether(range: LineRange, first: number, { match }: ComparedLines): boolean {
  for (let line = range.first; line <= range.last; line += 1) {
    if (match[line - 1] !== first + line - range.first) return false;
  }
  return true;
}

// Looking for moved lines reads both texts for each comment: beyond so many lines it would hold the process up.
const MAX_SEARCHED_LINES = 50_000;

/** A block that was moved past others is no common line of both. It is the same only where each text has it once. */
function findMoved(range: LineRange, { before, after }: ComparedLines): number | null {
  const block = before.slice(range.first - 1, range.last);
  if (before.length + after.length > MAX_SEARCHED_LINES) return null;
  if (block.length === 0 || block.every((line) => line.trim().length < 2)) return null;
  const places = blockPlaces(block, after);
  return places.length === 1 && blockPlaces(block, before).length === 1 ? (places[0] ?? null) : null;
}

/**
 * Where a block of lines begins in a text; two places are enough to know. Each line is looked at a few times only, however
 * often they repeat (Knuth, Morris, Pratt): somebody may comment on thousands of equal lines.
 */
function blockPlaces(block: readonly string[], lines: readonly string[]): number[] {
  const borders = bordersOf(block);
  const places: number[] = [];
  let matched = 0;
  for (const [at, line] of lines.entries()) {
    while (matched > 0 && line !== block[matched]) matched = borders[matched - 1] ?? 0;
    if (line === block[matched]) matched += 1;
    if (matched < block.length) continue;
    places.push(at + 1 - block.length);
    if (places.length === 2) break;
    matched = borders[matched - 1] ?? 0;
  }
  return places;
}

/** How many of the block's first lines are also the last ones before and with each line, without being all of them. */
function bordersOf(block: readonly string[]): Int32Array {
  const borders = new Int32Array(block.length);
  let matched = 0;
  for (let at = 1; at < block.length; at += 1) {
    while (matched > 0 && block[at] !== block[matched]) matched = borders[matched - 1] ?? 0;
    if (block[at] === block[matched]) matched += 1;
    borders[at] = matched;
  }
  return borders;
}
