import { diff3Merge } from 'node-diff3';
import { MAX_MERGE_BYTES } from '#shared/domain/limits.ts';

// Comparing lines costs as much as there are pairs of equal lines: a megabyte of empty lines would stop the process for minutes.
const MAX_LINE_PAIRS = 20_000_000;

/** Decodes bytes that are text: valid UTF-8 without NUL, at most 1 MiB. Null for everything else. */
export function decodeText(bytes: Uint8Array): string | null {
  if (bytes.length > MAX_MERGE_BYTES || bytes.includes(0)) return null;
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    // The decoder throws for bytes that are no UTF-8, and that is the answer.
    return null;
  }
}

/** Two edits of one text in one. `overlaps` counts the places that both changed, where the first one's lines stand. */
export interface JoinedText {
  text: string;
  overlaps: number;
}

/** Merges two edits of one text line by line (diff3). Null when they overlap, or when comparing would take too long. */
export function mergeText(base: string, database: string, pod: string): string | null {
  const joined = joinTexts(base, database, pod);
  return joined?.overlaps === 0 ? joined.text : null;
}

/** Joins two edits of one text line by line (diff3), for a person to look at. Null when comparing would take too long. */
export function joinTexts(base: string, first: string, second: string): JoinedText | null {
  const lines = { base: splitLines(base), first: splitLines(first), second: splitLines(second) };
  const prefix = commonPrefix(lines.base, lines.first, lines.second);
  const suffix = commonSuffix(lines.base, lines.first, lines.second, prefix);
  const middle = (all: string[]): string[] => all.slice(prefix, all.length - suffix);
  const [before, left, right] = [middle(lines.base), middle(lines.first), middle(lines.second)];
  if (linePairs(before, left) + linePairs(before, right) > MAX_LINE_PAIRS) return null;
  const joined: string[] = [];
  let overlaps = 0;
  for (const region of diff3Merge(left, before, right, { excludeFalseConflicts: true })) {
    if (region.conflict !== undefined) overlaps += 1;
    for (const line of region.conflict?.a ?? region.ok ?? []) joined.push(line);
  }
  const end = lines.base.slice(lines.base.length - suffix);
  return { text: [...lines.base.slice(0, prefix), ...joined, ...end].join(''), overlaps };
}

/** Lines with their ends, so that joining gives the text back byte for byte. */
function splitLines(text: string): string[] {
  return text === '' ? [] : text.split(/(?<=\n)/);
}

function commonPrefix(base: string[], first: string[], second: string[]): number {
  const limit = Math.min(base.length, first.length, second.length);
  let length = 0;
  while (length < limit && base[length] === first[length] && base[length] === second[length]) length += 1;
  return length;
}

// eslint-disable-next-line max-params -- the three texts and the part that is already taken.
function commonSuffix(base: string[], first: string[], second: string[], prefix: number): number {
  const limit = Math.min(base.length, first.length, second.length) - prefix;
  let length = 0;
  while (
    length < limit &&
    base[base.length - 1 - length] === first[first.length - 1 - length] &&
    base[base.length - 1 - length] === second[second.length - 1 - length]
  ) {
    length += 1;
  }
  return length;
}

function linePairs(left: string[], right: string[]): number {
  const counts = new Map<string, number>();
  for (const line of left) counts.set(line, (counts.get(line) ?? 0) + 1);
  let pairs = 0;
  for (const line of right) pairs += counts.get(line) ?? 0;
  return pairs;
}
