import type { Database, Tx } from '#platform/db/database.ts';

/** A signed-in person as a request needs them. */
export interface SignedIn {
  key: string;
  userId: number;
  username: string;
  reviewerLevel: number;
  isOperator: boolean;
}

/** What a new sign-in is made from; the id itself is stored nowhere. */
export interface NewWebSession {
  idHash: string;
  userId: number;
  address: string;
  userAgent: string;
  expiresAt: Date;
}

/** Inserts a sign-in. */
export async function insertWebSession(database: Database, session: NewWebSession, tx: Tx = null): Promise<void> {
  await database.query(
    'INSERT INTO web_sessions (id_hash, user_id, address, user_agent, expires_at) VALUES ($1, $2, $3, $4, $5)',
    [session.idHash, session.userId, session.address, session.userAgent, session.expiresAt],
    tx,
  );
}

/** Who is signed in under an id; null when it is unknown, has ended, or the account is disabled. Notes the visit once a minute. */
export async function findSignedIn(database: Database, idHash: string): Promise<SignedIn | null> {
  const rows = await database.query<SignedIn & { seenLately: boolean }>(
    `SELECT w.key, w.user_id AS "userId", u.username, u.reviewer_level AS "reviewerLevel", u.is_operator AS "isOperator",
       w.last_seen_at > now() - interval '1 minute' AS "seenLately"
     FROM web_sessions w JOIN users u ON u.id = w.user_id
     WHERE w.id_hash = $1 AND w.expires_at > now() AND u.disabled_at IS NULL`,
    [idHash],
  );
  const found = rows[0];
  if (!found) return null;
  if (!found.seenLately) {
    await database.query('UPDATE web_sessions SET last_seen_at = now() WHERE id_hash = $1', [idHash]);
  }
  return found;
}

/** Ends a sign-in. */
export async function deleteWebSession(database: Database, key: string, tx: Tx = null): Promise<void> {
  await database.query('DELETE FROM web_sessions WHERE key = $1', [key], tx);
}

/** Gives a sign-in a new id, so that one that leaked before a change of rights is worth nothing. */
export async function rotateWebSession(
  database: Database,
  { key, idHash }: { key: string; idHash: string },
  tx: Tx = null,
): Promise<void> {
  await database.query('UPDATE web_sessions SET id_hash = $2 WHERE key = $1', [key, idHash], tx);
}
