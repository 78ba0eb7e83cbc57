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

/** Merges two edits of one text line by line (diff3). Null when they overlap, or when comparing would take too long. */
export function mergeText(base: string, database: string, pod: string): string | null {
  const lines = { base: splitLines(base), database: splitLines(database), pod: splitLines(pod) };
  const prefix = commonPrefix(lines.base, lines.database, lines.pod);
  const suffix = commonSuffix(lines.base, lines.database, lines.pod, prefix);
  const middle = (all: string[]): string[] => all.slice(prefix, all.length - suffix);
  const [before, left, right] = [middle(lines.base), middle(lines.database), middle(lines.pod)];
  if (linePairs(before, left) + linePairs(before, right) > MAX_LINE_PAIRS) return null;
  const merged: string[] = [];
  for (const region of diff3Merge(left, before, right, { excludeFalseConflicts: true })) {
    if (region.conflict !== undefined) return null;
    for (const line of region.ok ?? []) merged.push(line);
  }
  return [...lines.base.slice(0, prefix), ...merged, ...lines.base.slice(lines.base.length - suffix)].join('');
}

/** Lines with their ends, so that joining gives the text back byte for byte. */
function splitLines(text: string): string[] {
  return text === '' ? [] : text.split(/(?<=\n)/);
}

function commonPrefix(base: string[], database: string[], pod: string[]): number {
  const limit = Math.min(base.length, database.length, pod.length);
  let length = 0;
  while (length < limit && base[length] === database[length] && base[length] === pod[length]) length += 1;
  return length;
}

// eslint-disable-next-line max-params -- the three texts and the part that is already taken.
function commonSuffix(base: string[], database: string[], pod: string[], prefix: number): number {
  const limit = Math.min(base.length, database.length, pod.length) - prefix;
  let length = 0;
  while (
    length < limit &&
    base[base.length - 1 - length] === database[database.length - 1 - length] &&
    base[base.length - 1 - length] === pod[pod.length - 1 - length]
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
