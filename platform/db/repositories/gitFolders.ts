import type { GitLook } from '#shared/contracts/agentGit.ts';
import type { Database, Tx } from '#platform/db/database.ts';
import { dropGitPack } from '#platform/db/repositories/gitPacks.ts';
import { publishItems } from '#platform/db/repositories/itemEvents.ts';

/** A saved `.git` folder of a session, or one that is gone from it and can still be had back (`removedAt`). */
export interface GitFolderRecord {
  id: number;
  path: string;
  packId: number;
  size: number;
  sha256: string;
  /** Where it was seen in the saved state; null when that is on no volume. */
  volumeId: number | null;
  volumePath: string;
  fingerprint: string;
  identity: string;
  missingSince: number | null;
  removedAt: Date | null;
  savedAt: Date;
}

/** The stored bytes of a folder. */
export type StoredGitPack = Pick<GitFolderRecord, 'packId' | 'size' | 'sha256'>;

/** Removed folders that a session keeps, the newest ones. */
const KEPT_REMOVED = 10;

const COLUMNS = `id::float8 AS id, path, pack_id::float8 AS "packId", size::float8 AS size, sha256, volume_id AS "volumeId",
  volume_path AS "volumePath", fingerprint, identity, missing_since AS "missingSince", removed_at AS "removedAt", saved_at AS "savedAt"`;

/** The session's `.git` folders with those that were removed, sorted by path, the newest of a path first. */
export function listGitFolders(database: Database, sessionId: number, tx: Tx = null): Promise<GitFolderRecord[]> {
  return database.query<GitFolderRecord>(
    `SELECT ${COLUMNS} FROM git_folders WHERE session_id = $1 ORDER BY path COLLATE "C", id DESC`,
    [sessionId],
    tx,
  );
}

/**
 * Makes stored bytes the saved state of the folder at the look's path. A state that it takes the place of goes, unless it
 * belongs to a folder that was removed and made anew: that one is kept among the removed. Call under the session's row lock.
 */
export async function saveGitFolder(
  database: Database,
  saved: { sessionId: number; volumeId: number; look: GitLook; pack: StoredGitPack },
  tx: Tx,
): Promise<void> {
  const { sessionId, volumeId, look, pack } = saved;
  const present = (await listGitFolders(database, sessionId, tx)).find(
    ({ path, removedAt }) => path === look.path && removedAt === null,
  );
  const isSame = present !== undefined && present.volumeId === volumeId && present.identity === look.identity;
  if (present !== undefined && !isSame && present.sha256 !== pack.sha256) {
    await retireGitFolder(database, present.id, tx);
  }
  await trimRemoved(database, sessionId, tx);
  // A file of that name (a worktree's) has given way to it.
  const gone = await database.query(
    `DELETE FROM workspace_items WHERE session_id = $1 AND full_path = $2 AND type = 'file' RETURNING id`,
    [sessionId, look.path],
    tx,
  );
  if (gone.length > 0) await publishItems(database, { sessionId, paths: [look.path], source: 'terminal' }, tx);
  const bind = [pack.packId, pack.size, pack.sha256, volumeId, look.path, look.fingerprint, look.identity];
  if (present !== undefined && (isSame || present.sha256 === pack.sha256)) {
    await database.query(
      `UPDATE git_folders SET pack_id = $1, size = $2, sha256 = $3, volume_id = $4, volume_path = $5, fingerprint = $6,
         identity = $7, missing_since = NULL, saved_at = now(), updated_at = now() WHERE id = $8`,
      [...bind, present.id],
      tx,
    );
    if (present.packId !== pack.packId) await dropGitPack(database, present.packId, tx);
    return;
  }
  await database.query(
    `INSERT INTO git_folders (pack_id, size, sha256, volume_id, path, volume_path, fingerprint, identity, session_id)
     VALUES ($1, $2, $3, $4, $5, $5, $6, $7, $8)`,
    [...bind, sessionId],
    tx,
  );
}

/** Of those that were removed the session keeps the newest ones. */
async function trimRemoved(database: Database, sessionId: number, tx: Tx): Promise<void> {
  const dropped = await database.query<{ packId: number }>(
    `DELETE FROM git_folders WHERE id IN (SELECT id FROM git_folders WHERE session_id = $1 AND removed_at IS NOT NULL
       ORDER BY removed_at DESC, id DESC OFFSET $2) RETURNING pack_id::float8 AS "packId"`,
    [sessionId, KEPT_REMOVED],
    tx,
  );
  for (const { packId } of dropped) await dropGitPack(database, packId, tx);
}

/** Takes a folder out of the session; it can be had back for a while, as long as not many others follow it. */
export async function retireGitFolder(database: Database, id: number, tx: Tx): Promise<void> {
  await database.query(
    `UPDATE git_folders SET removed_at = now(), missing_since = NULL, updated_at = now() WHERE id = $1`,
    [id],
    tx,
  );
}

/** Takes a removed folder back. No volume has it any more, so the next one that is synced gets it. Call under the session's row lock. */
export async function reviveGitFolder(database: Database, id: number, tx: Tx): Promise<GitFolderRecord> {
  const rows = await database.query<GitFolderRecord>(
    `UPDATE git_folders SET removed_at = NULL, volume_id = NULL, volume_path = path, fingerprint = '', identity = '',
       updated_at = now() WHERE id = $1 RETURNING ${COLUMNS}`,
    [id],
    tx,
  );
  return rows[0]!;
}

/** Forgets a folder whose bytes are saved under another path now. */
export async function forgetGitFolder(database: Database, id: number, tx: Tx): Promise<void> {
  await database.query(`DELETE FROM git_folders WHERE id = $1`, [id], tx);
}

/** Notes the sync epoch whose scan was the first that did not find these folders, or null: they are there. */
export async function noteMissingGit(
  database: Database,
  { ids, since }: { ids: number[]; since: number | null },
  tx: Tx,
): Promise<void> {
  if (ids.length === 0) return;
  await database.query(
    `UPDATE git_folders SET missing_since = $2, updated_at = now() WHERE id = ANY ($1::bigint[])`,
    [ids, since],
    tx,
  );
}

/** Records that a volume holds the saved state of a folder, and under which names; null names: it refused to. */
export async function noteRestoredGit(
  database: Database,
  restored: { id: number; volumeId: number; seen: Pick<GitLook, 'fingerprint' | 'identity'> | null },
  tx: Tx,
): Promise<void> {
  await database.query(
    `UPDATE git_folders SET volume_id = $2, volume_path = path, fingerprint = $3, identity = $4, missing_since = NULL,
       updated_at = now() WHERE id = $1`,
    [restored.id, restored.volumeId, restored.seen?.fingerprint ?? '', restored.seen?.identity ?? ''],
    tx,
  );
}
