import { z } from 'zod';
import { Item, ItemId } from '#shared/contracts/item.ts';
import { Timestamp } from '#shared/contracts/user.ts';

const Path = z.string().min(1).max(4_000);
const Sha256 = z.string().regex(/^[0-9a-f]{64}$/, 'expected 64 hexadecimal digits');

/** What happens when the path is taken: 409, a new version over the one in If-Match, or a numbered name beside it. */
export const UploadConflict = z.enum(['fail', 'replace', 'keep-both']);
export type UploadConflict = z.infer<typeof UploadConflict>;

/** Body of a new upload. `path` is relative to the session's root; of an archive it is only a name to show. */
export const CreateUpload = z.strictObject({
  path: Path,
  size: z.int().min(0),
  sha256: Sha256.optional(),
  executable: z.boolean().optional(),
  purpose: z.enum(['file', 'archive']).default('file'),
  conflict: UploadConflict.default('fail'),
});
export type CreateUpload = z.infer<typeof CreateUpload>;

/** An upload. `offset` is where the next part begins; `itemId` is what it became, null before. */
export const Upload = z.object({
  id: z.uuid(),
  purpose: z.enum(['file', 'archive']),
  path: z.string(),
  size: z.int(),
  offset: z.int(),
  conflict: UploadConflict,
  itemId: z.int().nullable(),
  completedAt: Timestamp.nullable(),
  createdAt: Timestamp,
});
export type Upload = z.infer<typeof Upload>;

/** The uploads that are not completed. */
export const UploadList = z.object({ items: z.array(Upload) });
export type UploadList = z.infer<typeof UploadList>;

/** An upload with the item that it became. */
export const CompletedUpload = Upload.extend({ item: Item.nullable() });
export type CompletedUpload = z.infer<typeof CompletedUpload>;

/** Body of another try to put an upload whose bytes are all here into its place. */
export const CompleteUpload = z.strictObject({ conflict: UploadConflict.default('fail') });

/** What stands before the bytes of each file in a batch. A folder has size 0. */
export const BatchHeader = z.strictObject({
  path: Path,
  type: z.enum(['file', 'folder']).default('file'),
  size: z.int().min(0),
  executable: z.boolean().optional(),
  conflict: UploadConflict.default('fail'),
  /** The version that may be replaced. */
  version: z.int().positive().optional(),
});
export type BatchHeader = z.input<typeof BatchHeader>;

/** What stands in the way of a file. */
export const PresentItem = z.object({
  id: z.int(),
  version: z.int(),
  type: z.enum(['file', 'folder', 'symlink']),
  size: z.int(),
  sha256: z.string().nullable(),
});
export type PresentItem = z.infer<typeof PresentItem>;

/** What became of a file of a batch: the path that it got, or the code of the catalogue that it was refused with. */
export const BatchOutcome = z.object({
  path: z.string(),
  outcome: z.enum(['made', 'replaced', 'same', 'skipped', 'refused']),
  code: z.string().nullable(),
  reason: z.string().nullable(),
  present: PresentItem.nullable(),
});
export type BatchOutcome = z.infer<typeof BatchOutcome>;

/** The outcomes of a batch, one for each file in its order. */
export const BatchResult = z.object({ outcomes: z.array(BatchOutcome) });
export type BatchResult = z.infer<typeof BatchResult>;

/** The formats of archives that are read. */
export const ARCHIVE_FORMATS = ['zip', 'tar', 'tar.gz'] as const;
/** The format of an archive. */
export type ArchiveFormat = (typeof ARCHIVE_FORMATS)[number];

/**
 * Body of the import of an uploaded archive. `folder` null is the root. `conflict` is about files that the session has;
 * `refused: skip` imports the rest when something cannot be.
 */
export const ImportArchive = z.strictObject({
  folder: z.string().max(4_000).nullable().default(null),
  format: z.enum(ARCHIVE_FORMATS).optional(),
  conflict: z.enum(['fail', 'replace', 'keep-both', 'skip']).default('fail'),
  refused: z.enum(['fail', 'skip']).default('fail'),
});
export type ImportArchive = z.infer<typeof ImportArchive>;

/** An entry of an archive that was not imported, by its name there. */
export const RefusedEntry = z.object({ name: z.string(), reason: z.string() });
export type RefusedEntry = z.infer<typeof RefusedEntry>;

/** What an import did. `refused` names at most MAX_NAMED_REFUSALS; `refusedCount` counts all. */
export const ImportResult = z.object({
  files: z.int(),
  folders: z.int(),
  same: z.int(),
  skipped: z.int(),
  refused: z.array(RefusedEntry),
  refusedCount: z.int(),
});
export type ImportResult = z.infer<typeof ImportResult>;

/** The folder that is downloaded as a zip; without one the whole session. */
export const ArchiveQuery = z.strictObject({ folderId: z.coerce.number().pipe(ItemId).optional() });
