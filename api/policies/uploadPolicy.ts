import type { ApiDeps } from '#api/deps.ts';
import type { Caller } from '#api/http/route.ts';
import { loadOwnSession } from '#api/policies/sessionPolicy.ts';
import { AppError } from '#shared/domain/errors.ts';
import type { SessionRecord } from '#platform/db/repositories/sessions.ts';
import { findUpload, type UploadRecord } from '#platform/db/repositories/uploads.ts';

/** An upload that the caller began, with its session, which they may change. Throws NOT_FOUND for any other. */
export async function loadOwnUpload(
  deps: Pick<ApiDeps, 'database'>,
  caller: Pick<Caller, 'id'>,
  { uuid, uploadId }: { uuid: string; uploadId: string },
): Promise<{ session: SessionRecord; upload: UploadRecord }> {
  const session = await loadOwnSession(deps, caller, uuid);
  const upload = await findUpload(deps.database, { sessionId: session.id, userId: caller.id, id: uploadId });
  if (upload === null) {
    throw new AppError('NOT_FOUND', {
      detail: 'There is no such upload; it may have been cancelled, or left for a day.',
    });
  }
  return { session, upload };
}
