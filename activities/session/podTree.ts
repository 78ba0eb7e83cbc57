import { createHash } from 'node:crypto';
import { GIT_SAVED_REASON } from '#shared/domain/gitFolders.ts';
import { isIgnoredByDefault } from '#shared/domain/ignore.ts';
import type { SessionLimits } from '#shared/domain/limits.ts';
import type { Tree, TreeEntry } from '#shared/domain/merge.ts';
import { sameEntry } from '#shared/domain/mergeEntry.ts';
import { ancestorPaths, comparePaths, findPathProblem, parentPath } from '#shared/domain/paths.ts';
import type { Manifest, NotSavedEntry } from '#platform/agent/AgentClient.ts';

/** What the volume holds, judged: whatever the agent says is checked again. */
export interface PodTree {
  entries: Map<string, TreeEntry>;
  notSaved: NotSavedEntry[];
  /** Paths that are changing right now and are left for the next cycle. */
  changing: Set<string>;
  /** Where something new was before, as the agent tells: a hint. */
  movedFrom: Map<string, string>;
  /** False when an absence says nothing: a partial scan, or a volume that cannot show whose it is. */
  absenceCounts: boolean;
}

/** What a manifest is judged against. */
export interface Judgement {
  volumeId: number;
  limits: SessionLimits;
  /** The rows of the session; their paths are within the limits already. */
  database: Tree;
}

/** Checks a manifest and sorts it into what may be saved and what may not. */
export function judgeManifest(manifest: Manifest, judgement: Judgement): PodTree {
  const tree: PodTree = {
    entries: new Map(),
    notSaved: manifest.notSaved.filter((entry) => entry.path !== ''),
    changing: new Set(),
    movedFrom: new Map(),
    absenceCounts: manifest.complete && manifest.volumeId === judgement.volumeId,
  };
  const room = measureRoom(judgement);
  const vacated = tree.absenceCounts ? vacatedPaths(manifest, judgement) : new Set<string>();
  for (const entry of [...manifest.entries].sort((left, right) => comparePaths(left.path, right.path))) {
    const parent = parentPath(entry.path);
    if (parent !== null && tree.entries.get(parent)?.type !== 'folder') continue;
    const checked = checkEntry(entry);
    // Each path was left by one, so that nothing takes the room of another twice.
    const movedFrom = vacated.delete(entry.movedFrom ?? '') ? entry.movedFrom : undefined;
    const reason = findRefusal(checked, { path: entry.path, movedFrom }, { judgement, room });
    if (reason === null) tree.entries.set(entry.path, checked);
    else tree.notSaved.push({ path: entry.path, reason });
    if (reason === null && movedFrom !== undefined) tree.movedFrom.set(entry.path, movedFrom);
  }
  tree.notSaved.sort((left, right) => comparePaths(left.path, right.path));
  return tree;
}

/** The paths with a row that the volume has no longer, as far as its agent says. */
function vacatedPaths(manifest: Manifest, { database }: Judgement): Set<string> {
  const vacated = new Set(database.keys());
  for (const { path } of manifest.entries) vacated.delete(path);
  return vacated;
}

interface Room {
  items: number;
  bytes: number;
}

function measureRoom({ database, limits }: Judgement): Room {
  let bytes = limits.maxSessionBytes;
  for (const entry of database.values()) bytes -= entry.size;
  return { items: limits.maxSessionItems - database.size, bytes };
}

function checkEntry(entry: TreeEntry): TreeEntry {
  if (entry.type === 'folder') return { type: 'folder', sha256: null, executable: false, size: 0 };
  return {
    type: entry.type,
    sha256: entry.sha256,
    executable: entry.type === 'file' && entry.executable,
    size: entry.size,
  };
}

function findRefusal(
  entry: TreeEntry,
  { path, movedFrom }: { path: string; movedFrom: string | undefined },
  { judgement, room }: { judgement: Judgement; room: Room },
): string | null {
  if (findPathProblem(path) !== null) return 'bad-name';
  // A new file comes without a digest: it is known once its bytes are read.
  const isUnread = entry.type === 'file' && entry.sha256 === null;
  if (entry.type !== 'folder' && !isUnread && !/^[0-9a-f]{64}$/.test(entry.sha256 ?? '')) return 'bad-name';
  // What was renamed takes the room that it had.
  const row = judgement.database.get(path) ?? judgement.database.get(movedFrom ?? path) ?? null;
  if (sameEntry(row, entry)) return null;
  if (entry.size > judgement.limits.maxFileBytes) return 'too-large';
  const growth = entry.size - (row?.size ?? 0);
  if (row === null && room.items < 1) return 'too-many';
  if (growth > 0 && growth > room.bytes) return 'session-full';
  if (row === null) room.items -= 1;
  room.bytes -= growth;
  return null;
}

/** Tells whether a path that is not in the tree may nevertheless be on the volume. */
export function unknownPaths(tree: PodTree): (path: string) => boolean {
  const notSaved = new Set(tree.notSaved.map((entry) => entry.path));
  return (path) =>
    !tree.absenceCounts ||
    tree.changing.has(path) ||
    notSaved.has(path) ||
    ancestorPaths(path).some((folder) => notSaved.has(folder));
}

/** What people are told is not saved: all but the `.git` folders that are, packed. */
export function toldNotSaved({ notSaved }: Pick<PodTree, 'notSaved'>): NotSavedEntry[] {
  return notSaved.filter(({ reason }) => reason !== GIT_SAVED_REASON);
}

/** How many not-saved entries somebody may miss: all but those that are ignored by default, and what is saved otherwise. */
export function countMissed(notSaved: readonly NotSavedEntry[]): number {
  const missed = toldNotSaved({ notSaved: [...notSaved] });
  return missed.filter(({ path, reason }) => reason !== 'special' && !isIgnoredByDefault(path)).length;
}

/** A digest of all that was found, to tell whether two scans agree. */
export function digestTree(tree: PodTree): string {
  const hash = createHash('sha256');
  for (const path of [...tree.entries.keys()].sort(comparePaths)) {
    const entry = tree.entries.get(path);
    hash.update(`${JSON.stringify(path)} ${entry?.type} ${entry?.sha256} ${entry?.executable}\n`);
  }
  return hash.digest('hex');
}
