import type {
  DeletedFile,
  RestoreResult,
  SessionHistory,
  TrashedSession as Trashed,
} from '#shared/contracts/restore.ts';
import { MAX_RESTORE_CHANGES, TRASH_DAYS } from '#shared/domain/limits.ts';
import type { RestoreChange } from '#shared/domain/restorePlan.ts';
import type { DeletedFileRecord } from '#platform/db/repositories/deletedFiles.ts';
import type { TrashedSession } from '#platform/db/repositories/sessionTrash.ts';

/** A restore, done or planned, with as many changes as an answer holds. */
export function presentRestore({ changes, lost }: { changes: RestoreChange[]; lost: string[] }): RestoreResult {
  const count = (kind: RestoreChange['change']): number => changes.filter(({ change }) => change === kind).length;
  return {
    changes: changes.slice(0, MAX_RESTORE_CHANGES).map(({ path, type, change }) => ({ path, type, change })),
    counts: { create: count('create'), update: count('update'), delete: count('delete') },
    lost: lost.slice(0, MAX_RESTORE_CHANGES),
  };
}

/** How far a session's history reaches and what it takes. */
export function presentHistory(history: { since: Date; versionBytes: number; versionLimit: number }): SessionHistory {
  const { since, versionBytes, versionLimit } = history;
  return { since: since.toISOString(), versionBytes, versionLimit };
}

/** A deleted file. */
export function presentDeletedFile(file: DeletedFileRecord): DeletedFile {
  return {
    itemId: file.itemId,
    path: file.path,
    encoding: file.encoding,
    executable: file.executable,
    sha256: file.sha256,
    size: file.size,
    source: file.source,
    deletedBy: file.deletedBy,
    deletedAt: file.deletedAt.toISOString(),
  };
}

/** A session in the trash, with the time at which its files go. */
export function presentTrashedSession(session: TrashedSession): Trashed {
  const purgedAt = new Date(session.deletedAt.getTime() + TRASH_DAYS * 86_400_000);
  return {
    uuid: session.uuid,
    name: session.name,
    language: session.language,
    isActive: session.isActive,
    isReviewed: session.isReviewed,
    deletedAt: session.deletedAt.toISOString(),
    purgedAt: purgedAt.toISOString(),
  };
}
