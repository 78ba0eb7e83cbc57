import { comparePaths } from '#shared/domain/paths.ts';

/** An item that goes on under another path. */
export interface Rename {
  from: string;
  to: string;
}

/**
 * Renames of one cycle, and where they lead: what is in a folder that was renamed follows it, unless it has a rename of
 * its own. `from` is the path before all of them, `to` the path after all of them.
 */
export class Renames {
  readonly #places = new Map<string, string>();
  readonly #origins = new Map<string, string>();

  /** How many there are. */
  get size(): number {
    return this.#places.size;
  }

  /** True when this very path is renamed; false for what only follows its folder. */
  has(from: string): boolean {
    return this.#places.has(from);
  }

  /** Adds one; the caller has checked that nothing else leads to `to`. */
  add({ from, to }: Rename): void {
    this.#places.set(from, to);
    this.#origins.set(to, from);
  }

  /** All of them, a folder's before those that lead into it. */
  list(): Rename[] {
    return [...this.#places].map(([from, to]) => ({ from, to })).sort((left, right) => comparePaths(left.to, right.to));
  }

  /** Where what was at a path is now. */
  placeOf(path: string): string {
    return follow(path, this.#places);
  }

  /** From where what is at a path now would have come, had nothing left its folder. */
  originOf(path: string): string {
    return follow(path, this.#origins);
  }

  /** The entries at the places where they are now; the same map when nothing was renamed. */
  apply<Entry>(tree: ReadonlyMap<string, Entry>): ReadonlyMap<string, Entry> {
    if (this.size === 0) return tree;
    return new Map([...tree].map(([path, entry]) => [this.placeOf(path), entry]));
  }
}

/** Replaces the longest beginning of a path that the map names. */
function follow(path: string, map: ReadonlyMap<string, string>): string {
  if (map.size === 0) return path;
  for (let end = path.length; end > 0; end = path.lastIndexOf('/', end - 1)) {
    const head = map.get(path.slice(0, end));
    if (head !== undefined) return head + path.slice(end);
  }
  return path;
}
