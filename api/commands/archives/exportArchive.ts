import type { Readable } from 'node:stream';
import { requireItem } from '#api/commands/items/itemChecks.ts';
import type { ApiDeps } from '#api/deps.ts';
import { archiveNames } from '#shared/domain/archiveNames.ts';
import { AppError } from '#shared/domain/errors.ts';
import { lastName, parentPath } from '#shared/domain/paths.ts';
import { writeZip, type ZipMember } from '#platform/archives/writeZip.ts';
import type { Database } from '#platform/db/database.ts';
import { readBlobs } from '#platform/db/repositories/blobs.ts';
import { listItems, listSubtree, type ItemRecord } from '#platform/db/repositories/items.ts';
import type { SessionRecord } from '#platform/db/repositories/sessions.ts';

type Deps = Pick<ApiDeps, 'database'>;

/** So many bytes of files are read from the database at once, or one file that is larger. */
const BATCH_BYTES = 1_048_576;
const BATCH_FILES = 200;

/** A zip that is being written, and the name that it is saved under. */
export interface ExportedArchive {
  name: string;
  stream: Readable;
}

type Member = ZipMember & { sha256: string };

/**
 * The zip of a folder, or of the whole session. What is in it is listed by one statement, and its bytes are found by their
 * digests: it holds the tree of one moment, whatever is saved while it is read. Throws NOT_FOUND; INVALID_PATH for a file.
 */
export async function exportArchive(
  { database }: Deps,
  { session, folderId }: { session: SessionRecord; folderId: number | null },
): Promise<ExportedArchive> {
  const folder = folderId === null ? null : await requireFolder(database, { session, folderId });
  const items = await (folder === null
    ? listItems(database, session.id)
    : listSubtree(database, { sessionId: session.id, id: folder.id }));
  const members = describeMembers(items, folder === null ? null : parentPath(folder.path));
  const name = `${folder === null ? session.name : lastName(folder.path)}.zip`;
  const files = members.filter((member) => member.type !== 'folder');
  return { name, stream: writeZip(members, createBlobReader(database, files)) };
}

async function requireFolder(
  database: Database,
  { session, folderId }: { session: SessionRecord; folderId: number },
): Promise<ItemRecord> {
  const item = await requireItem(database, { sessionId: session.id, id: folderId });
  if (item.type === 'folder') return item;
  throw new AppError('INVALID_PATH', { detail: `${item.path} is a file: download it as it is.` });
}

/** Paths in a folder's zip begin with the folder's own name. */
function describeMembers(items: ItemRecord[], above: string | null): Member[] {
  const relative = (path: string): string => (above === null ? path : path.slice(above.length + 1));
  const names = archiveNames(items.map((item) => relative(item.path)));
  return items.map((item) => ({
    name: names.get(relative(item.path))!,
    type: item.encoding === 'symlink' ? 'symlink' : item.type,
    executable: item.executable,
    modifiedAt: item.updatedAt,
    size: item.size,
    sha256: item.sha256 ?? '',
  }));
}

/** Reads the bytes of one file after the other, a batch at a time. */
function createBlobReader(database: Database, files: Member[]): (member: Member) => Promise<Buffer> {
  const waiting = files[Symbol.iterator]();
  let next = waiting.next();
  let held = new Map<string, Buffer>();

  async function readBatch(): Promise<void> {
    const digests: string[] = [];
    for (let bytes = 0; next.done !== true && digests.length < BATCH_FILES; next = waiting.next()) {
      bytes += next.value.size;
      if (bytes > BATCH_BYTES && digests.length > 0) break;
      digests.push(next.value.sha256);
    }
    held = await readBlobs(database, digests);
  }

  return async ({ sha256, name }) => {
    // A copy of what was held before leaves its own batch unread, so the next one may not be far enough.
    while (!held.has(sha256) && next.done !== true) await readBatch();
    const bytes = held.get(sha256);
    if (bytes === undefined) throw new Error(`The bytes of ${name} are not stored.`);
    return bytes;
  };
}
