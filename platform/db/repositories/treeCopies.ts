import { AppError } from '#shared/domain/errors.ts';
import type { ContentEncoding } from '#platform/db/content.ts';
import type { Database, Tx } from '#platform/db/database.ts';
import { writeTree, type FileWrite } from '#platform/db/repositories/itemBatches.ts';

/** A file or folder to be written again elsewhere; a file's bytes are in `blobs`. */
export interface CopiedItem {
  path: string;
  type: 'file' | 'folder';
  encoding: ContentEncoding;
  executable: boolean;
  sha256: string | null;
  size: number;
}

/** The files among the items, as writes. */
export function fileWrites(items: readonly CopiedItem[], source: FileWrite['source']): FileWrite[] {
  return items.flatMap(({ path, type, encoding, executable, sha256, size }) =>
    type === 'folder' || sha256 === null ? [] : [{ path, sha256, encoding, executable, size, source }],
  );
}

/** Fills a new session, that has nothing yet, with the items, as what it began with. */
export async function fillTree(
  database: Database,
  filled: { sessionId: number; userId: number; items: readonly CopiedItem[]; maxItems: number; maxBytes: number },
  tx: Tx,
): Promise<void> {
  const { sessionId, userId, items, maxItems, maxBytes } = filled;
  const bytes = items.reduce((sum, { size }) => sum + size, 0);
  // What was within the limits when it was made may be beyond them now.
  if (items.length > maxItems || bytes > maxBytes) {
    throw new AppError('SESSION_TOO_LARGE', {
      detail: `It has ${items.length} files and folders with ${bytes} bytes; a session may have ${maxItems} with ${maxBytes}.`,
      data: { limit: maxBytes, bytes },
    });
  }
  const folders = items.filter(({ type }) => type === 'folder').map(({ path }) => path);
  const files = fileWrites(items, 'starter');
  await writeTree(database, { sessionId, userId, rows: new Map(), removed: [], folders, files }, tx);
}
