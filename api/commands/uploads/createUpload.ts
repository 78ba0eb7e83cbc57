import type { ItemDeps } from '#api/commands/items/itemDeps.ts';
import { requireFileSize } from '#api/commands/items/itemLimits.ts';
import { refusalOf } from '#api/commands/uploads/refusals.ts';
import type { CreateUpload } from '#shared/contracts/upload.ts';
import { MAX_UPLOADS } from '#shared/domain/uploads.ts';
import { planArrivals } from '#shared/domain/arrivals.ts';
import { AppError } from '#shared/domain/errors.ts';
import { sessionLimits } from '#shared/domain/limits.ts';
import { readTree } from '#platform/db/repositories/itemBatches.ts';
import { lockOrThrow, type SessionRecord } from '#platform/db/repositories/sessions.ts';
import { insertUpload, measureUploads, type UploadRecord } from '#platform/db/repositories/uploads.ts';

/** An upload that a person begins. */
export interface NewUpload {
  session: SessionRecord;
  userId: number;
  wanted: CreateUpload;
  /** The version in If-Match, which `replace` needs. */
  expectedVersion: number | null;
}

/**
 * Begins an upload. What can be known now is refused now, before any byte is sent: throws INVALID_PATH, NAME_TAKEN with
 * what is there, VERSION_REQUIRED, VERSION_CONFLICT, FILE_TOO_LARGE, SESSION_TOO_LARGE, UPLOAD_LIMIT.
 */
export async function createUpload(
  deps: ItemDeps,
  { session, userId, wanted, expectedVersion }: NewUpload,
): Promise<UploadRecord> {
  const { database, config } = deps;
  if (wanted.purpose === 'file') await requirePlace(deps, { session, wanted, expectedVersion });
  else requireArchiveSize(wanted.size, config.MAX_SESSION_BYTES);
  return database.transaction(async (tx) => {
    // Under the lock: two at once must not both take the last place.
    await lockOrThrow(database, session, tx);
    const present = await measureUploads(database, session.id, tx);
    if (present.uploads >= MAX_UPLOADS || present.bytes + wanted.size > 2 * config.MAX_SESSION_BYTES) {
      throw new AppError('UPLOAD_LIMIT', {
        detail: `${present.uploads} uploads of ${present.bytes} bytes are not finished; ${MAX_UPLOADS} of ${2 * config.MAX_SESSION_BYTES} bytes together may be.`,
        data: { limit: MAX_UPLOADS, uploads: present.uploads },
      });
    }
    const { path, size, purpose, conflict, sha256 = null, executable = null } = wanted;
    const upload = {
      sessionId: session.id,
      userId,
      purpose,
      path,
      size,
      sha256,
      executable,
      conflict,
      expectedVersion,
    };
    return insertUpload(database, upload, tx);
  });
}

/** The same rules as at the end, where they are looked at again under the session's lock. */
async function requirePlace(
  { database, config }: ItemDeps,
  { session, wanted, expectedVersion }: Pick<NewUpload, 'session' | 'wanted' | 'expectedVersion'>,
): Promise<void> {
  requireFileSize(config, wanted.size);
  const rows = await readTree(database, session.id);
  const { path, size, conflict, sha256 = null, executable = null } = wanted;
  const arrival = { path, type: 'file' as const, sha256, size, executable, conflict, expectedVersion };
  const [placement] = planArrivals(rows, [arrival], sessionLimits(config)).placements;
  if (placement?.outcome === 'refused') throw refusalOf(placement);
}

// Packed bytes are fewer than what they unpack to, which is looked at in the import.
function requireArchiveSize(size: number, limit: number): void {
  if (size > limit) {
    throw new AppError('FILE_TOO_LARGE', {
      detail: `The archive has ${size} bytes; archives may have ${limit}.`,
      data: { limit, size },
    });
  }
}
