import { z } from 'zod';
import { MAX_PATH_BYTES } from '#shared/domain/paths.ts';
import { ItemEncoding, ItemId } from '#shared/contracts/item.ts';
import { Timestamp } from '#shared/contracts/user.ts';

/** Body of a restore of a session, or of what is at `path` in it, to a moment. A dry run changes nothing. */
export const RestoreSession = z.strictObject({
  at: z.iso.datetime({ offset: true }),
  path: z.string().min(1).max(MAX_PATH_BYTES).nullable().default(null),
  dryRun: z.boolean().default(false),
});
export type RestoreSession = z.infer<typeof RestoreSession>;

/** What a restore does to one path. */
export const RestoreChange = z.object({
  path: z.string(),
  type: z.enum(['file', 'folder', 'symlink']),
  change: z.enum(['create', 'update', 'delete']),
});
export type RestoreChange = z.infer<typeof RestoreChange>;

/** What a restore did, or would do. `changes` is cut at 1,000, `counts` is of all. `lost`: paths whose content is no longer kept. */
export const RestoreResult = z.object({
  changes: z.array(RestoreChange),
  counts: z.object({ create: z.int(), update: z.int(), delete: z.int() }),
  lost: z.array(z.string()),
});
export type RestoreResult = z.infer<typeof RestoreResult>;

/** Since when a session's history reaches back, what its versions take, and how much they may. */
export const SessionHistory = z.object({ since: Timestamp, versionBytes: z.int(), versionLimit: z.int() });
export type SessionHistory = z.infer<typeof SessionHistory>;

/** A file in the trash of its session. */
export const DeletedFile = z.object({
  itemId: z.int(),
  path: z.string(),
  encoding: ItemEncoding,
  executable: z.boolean(),
  sha256: z.string(),
  size: z.int(),
  source: z.enum(['editor', 'terminal', 'restore']),
  deletedBy: z.string().nullable(),
  deletedAt: Timestamp,
});
export type DeletedFile = z.infer<typeof DeletedFile>;

/** Body of a restore of deleted files. */
export const RestoreDeleted = z.strictObject({ itemIds: z.array(ItemId).min(1).max(1_000) });
export type RestoreDeleted = z.infer<typeof RestoreDeleted>;

/** A session in the trash. `isReviewed`: a review refers to it, so it cannot be deleted for good. */
export const TrashedSession = z.object({
  uuid: z.uuid(),
  name: z.string(),
  language: z.string(),
  isActive: z.boolean(),
  isReviewed: z.boolean(),
  deletedAt: Timestamp,
  /** When its files go by themselves. */
  purgedAt: Timestamp,
});
export type TrashedSession = z.infer<typeof TrashedSession>;
