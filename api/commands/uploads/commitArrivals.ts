import type { ItemDeps } from '#api/commands/items/itemDeps.ts';
import { planArrivals, type Arrival, type Placement } from '#shared/domain/arrivals.ts';
import { sessionLimits } from '#shared/domain/limits.ts';
import type { ContentEncoding } from '#platform/db/content.ts';
import type { Tx } from '#platform/db/database.ts';
import { readTree, writeTree, type FileWrite } from '#platform/db/repositories/itemBatches.ts';
import { publishItems } from '#platform/db/repositories/itemEvents.ts';
import type { SessionRecord } from '#platform/db/repositories/sessions.ts';

/** An arrival whose bytes are stored as a blob; a folder has none. */
export type StoredArrival = Arrival & { encoding: ContentEncoding };

/** What came of arrivals: a placement for each, and the folders that were made, those on the way to a file included. */
export interface CommittedArrivals {
  placements: Placement[];
  folders: string[];
  /** The files that were written. */
  files: FileWrite[];
}

/**
 * Puts arrivals into the tree, each as a version of the source `upload`, and tells about them. The caller holds the
 * session's row. `accept` looks at the placements first: what it throws leaves the tree as it is.
 */
export async function commitArrivals(
  { database, config }: Pick<ItemDeps, 'database' | 'config'>,
  batch: {
    session: SessionRecord;
    userId: number;
    arrivals: readonly StoredArrival[];
    accept?: (placements: Placement[]) => void;
  },
  tx: Tx,
): Promise<CommittedArrivals> {
  const { session, userId, arrivals } = batch;
  const rows = await readTree(database, session.id, tx);
  const { placements, folders, files } = planArrivals(rows, arrivals, sessionLimits(config));
  batch.accept?.(placements);
  if (folders.length + files.length === 0) return { placements, folders: [], files: [] };
  const writes = files.map(({ index, path, executable }): FileWrite => {
    const { sha256, encoding, size } = arrivals[index]!;
    if (sha256 === null) throw new Error(`${path} has no bytes.`);
    return { path, sha256, encoding, executable, size, source: 'upload' };
  });
  await writeTree(database, { sessionId: session.id, userId, rows, removed: [], folders, files: writes }, tx);
  const paths = [...folders, ...files.map((file) => file.path)];
  await publishItems(database, { sessionId: session.id, paths, source: 'upload' }, tx);
  return { placements, folders, files: writes };
}
