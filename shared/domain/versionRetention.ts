/** A version as the rules of keeping see it. */
export interface KeptVersion {
  id: number;
  path: string;
  sha256: string;
  /** Bytes of the content; versions with one digest share them. */
  size: number;
  /** Milliseconds since the epoch. */
  createdAt: number;
  /** A terminal made it: only these are ever removed. */
  isFromTerminal: boolean;
  /** Its content is that of a file now, or a snapshot or a merge needs it. */
  isNeeded: boolean;
}

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/**
 * Of what was made at that moment one version stands for a span of so many milliseconds: a minute, after a day an hour,
 * after 30 days a day. A span is thinned as a whole and lies in one longer span: so thinning now and again later leaves
 * what thinning later alone leaves. Null while its minute lasts.
 */
function spanOf(createdAt: number, now: number): number | null {
  const isOver = (span: number, age: number): boolean => startOf(createdAt, span) + span + age <= now;
  if (isOver(DAY, 30 * DAY)) return DAY;
  if (isOver(HOUR, DAY)) return HOUR;
  return isOver(MINUTE, 0) ? MINUTE : null;
}

function startOf(moment: number, span: number): number {
  return moment - (moment % span);
}

/**
 * Ids of the versions of one session that are not worth keeping at `now` (milliseconds): of what terminals made at a path
 * in one span all but the newest, and but what is needed.
 */
export function thinVersions(versions: readonly KeptVersion[], now: number): number[] {
  const spans = new Map<string, KeptVersion[]>();
  for (const version of versions) {
    const span = version.isFromTerminal ? spanOf(version.createdAt, now) : null;
    if (span === null) continue;
    const key = `${span} ${startOf(version.createdAt, span)} ${version.path}`;
    const together = spans.get(key);
    if (together === undefined) spans.set(key, [version]);
    else together.push(version);
  }
  return [...spans.values()].flatMap((together) => {
    const newest = together.reduce((left, right) => (isNewer(right, left) ? right : left));
    return together.filter((version) => version !== newest && !version.isNeeded).map(({ id }) => id);
  });
}

/**
 * Ids of the versions to remove so that the session's versions take at most `cap` bytes: those of terminals, the oldest
 * first, never one that is needed. Where that is not enough the rest stays.
 */
export function capVersions(versions: readonly KeptVersion[], cap: number): number[] {
  const holders = new Map<string, number>();
  for (const { sha256 } of versions) holders.set(sha256, (holders.get(sha256) ?? 0) + 1);
  const sizes = new Map(versions.map(({ sha256, size }) => [sha256, size]));
  let bytes = [...sizes.values()].reduce((sum, size) => sum + size, 0);
  const removed: number[] = [];
  const oldestFirst = versions.filter((version) => version.isFromTerminal && !version.isNeeded);
  oldestFirst.sort((left, right) => (isNewer(left, right) ? 1 : -1));
  for (const { id, sha256, size } of oldestFirst) {
    if (bytes <= cap) break;
    removed.push(id);
    const left = holders.get(sha256)! - 1;
    holders.set(sha256, left);
    if (left === 0) bytes -= size;
  }
  return removed;
}

function isNewer(one: KeptVersion, other: KeptVersion): boolean {
  return one.createdAt === other.createdAt ? one.id > other.id : one.createdAt > other.createdAt;
}
