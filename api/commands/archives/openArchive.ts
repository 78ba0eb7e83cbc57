import type { ItemDeps } from '#api/commands/items/itemDeps.ts';
import type { ArchiveFormat } from '#shared/contracts/upload.ts';
import { AppError } from '#shared/domain/errors.ts';
import { EntryDamaged, type PackedEntry } from '#platform/archives/packedEntry.ts';
import { tarEntries } from '#platform/archives/tarEntries.ts';
import { zipEntries } from '#platform/archives/zipEntries.ts';
import { UploadReader } from '#platform/db/uploadBytes.ts';
import type { UploadRecord } from '#platform/db/repositories/uploads.ts';

/** Bytes of a tar for each entry beside its content: headers, long names, and what fills a block up. */
const TAR_ENTRY_BYTES = 8_192;
const TAR_MAGIC_AT = 257;

/** An archive whose entries can be gone through as often as needed. */
export interface OpenedArchive {
  entries(): AsyncGenerator<PackedEntry, void, undefined>;
}

/** Opens an uploaded archive; what it is is seen in its bytes when nobody says. Throws ARCHIVE_UNREADABLE. */
export async function openArchive(
  { database, config }: Pick<ItemDeps, 'database' | 'config'>,
  upload: UploadRecord,
  said: ArchiveFormat | undefined,
): Promise<OpenedArchive> {
  if (upload.size === 0) throw new AppError('ARCHIVE_UNREADABLE', { detail: 'The archive is empty: it has no bytes.' });
  const reader = new UploadReader(database, upload);
  const format = said ?? findFormat(await reader.read(0, 512));
  // Files at the limit, with as many folders around them: more is refused before it is looked at one by one.
  const maxEntries = config.MAX_SESSION_ITEMS;
  const maxBytes = config.MAX_SESSION_BYTES + maxEntries * TAR_ENTRY_BYTES;
  switch (format) {
    case 'zip':
      return { entries: () => zipEntries(reader, maxEntries) };
    case 'tar':
      return { entries: () => tarEntries(reader, { gzip: false, maxEntries, maxBytes }) };
    case 'tar.gz':
      return { entries: () => tarEntries(reader, { gzip: true, maxEntries, maxBytes }) };
    case null:
      throw new AppError('ARCHIVE_UNREADABLE', { detail: 'This is neither a zip nor a tar nor a tar.gz.' });
  }
}

/** True for an entry that is refused by name, while the rest of the archive can be read. */
export function isExpected(error: unknown): error is EntryDamaged {
  return error instanceof EntryDamaged;
}

/** The format by the first bytes. */
function findFormat(head: Buffer): ArchiveFormat | null {
  if (head.length >= 2 && head[0] === 0x1f && head[1] === 0x8b) return 'tar.gz';
  if (head.subarray(0, 2).toString('latin1') === 'PK') return 'zip';
  if (head.subarray(TAR_MAGIC_AT, TAR_MAGIC_AT + 5).toString('latin1') === 'ustar') return 'tar';
  return null;
}
