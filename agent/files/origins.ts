import type { BigIntStats } from 'node:fs';
import type { Candidate } from '#agent/files/walk.ts';

/** Remembers which file is which from scan to scan, to tell of one that has no row at its path where it had one before. */
export class Origins {
  /** Where each was at the last scan. */
  #last = new Map<string, string>();
  /** Where the agent put those that it wrote since then. */
  #written = new Map<string, string>();
  /** Where those had a row that had none at the last scan: told again until the caller has rows where they are now. */
  #told = new Map<string, string>();

  /** Tells of a file that the agent itself wrote: its old one is gone. `stat` may be from before it got its name. */
  wrote(path: string, stat: BigIntStats): void {
    this.#written.set(identityOf(stat, 'file'), path);
  }

  /**
   * The paths with a row from which files and folders without one have come, by where they are now. `keep` are the paths
   * with a row. A path that something else has taken is nobody's origin.
   */
  trace(candidates: readonly Candidate[], keep: ReadonlySet<string>): Map<string, string> {
    const present = new Set(candidates.map(({ path }) => path));
    // What was written while the walk went on may be missing among the candidates.
    const [last, told] = [new Map(this.#written), new Map<string, string>()];
    const origins = new Map<string, string>();
    for (const { path, type, stat } of candidates) {
      const identity = identityOf(stat, type);
      last.set(identity, path);
      if (keep.has(path)) continue;
      const before = [this.#written.get(identity), this.#last.get(identity), this.#told.get(identity)];
      const origin = before.find((known) => known !== undefined && keep.has(known) && !present.has(known));
      if (origin === undefined) continue;
      origins.set(path, origin);
      told.set(identity, origin);
    }
    this.#written.clear();
    this.#last = last;
    this.#told = told;
    return origins;
  }
}

/** A number of an inode is given again; the moment of its making is not. Where that is not kept, its bytes must look the same. */
function identityOf({ dev, ino, birthtimeNs, size, mtimeNs }: BigIntStats, type: Candidate['type']): string {
  if (birthtimeNs > 0n) return `${ino}:${birthtimeNs}`;
  return type === 'folder' ? `${dev}:${ino}` : `${dev}:${ino}:${size}:${mtimeNs}`;
}
