import {
  contestedPaths,
  planMerge,
  type MergedContent,
  type MergePlan,
  type Tree,
  type TreeEntry,
} from '#shared/domain/merge.ts';
import { sameEntry } from '#shared/domain/mergeEntry.ts';
import { baseWithSent } from '#shared/domain/mergeSent.ts';
import { decodeText, mergeText } from '#shared/domain/mergeText.ts';
import { describeFile } from '#platform/db/content.ts';
import type { Database, Tx } from '#platform/db/database.ts';
import { readBlobs, storeBlobs } from '#platform/db/repositories/blobs.ts';
import { notifyConflicts } from '#platform/db/repositories/conflictNotices.ts';
import { recordVersion, type VersionedItem } from '#platform/db/repositories/fileVersions.ts';
import { readTree, writeTree, type FileWrite, type TreeRow } from '#platform/db/repositories/itemBatches.ts';
import { publishConflict, publishItems, publishNotSaved } from '#platform/db/repositories/itemEvents.ts';
import {
  forgetSettled,
  readSent,
  readTraces,
  recordSent,
  type SentChange,
} from '#platform/db/repositories/sentChanges.ts';
import { moveBase, readBase, type BaseEntry } from '#platform/db/repositories/syncBase.ts';
import { commitRenames } from '#activities/session/commitRenames.ts';
import { contentKey, type ReadEncodings } from '#activities/session/podReads.ts';
import { toldNotSaved, unknownPaths, type PodTree } from '#activities/session/podTree.ts';
import type { Cycle, SyncDeps } from '#activities/session/syncCycle.ts';

/** What was found on the volume, with the encodings of what was read from it. */
export interface Findings {
  tree: PodTree;
  encodings: ReadEncodings;
  /** What told of hand-offs before the scan. */
  traces: ReadonlyMap<string, string>;
}

/** What a commit decided, and the numbers under which it recorded what is now sent to the volume. */
export interface CommittedMerge {
  plan: MergePlan;
  /** How many items got the name or folder that a program gave them. */
  renamed: number;
  sentIds: number[];
}

/**
 * Decides from the rows as they are now, and writes the database's side: renames first, then rows, versions, the base of
 * what both sides hold already, events. Runs in the transaction that commitFenced gives, under the session's row lock.
 */
export async function commitMerge(
  deps: SyncDeps,
  { cycle, findings }: { cycle: Cycle; findings: Findings },
  tx: Tx,
): Promise<CommittedMerge> {
  const { database } = deps;
  const found = {
    rows: await readTree(database, cycle.ref.sessionId, tx),
    base: await readBase(database, cycle.volume.id, tx),
    sent: await readSent(database, cycle.volume.id, tx),
  };
  const traces = { before: findings.traces, now: await readTraces(database, cycle.volume.id, tx) };
  leaveMovingPaths(findings.tree, traces, found.base);
  awaitMoved(findings.tree);
  const unknown = unknownPaths(findings.tree);
  const { rows, base, sent, renamed } = await commitRenames(deps, { cycle, tree: findings.tree, ...found }, tx);
  const pod = findings.tree.entries;
  const trees = { base: baseWithSent({ base, pod }, sent, unknown), database: rows, pod };
  const merged = await mergeContested(deps, trees, tx);
  const plan = planMerge({
    ...trees,
    unknown,
    notSaved: findings.tree.notSaved.map((entry) => entry.path),
    merged,
    at: new Date(),
  });
  const { sessionId } = cycle.ref;
  const encodingOf = createEncodingLookup(findings.encodings, cycle.rows, rows);
  const files = plan.databaseChanges.put.flatMap(({ path, entry }): FileWrite[] => {
    if (entry.type === 'folder' || entry.sha256 === null) return [];
    const isMerged = merged.get(path)?.sha256 === entry.sha256;
    const encoding = isMerged ? 'utf8' : encodingOf(entry);
    return [
      {
        path,
        sha256: entry.sha256,
        encoding,
        executable: entry.executable,
        size: entry.size,
        source: isMerged ? 'merge' : 'terminal',
      },
    ];
  });
  const folders = plan.databaseChanges.put.flatMap(({ path, entry }) => (entry.type === 'folder' ? [path] : []));
  // What the program wrote stays a version of its own beside what was made of it.
  await recordMergedEdits(database, mergedEdits(cycle, { merged, rows, pod: findings.tree.entries }), tx);
  await writeTree(database, { sessionId, rows, removed: plan.databaseChanges.removed, folders, files }, tx);
  await moveBase(database, { volumeId: cycle.volume.id, ...settledBase(plan, { base, tree: findings.tree }) }, tx);
  const isSettled = (path: string): boolean => sameEntry(plan.target.get(path) ?? null, pod.get(path) ?? null);
  await forgetSettled(database, { volumeId: cycle.volume.id, paths: [...sent.keys()].filter(isSettled) }, tx);
  const sentIds = await recordSent(database, { volumeId: cycle.volume.id, changes: sentChanges(plan) }, tx);
  await publishOutcome(deps, { cycle, findings, plan }, tx);
  return { plan, renamed, sentIds };
}

function sentChanges({ podChanges }: MergePlan): SentChange[] {
  return [...podChanges.removed.map((path) => ({ path, entry: null })), ...podChanges.put];
}

