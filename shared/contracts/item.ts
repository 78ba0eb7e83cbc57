import { z } from 'zod';
import { Timestamp } from '#shared/contracts/user.ts';

/** How `content` carries bytes: text as it is, other bytes as base64, a symlink as its target. */
export const ITEM_ENCODINGS = ['utf8', 'base64', 'symlink'] as const;
/** How an item's content carries its bytes. */
export const ItemEncoding = z.enum(ITEM_ENCODINGS);
export type ItemEncoding = z.infer<typeof ItemEncoding>;

/** The id of an item; the database counts them in 31 bits. */
export const ItemId = z.int().positive().max(2_147_483_647);

/** A file or folder of a session, without its content. `path` is relative to the session's root, without a leading slash. */
export const Item = z.object({
  id: z.int(),
  parentId: z.int().nullable(),
  name: z.string(),
  path: z.string(),
  type: z.enum(['file', 'folder']),
  encoding: ItemEncoding,
  executable: z.boolean(),
  version: z.int(),
  sha256: z.string().nullable(),
  size: z.int(),
  updatedAt: Timestamp,
});
export type Item = z.infer<typeof Item>;

/** A file with its content. */
export const ItemWithContent = Item.extend({ content: z.string() });
export type ItemWithContent = z.infer<typeof ItemWithContent>;

/** The whole tree of a session, parents before their children, and what is on the volume but not saved. */
export const ItemTree = z.object({
  items: z.array(Item),
  changeSeq: z.int(),
  notSaved: z.array(z.object({ path: z.string(), reason: z.string() })),
});
export type ItemTree = z.infer<typeof ItemTree>;

/** Body of a new file or folder. `parentId` null is the root. A folder has no content. */
export const CreateItem = z.strictObject({
  parentId: ItemId.nullable().default(null),
  name: z.string().min(1).max(255),
  type: z.enum(['file', 'folder']),
  content: z.string().default(''),
  encoding: z.enum(['utf8', 'base64']).default('utf8'),
  executable: z.boolean().default(false),
});
export type CreateItem = z.infer<typeof CreateItem>;

/** Body of a save. The version that it is based on goes into If-Match. */
export const SaveItem = z.strictObject({ content: z.string(), encoding: z.enum(['utf8', 'base64']).default('utf8') });
export type SaveItem = z.infer<typeof SaveItem>;

/** Body of a rename, a move, or a change of the executable bit. */
export const UpdateItem = z
  .strictObject({
    name: z.string().min(1).max(255).optional(),
    parentId: ItemId.nullable().optional(),
    executable: z.boolean().optional(),
  })
  .refine((change) => Object.keys(change).length > 0, { message: 'name at least one of name, parentId, executable' });
export type UpdateItem = z.infer<typeof UpdateItem>;

/**
 * Body of a copy. Left out, `parentId` is the folder that the item is in, and `name` its own. What stands in the way of the
 * name: 409, or a numbered name beside it.
 */
export const CopyItem = z.strictObject({
  parentId: ItemId.nullable().optional(),
  name: z.string().min(1).max(255).optional(),
  conflict: z.enum(['fail', 'keep-both']).default('fail'),
});
export type CopyItem = z.infer<typeof CopyItem>;

/** One saved version of a file. */
export const ItemVersion = z.object({
  id: z.int(),
  version: z.int(),
  path: z.string(),
  sha256: z.string(),
  size: z.int(),
  source: z.enum(['starter', 'editor', 'terminal', 'merge', 'restore', 'upload']),
  createdBy: z.string().nullable(),
  createdAt: Timestamp,
});
export type ItemVersion = z.infer<typeof ItemVersion>;

/** One saved version of a file with its content. */
export const ItemVersionWithContent = ItemVersion.extend({ encoding: ItemEncoding, content: z.string() });
export type ItemVersionWithContent = z.infer<typeof ItemVersionWithContent>;
