/** A side that differs from the other must be quiet for so long, in milliseconds, before a sync is asked for. */
export const QUIET_MS = 300;
/** Syncs are asked for at most this often, and a writer that never pauses waits no longer than this. */
export const SYNC_EVERY_MS = 1_000;

/** Which side has news. The database's are checked against the base before a sync is asked for; a volume's are hints. */
export type DirtySide = 'database' | 'volume';

/** Decides when dirt leads to a sync. Times are given, so a test needs no clock. */
export class SyncPacer {
  private sides = new Set<DirtySide>();
  private firstAt = 0;
  private lastAt = 0;
  private askedAt = Number.NEGATIVE_INFINITY;

  /** Notes that a side may have changed. */
  mark(side: DirtySide, now: number): void {
    if (this.sides.size === 0) this.firstAt = now;
    this.sides.add(side);
    this.lastAt = now;
  }

  /** When the next sync is due; null when nothing is dirty. */
  get dueAt(): number | null {
    if (this.sides.size === 0) return null;
    const quiet = Math.min(this.lastAt + QUIET_MS, this.firstAt + SYNC_EVERY_MS);
    return Math.max(quiet, this.askedAt + SYNC_EVERY_MS);
  }

  /** Takes the dirt that is due; empty when none is. What is marked from now on is new. */
  take(now: number): ReadonlySet<DirtySide> {
    const due = this.dueAt;
    if (due === null || due > now) return new Set();
    const taken = this.sides;
    this.sides = new Set();
    return taken;
  }

  /** A sync was asked for: the next one waits its turn. */
  asked(now: number): void {
    this.askedAt = now;
  }
}