/**
 * A trace that differs from the one before the scan tells of a hand-off: what the scan saw at that path may be older than the
 * base, and taking it for an edit would undo the save. The values alone would not tell: what was removed and made again is
 * what it was. The next cycle looks again.
 */
function leaveMovingPaths(
  tree: PodTree,
  traces: Record<'before' | 'now', ReadonlyMap<string, string>>,
  now: Tree,
): void {
  for (const path of new Set([...traces.before.keys(), ...traces.now.keys()])) {
    const moved = traces.before.get(path) !== traces.now.get(path);
    if (!moved || sameEntry(tree.entries.get(path) ?? null, now.get(path) ?? null)) continue;
    tree.entries.delete(path);
    tree.changing.add(path);
  }
}

/** Where one half of what may be a rename is left to the next cycle the other one is, too: it pairs them. */
function awaitMoved(tree: PodTree): void {
  for (const [path, movedFrom] of tree.movedFrom) {
    if (tree.changing.has(path)) tree.changing.add(movedFrom);
    else if (tree.changing.has(movedFrom) && tree.entries.get(path)?.type !== 'folder') {
      tree.entries.delete(path);
      tree.changing.add(path);
    }
  }
}

async function mergeContested(
  { database }: SyncDeps,
  trees: { base: Tree; database: Tree; pod: Tree },
  tx: Tx,
): Promise<Map<string, MergedContent>> {
  const merged = new Map<string, MergedContent>();
  for (const path of contestedPaths(trees)) {
    const digests = [trees.base, trees.database, trees.pod].map((tree) => tree.get(path)?.sha256 ?? '');
    const blobs = await readBlobs(database, digests, tx);
    const texts = digests.map((digest) => decodeText(blobs.get(digest) ?? Buffer.from([0])));
    const [baseText, databaseText, podText] = texts;
    if (baseText == null || databaseText == null || podText == null) continue;
    const text = mergeText(baseText, databaseText, podText);
    if (text === null) continue;
    const content = describeFile(Buffer.from(text, 'utf8'));
    await storeBlobs(database, [content], tx);
    merged.set(path, { sha256: content.sha256, size: content.size });
  }
  return merged;
}

function mergedEdits(
  { ref }: Cycle,
  sides: { merged: ReadonlyMap<string, MergedContent>; rows: ReadonlyMap<string, TreeRow>; pod: Tree },
): VersionedItem[] {
  return [...sides.merged.keys()].flatMap((path) => {
    const row = sides.rows.get(path);
    const pod = sides.pod.get(path);
    if (row === undefined || pod === undefined) return [];
    const { sha256, size, executable } = pod;
    return [
      { id: row.id, sessionId: ref.sessionId, path, version: row.version, sha256, size, executable, encoding: 'utf8' },
    ];
  });
}

async function recordMergedEdits(database: Database, edits: VersionedItem[], tx: Tx): Promise<void> {
  const author = { userId: null, source: 'terminal' as const };
  for (const item of edits) await recordVersion(database, { item, author }, tx);
}

function createEncodingLookup(
  read: ReadEncodings,
  ...trees: Array<ReadonlyMap<string, TreeRow>>
): (entry: TreeEntry) => TreeRow['encoding'] {
  const known = new Map(read);
  for (const tree of trees) {
    for (const row of tree.values()) known.set(contentKey(row.type, row.sha256), row.encoding);
  }
  return (entry) => {
    const encoding = known.get(contentKey(entry.type, entry.sha256));
    if (encoding === undefined) throw new Error(`Nobody read the bytes with digest ${entry.sha256}.`);
    return encoding;
  };
}

/** The base of the paths at which both sides hold the same once the transaction has committed. */
function settledBase(
  plan: MergePlan,
  { base, tree }: { base: Tree; tree: PodTree },
): { put: BaseEntry[]; removed: string[] } {
  const put: BaseEntry[] = [];
  for (const [path, entry] of tree.entries) {
    const target = plan.target.get(path) ?? null;
    if (target === null || !sameEntry(target, entry) || sameEntry(base.get(path) ?? null, entry)) continue;
    put.push({ path, type: entry.type, sha256: entry.sha256, executable: entry.executable });
  }
  const isGone = (path: string): boolean => !plan.target.has(path) && !tree.entries.has(path);
  const notSaved = new Set(tree.notSaved.map((entry) => entry.path));
  // A path that is on the volume unsaved has no ancestor once its row is gone; one that is merely unknown keeps it.
  const removed = [...base.keys()].filter(
    (path) => isGone(path) && (!plan.unknownPaths.has(path) || notSaved.has(path)),
  );
  return { put, removed };
}

async function publishOutcome(
  { database }: SyncDeps,
  { cycle, findings, plan }: { cycle: Cycle; findings: Findings; plan: MergePlan },
  tx: Tx,
): Promise<void> {
  const { sessionId } = cycle.ref;
  const changes = plan.databaseChanges;
  const paths = [...new Set([...changes.put.map(({ path }) => path), ...changes.removed])];
  if (paths.length > 0) await publishItems(database, { sessionId, paths, source: 'terminal' }, tx);
  for (const { path, copy } of plan.conflicts) await publishConflict(database, { sessionId, path, copy }, tx);
  await notifyConflicts(database, { sessionId, syncEpoch: cycle.syncEpoch, conflicts: plan.conflicts }, tx);
  await publishNotSaved(database, { sessionId, entries: toldNotSaved(findings.tree) }, tx);
}
