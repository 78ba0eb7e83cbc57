import type { Database, Tx } from '#platform/db/database.ts';
import { endRun } from '#platform/db/repositories/runs.ts';

/** Deletes by a statement that returns its rows' number. */
async function remove(
  database: Database,
  sql: string,
  { bind = [], tx = null }: { bind?: unknown[]; tx?: Tx } = {},
): Promise<number> {
  const rows = await database.query<{ removed: number }>(
    `WITH gone AS (${sql} RETURNING 1) SELECT count(*)::integer AS removed FROM gone`,
    bind,
    tx,
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
       AND NOT EXISTS (SELECT 1 FROM template_items t WHERE t.sha256 = b.sha256)
       AND NOT EXISTS (SELECT 1 FROM workspace_items w WHERE w.sha256 = b.sha256)`,
  );
}

/** Receipts of runs that a session keeps, and bytes of their outputs together; beyond either the oldest go. */
const KEPT_RUNS = { count: 200, bytes: 256 * 1024 * 1024 };

/**
 * Removes the oldest receipts of the session, or of every session, where there are too many or too much is in them. Runs that
 * have not ended stay, and so do those that a verdict cites.
 */
export function removeOldRuns(
  database: Database,
  { sessionId = null, kept = KEPT_RUNS }: { sessionId?: number | null; kept?: typeof KEPT_RUNS } = {},
  tx: Tx = null,
): Promise<number> {
  return remove(
    database,
    `DELETE FROM runs WHERE id IN (
       SELECT id FROM (
         SELECT id, row_number() OVER newest AS place,
           sum(coalesce(length(stdout), 0) + coalesce(length(stderr), 0)) OVER newest AS bytes
         FROM runs WHERE ended_at IS NOT NULL AND ($3::integer IS NULL OR session_id = $3) WINDOW newest AS (PARTITION BY session_id ORDER BY id DESC)) receipts
       WHERE place > $1 OR (place > 1 AND bytes > $2))
       AND NOT EXISTS (SELECT 1 FROM review_receipts c WHERE c.run_id = runs.id)`,
    { bind: [kept.count, kept.bytes, sessionId], tx },
  );
}

/**
 * Ends runs that nothing stands for: no request under way, and no sign of life for a day, which is longer than any run may
 * take. Their workflow was terminated, or the Temporal server lost.
 */
export async function loseAbandonedRuns(database: Database): Promise<number> {
  const rows = await database.query<{ id: number }>(
    `SELECT id FROM runs r WHERE ended_at IS NULL AND updated_at < now() - interval '1 day'
       AND NOT EXISTS (SELECT 1 FROM intents i WHERE i.subject = 'run' AND i.subject_id = r.id)`,
  );
  for (const { id } of rows) {
    await endRun(database, id, { status: 'lost', reason: 'Nothing was heard of it for a day.', program: null });
  }
  return rows.length;
}
