import { handOffCommitted, type WrittenFile } from '#api/commands/items/handOffChange.ts';
import type { ItemDeps } from '#api/commands/items/itemDeps.ts';
import type { CommittedArrivals } from '#api/commands/uploads/commitArrivals.ts';
import { isReachablePhase } from '#shared/domain/session.ts';
import { MAX_BATCH_BYTES, MAX_BATCH_FILES } from '#shared/domain/uploads.ts';
import { readBlobs } from '#platform/db/repositories/blobs.ts';
import type { FileWrite } from '#platform/db/repositories/itemBatches.ts';
import type { SessionRecord } from '#platform/db/repositories/sessions.ts';

/**
 * Hands what came at once to the agent of an open session, as a save is handed. More than a batch may hold is not kept in
 * memory for it: the files after that reach the volume with its next reconcile, a second later.
 */
export async function handOffArrivals(
  deps: ItemDeps,
  session: SessionRecord,
  { folders, files }: Pick<CommittedArrivals, 'folders' | 'files'>,
): Promise<void> {
  if (!isReachablePhase(session.phase) || folders.length + files.length === 0) return;
  const handed = firstFiles(files);
  const stored = await readBlobs(deps.database, [...new Set(handed.map((file) => file.sha256))]);
  const written = handed.flatMap(({ path, executable, ...content }): WrittenFile[] => {
    const bytes = stored.get(content.sha256);
    return bytes === undefined ? [] : [{ path, executable, content: { ...content, bytes } }];
  });
  await handOffCommitted(deps, session, {
    kind: 'arrivals',
    folders: folders.slice(0, MAX_BATCH_FILES),
    files: written,
  });
}

function firstFiles(files: readonly FileWrite[]): FileWrite[] {
  let room = MAX_BATCH_BYTES;
  return files.slice(0, MAX_BATCH_FILES).filter(({ size }) => {
    room -= size;
    return room >= 0;
  });
}
