import { z } from 'zod';
import { Timestamp } from '#shared/contracts/user.ts';

/** A `.git` folder that is saved with a session, or one that was removed (`removedAt`) and can be had back for a while. */
export const GitFolder = z.object({
  id: z.int(),
  /** Of the `.git` folder itself, relative to the session's root. */
  path: z.string(),
  /** Bytes, packed. */
  size: z.int(),
  savedAt: Timestamp,
  removedAt: Timestamp.nullable(),
});
export type GitFolder = z.infer<typeof GitFolder>;

/** The `.git` folders of a session, sorted by path. */
export const GitFolderList = z.object({ items: z.array(GitFolder) });
