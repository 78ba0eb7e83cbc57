import { z } from 'zod';
import { ITEM_ENCODINGS } from '#shared/contracts/item.ts';
import { Timestamp } from '#shared/contracts/user.ts';

const Id = z.coerce.number().int().positive().max(2_147_483_647);

/** A snapshot that can be compared: of a round, or one that a refresh replaced. */
export const ReviewSnapshot = z.object({
  id: z.int(),
  reviewId: z.int(),
  round: z.int(),
  manifestHash: z.string(),
  createdAt: Timestamp,
});
export type ReviewSnapshot = z.infer<typeof ReviewSnapshot>;

/**
 * Query of a comparison: two snapshots, or a snapshot and `live`, the session's files now, which is the author's alone.
 * Without `from` it is the review's present snapshot.
 */
export const ComparisonQuery = z.strictObject({ from: Id.optional(), to: z.union([z.literal('live'), Id]) });
export type ComparisonQuery = z.infer<typeof ComparisonQuery>;

/** Query of one file of a comparison, by the items' ids of both sides. */
export const FileComparisonQuery = ComparisonQuery.extend({ fromItemId: Id.optional(), toItemId: Id.optional() });
export type FileComparisonQuery = z.infer<typeof FileComparisonQuery>;

const ComparedItem = z.object({
  itemId: z.int(),
  path: z.string(),
  type: z.enum(['file', 'folder', 'symlink']),
  encoding: z.enum(ITEM_ENCODINGS),
  executable: z.boolean(),
  size: z.int(),
});

/** A file that two trees have not alike. `before` null: it came; `after` null: it went. Counts are null where there are no lines, or too many. */
export const FileChange = z.object({
  before: ComparedItem.nullable(),
  after: ComparedItem.nullable(),
  contentChanged: z.boolean(),
  addedLines: z.int().nullable(),
  removedLines: z.int().nullable(),
});
export type FileChange = z.infer<typeof FileChange>;

/** The files that differ, without contents. `more`: how many are not listed. */
export const Comparison = z.object({ items: z.array(FileChange), more: z.int() });
export type Comparison = z.infer<typeof Comparison>;

/** Both sides of one file with their contents. */
export const FileComparison = z.object({
  before: ComparedItem.extend({ content: z.string() }).nullable(),
  after: ComparedItem.extend({ content: z.string() }).nullable(),
});
export type FileComparison = z.infer<typeof FileComparison>;
