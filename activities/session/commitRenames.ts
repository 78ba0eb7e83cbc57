import { pairMovedItems, type KnownEntry } from '#shared/domain/itemRenames.ts';
import type { TreeEntry } from '#shared/domain/merge.ts';
import { sameEntry } from '#shared/domain/mergeEntry.ts';
import { pairRenames } from '#shared/domain/mergeRenames.ts';
import { baseWithSent } from '#shared/domain/mergeSent.ts';
import type { Rename, Renames } from '#shared/domain/renames.ts';
import type { Database, Tx } from '#platform/db/database.ts';
import type { TreeRow } from '#platform/db/repositories/itemBatches.ts';
import { publishItems } from '#platform/db/repositories/itemEvents.ts';
import { renameRows } from '#platform/db/repositories/itemRenames.ts';
import { forgetLeft } from '#platform/db/repositories/sentChanges.ts';
import { moveBase } from '#platform/db/repositories/syncBase.ts';
import { movedBase } from '#activities/session/carryRenames.ts';
import { unknownPaths, type PodTree } from '#activities/session/podTree.ts';
import type { Cycle, SyncDeps } from '#activities/session/syncCycle.ts';

type SentByPath = ReadonlyMap<string, ReadonlyArray<TreeEntry | null>>;

/** What a cycle decides from, read under the session's row lock. */
interface Known {
  rows: ReadonlyMap<string, TreeRow>;
  base: ReadonlyMap<string, TreeEntry>;
  sent: SentByPath;
}

/**
 * Renames the rows that a program renamed on the volume, and moves their base and what is known of them along. What both
 * sides then hold is merged as ever: an edit made meanwhile under the old name lands at the new one. Resolves with all of
 * it as it is then, and the number of renames. Runs in the transaction of the commit.
 */
export async function commitRenames(
  { database }: Pick<SyncDeps, 'database'>,
  found: Known & { base: ReadonlyMap<string, KnownEntry>; cycle: Cycle; tree: PodTree },
  tx: Tx,
): Promise<Known & { renamed: number }> {
  const { cycle, tree, rows, sent } = found;
  const unknown = unknownPaths(tree);
  const base = await moveArrived(database, found, tx);
  const known = baseWithSent({ base, pod: tree.entries }, sent, unknown);
  const renames = pairRenames({ base: known, database: rows, pod: tree.entries, unknown, movedFrom: tree.movedFrom });
  if (renames.size === 0) return { rows, base, sent, renamed: 0 };
  const { sessionId } = cycle.ref;
  const volumeId = cycle.volume.id;
  const written = await renameRows(database, { sessionId, rows, renames }, tx);
  const moved = moveKnown({ base, known, sent, pod: tree.entries }, renames);
  await moveBase(database, { volumeId, put: moved.put, removed: moved.left }, tx);
  await forgetLeft(database, { volumeId, paths: [...sent.keys()].filter((path) => !moved.sent.has(path)) }, tx);
  const paths = [...renames.list().flatMap(({ from, to }) => [from, to]), ...written.made];
  await publishItems(database, { sessionId, paths, source: 'terminal' }, tx);
  return { rows: written.rows, base: moved.base, sent: moved.sent, renamed: renames.size };
}

/** Moves the base of what was renamed on the volume in the editor's name, though nobody lived to hear of it. */
async function moveArrived(
  database: Database,
  { cycle, tree, rows, base, sent }: Known & { base: ReadonlyMap<string, KnownEntry>; cycle: Cycle; tree: PodTree },
  tx: Tx,
): Promise<ReadonlyMap<string, TreeEntry>> {
  const unknown = unknownPaths(tree);
  const wasSent = ({ from, to }: Rename): boolean =>
    sent.get(to)?.some((entry) => entry !== null && sameEntry(entry, base.get(from) ?? null)) ?? false;
  const renames = pairMovedItems(base, rows, (rename) => {
    const { from, to } = rename;
    return !tree.entries.has(from) && !unknown(from) && tree.entries.has(to) && wasSent(rename);
  });
  if (renames.size > 0) await moveBase(database, { volumeId: cycle.volume.id, ...movedBase(base, renames) }, tx);
  return renames.apply(base);
}

interface MovedKnown {
  base: Map<string, TreeEntry>;
  sent: SentByPath;
  put: Array<Pick<TreeEntry, 'type' | 'sha256' | 'executable'> & { path: string }>;
  left: string[];
}

/**
 * The base at its new places. What had been sent to an old place is settled there and then: it has arrived if it was
 * renamed with the rest, and cannot arrive any more, since nothing of what it expects is there.
 */
function moveKnown(
  {
    base,
    known,
    sent,
    pod,
  }: Omit<Known, 'rows'> & { known: ReadonlyMap<string, TreeEntry>; pod: ReadonlyMap<string, TreeEntry> },
  renames: Renames,
): MovedKnown {
  const isLeft = (path: string): boolean => renames.placeOf(path) !== path;
  const arrived = new Map(
    [...known].filter(([path]) => isLeft(path)).map(([path, entry]) => [renames.placeOf(path), entry]),
  );
  for (const [path, entries] of sent) {
    const found = isLeft(path) ? pod.get(renames.placeOf(path)) : undefined;
    if (found !== undefined && entries.some((entry) => sameEntry(entry, found)))
      arrived.set(renames.placeOf(path), found);
  }
  const left = [...base.keys()].filter(isLeft);
  const stays = [...base].filter(([path]) => !isLeft(path));
  const put = [...arrived].map(([path, { type, sha256, executable }]) => ({ path, type, sha256, executable }));
  return {
    base: new Map([...stays, ...arrived]),
    sent: new Map([...sent].filter(([path]) => !isLeft(path))),
    put,
    left,
  };
}
