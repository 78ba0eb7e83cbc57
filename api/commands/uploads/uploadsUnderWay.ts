import type { ApiDeps } from '#api/deps.ts';
import { deleteUpload, listUploads, type UploadRecord } from '#platform/db/repositories/uploads.ts';

type Deps = Pick<ApiDeps, 'database'>;

/** The person's uploads into a session that are not completed, oldest first; there are at most MAX_UPLOADS. */
export function loadUploads({ database }: Deps, owner: { sessionId: number; userId: number }): Promise<UploadRecord[]> {
  return listUploads(database, owner);
}

/** Removes an upload with its bytes; what is being sent for it is refused from then on. */
export async function cancelUpload({ database }: Deps, upload: UploadRecord): Promise<void> {
  await deleteUpload(database, upload.id);
}
