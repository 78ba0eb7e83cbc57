import type { Database } from '#platform/db/database.ts';

/** Deletes by a statement that returns its rows' number. */
async function remove(database: Database, sql: string): Promise<number> {
  const rows = await database.query<{ removed: number }>(
    `WITH gone AS (${sql} RETURNING 1) SELECT count(*)::integer AS removed FROM gone`,
  );
  return rows[0]?.removed ?? 0;
}

/** Events are kept a week; who is further behind loads afresh. */
export function removeOldEvents(database: Database): Promise<number> {
  return remove(database, `DELETE FROM events WHERE created_at < now() - interval '7 days'`);
}

/** Removes the answers of requests whose repetition is no longer recognised. */
export function removeExpiredIdempotencyKeys(database: Database): Promise<number> {
  return remove(database, `DELETE FROM idempotency_keys WHERE expires_at < now()`);
}

/** Removes browser sessions that have ended by themselves. */
export function removeExpiredWebSessions(database: Database): Promise<number> {
  return remove(database, `DELETE FROM web_sessions WHERE expires_at < now()`);
}

/** Removes counts of requests whose time has passed; the limits themselves never look at them again. */
export function removeExpiredRateLimits(database: Database): Promise<number> {
  return remove(database, `DELETE FROM rate_limits WHERE expire < extract(epoch FROM now()) * 1000`);
}

/** A `.git` folder that was removed can be had back for thirty days. */
export function removeOldGitFolders(database: Database): Promise<number> {
  return remove(database, `DELETE FROM git_folders WHERE removed_at < now() - interval '30 days'`);
}

/** Removes packs that no folder refers to an hour after they were begun: a saving that died has left them. */
export function removeUnreferencedGitPacks(database: Database): Promise<number> {
  return remove(
    database,
    `DELETE FROM git_packs p WHERE created_at < now() - interval '1 hour'
       AND NOT EXISTS (SELECT 1 FROM git_folders f WHERE f.pack_id = p.id)`,
  );
}

/** Removes uploads that nothing came to for a day, and what is still known of completed ones. */
export function removeOldUploads(database: Database): Promise<number> {
  return remove(database, `DELETE FROM uploads WHERE updated_at < now() - interval '1 day'`);
}

/**
 * Removes blobs that nothing has referred to for an hour. Saving touches a blob in the statement that stores it, so one
 * that is about to be referred to is seen as touched, whichever comes first.
 */
export function removeUnreferencedBlobs(database: Database): Promise<number> {
  return remove(
    database,
    `DELETE FROM blobs b WHERE touched_at < now() - interval '1 hour'
       AND NOT EXISTS (SELECT 1 FROM file_versions v WHERE v.sha256 = b.sha256)
       AND NOT EXISTS (SELECT 1 FROM snapshot_items s WHERE s.sha256 = b.sha256)
       AND NOT EXISTS (SELECT 1 FROM workspace_items w WHERE w.sha256 = b.sha256)`,
  );
}
