import type { ThreeTrees } from '#shared/domain/merge.ts';
import { guessFolders, matchContents, type Unpaired } from '#shared/domain/renameGuesses.ts';
import {
  ancestorPaths,
  byteLength,
  comparePaths,
  isBelow,
  MAX_PATH_BYTES,
  MAX_PATH_DEPTH,
  pathDepth,
} from '#shared/domain/paths.ts';
import { Renames } from '#shared/domain/renames.ts';

/** What is known of a cycle before anything is decided. */
export interface RenameInput extends ThreeTrees {
  /** True for a path whose absence from `pod` says nothing. */
  unknown(path: string): boolean;
  /** Where what is at a path of `pod` was before, as far as the volume can tell: a hint, and no more. */
  movedFrom: ReadonlyMap<string, string>;
}

/**
 * Which rows a program has renamed on the volume: what both sides had agreed on is certainly gone from its path, and
 * something of its kind is at a path that neither side knew. By the volume's hint, else by equal content where that leaves
 * no doubt. A folder takes along what is in it. A path that was there before and still is was edited, whatever moved to it.
 * Costs as much as there are paths, and beyond that as there are vanished and new ones.
 */
export function pairRenames(input: RenameInput): Renames {
  const unpaired = findUnpaired(input);
  const pairing = new Pairing(input);
  if (unpaired.vanished.length === 0 || unpaired.arrived.length === 0) return pairing.renames;
  const vanished = new Set(unpaired.vanished);
  const hints = unpaired.arrived.flatMap((to) => {
    const from = input.movedFrom.get(to);
    return from !== undefined && vanished.has(from) ? [{ from, to }] : [];
  });
  const isFolder = ({ to }: { to: string }): boolean => input.pod.get(to)?.type === 'folder';
  pairing.add(hints.filter(isFolder));
  pairing.add(guessFolders(input, pairing.remaining(unpaired), hints));
  pairing.add(hints.filter((hint) => !isFolder(hint)));
  pairing.add(matchContents(input, pairing.remaining(unpaired)));
  return pairing.renames;
}

function findUnpaired({ base, database, pod, unknown }: RenameInput): Unpaired {
  const uncertain = foldersOfUncertain({ base, database, pod, unknown });
  const vanished = [...base.keys()].filter((path) => {
    const row = database.get(path);
    if (row === undefined || pod.has(path) || unknown(path) || uncertain.has(path)) return false;
    return row.type === base.get(path)?.type;
  });
  const arrived = [...pod.keys()].filter((path) => !database.has(path) && !base.has(path));
  return { vanished: vanished.sort(comparePaths), arrived: arrived.sort(comparePaths) };
}

/** The folders above everything whose absence says nothing: they cannot be said to be elsewhere. */
function foldersOfUncertain({ base, database, pod, unknown }: Omit<RenameInput, 'movedFrom'>): Set<string> {
  const folders = new Set<string>();
  for (const tree of [base, database]) {
    for (const path of tree.keys()) {
      if (pod.has(path) || !unknown(path)) continue;
      for (const folder of ancestorPaths(path)) folders.add(folder);
    }
  }
  return folders;
}

class Pairing {
  readonly renames = new Renames();
  readonly #input: RenameInput;
  #longest: { bytes: number; depth: number } | null = null;

  constructor(input: RenameInput) {
    this.#input = input;
  }

  /** Takes those pairs that the ones before them leave possible. */
  add(pairs: ReadonlyArray<{ from: string; to: string }>): void {
    for (const pair of pairs) if (this.#isPossible(pair)) this.renames.add(pair);
  }

  /** What has not found its other half. */
  remaining({ vanished, arrived }: Unpaired): Unpaired {
    return {
      vanished: vanished.filter((path) => this.#isGone(path)),
      arrived: arrived.filter((to) => this.#isNew(to)),
    };
  }

  #isPossible({ from, to }: { from: string; to: string }): boolean {
    const { database, pod } = this.#input;
    if (!this.#isGone(from) || !this.#isNew(to) || database.get(from)?.type !== pod.get(to)?.type) return false;
    if (isBelow(to, this.renames.placeOf(from))) return false;
    return this.#fits(from, to) && ancestorPaths(to).every((folder) => this.#canHold(folder));
  }

  /** Gone also from where its folder has taken it. */
  #isGone(path: string): boolean {
    if (this.renames.has(path)) return false;
    const place = this.renames.placeOf(path);
    return !this.#input.pod.has(place) && !this.#input.unknown(place);
  }

  /** Neither side knew it, nor what its folder was before. */
  #isNew(path: string): boolean {
    const { database, base } = this.#input;
    const origin = this.renames.originOf(path);
    return !database.has(origin) && !base.has(origin);
  }

  #canHold(folder: string): boolean {
    const origin = this.renames.originOf(folder);
    const row = this.#input.database.get(origin);
    return row === undefined || (row.type === 'folder' && this.renames.placeOf(origin) === folder);
  }

  /** No path below a renamed folder may grow beyond what a path may be; the longest of all stands for those below it. */
  #fits(from: string, to: string): boolean {
    if (this.#input.pod.get(to)?.type !== 'folder') return true;
    this.#longest ??= measureLongest(this.#input);
    const bytes = this.#longest.bytes + byteLength(to) - byteLength(from);
    const depth = this.#longest.depth + pathDepth(to) - pathDepth(from);
    return bytes <= MAX_PATH_BYTES && depth <= MAX_PATH_DEPTH;
  }
}

function measureLongest({ base, database }: RenameInput): { bytes: number; depth: number } {
  const longest = { bytes: 0, depth: 0 };
  for (const tree of [base, database]) {
    for (const path of tree.keys()) {
      longest.bytes = Math.max(longest.bytes, byteLength(path));
      longest.depth = Math.max(longest.depth, pathDepth(path));
    }
  }
  return longest;
}
