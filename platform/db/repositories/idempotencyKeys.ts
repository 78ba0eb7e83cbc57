import type { Database, Tx } from '#platform/db/database.ts';

/**
 * A request under an Idempotency-Key. `status` is null while it is being carried out; `answerLost` is true when its process died
 * after it had changed something, and before the answer was kept.
 */
export interface IdempotencyRecord {
  requestHash: string;
  status: number | null;
  body: unknown;
  answerLost: boolean;
}

/** Names a key of a person. */
export interface IdempotencyName {
  userId: number;
  key: string;
}

/** A request that has neither answered nor failed after so long belongs to a process that is gone. */
const ABANDONED_AFTER = '2 minutes';

/**
 * Takes a key for a request; true when it is this caller's to carry out. A key that has expired, or whose request died
 * with its process before it had changed anything, is taken over.
 */
export async function takeIdempotencyKey(
  database: Database,
  { userId, key }: IdempotencyName,
  requestHash: string,
): Promise<boolean> {
  const rows = await database.query(
    `INSERT INTO idempotency_keys AS present (user_id, key, request_hash, expires_at)
     VALUES ($1, $2, $3, now() + interval '24 hours')
     ON CONFLICT (user_id, key) DO UPDATE
       SET request_hash = excluded.request_hash, expires_at = excluded.expires_at, created_at = now(), status = NULL, body = NULL, committed_at = NULL
       WHERE present.expires_at < now()
          OR (present.status IS NULL AND present.committed_at IS NULL AND present.request_hash = excluded.request_hash
              AND present.created_at < now() - interval '${ABANDONED_AFTER}')
     RETURNING 1`,
    [userId, key, requestHash],
  );
  return rows.length > 0;
}

/** What is known of a key; null when it is free. */
export async function findIdempotencyKey(
  database: Database,
  { userId, key }: IdempotencyName,
): Promise<IdempotencyRecord | null> {
  const rows = await database.query<IdempotencyRecord>(
    `SELECT request_hash AS "requestHash", status, body,
       coalesce(status IS NULL AND committed_at < now() - interval '${ABANDONED_AFTER}', false) AS "answerLost"
     FROM idempotency_keys WHERE user_id = $1 AND key = $2`,
    [userId, key],
  );
  return rows[0] ?? null;
}

/** Notes that a request changes something, in the transaction that does: from its commit on it is never carried out again. */
export async function commitIdempotencyKey(
  database: Database,
  { userId, key }: IdempotencyName,
  tx: Tx,
): Promise<void> {
  const sql = 'UPDATE idempotency_keys SET committed_at = now() WHERE user_id = $1 AND key = $2';
  await database.query(sql, [userId, key], tx);
}

/** Keeps a request's answer for its repeats. */
export async function storeIdempotentAnswer(
  database: Database,
  { userId, key }: IdempotencyName,
  answer: { status: number; body: unknown },
): Promise<void> {
  await database.query('UPDATE idempotency_keys SET status = $3, body = $4::jsonb WHERE user_id = $1 AND key = $2', [
    userId,
    key,
    answer.status,
    JSON.stringify(answer.body ?? null),
  ]);
}

/** Frees a key whose request failed in a way that a repeat may heal. */
export async function freeIdempotencyKey(database: Database, { userId, key }: IdempotencyName): Promise<void> {
  await database.query('DELETE FROM idempotency_keys WHERE user_id = $1 AND key = $2 AND status IS NULL', [
    userId,
    key,
  ]);
}
