import type { Database, Tx } from '#platform/db/database.ts';

/** A row of `preview_links`. */
export interface PreviewLinkRecord {
  id: string;
  port: number;
  createdAt: Date;
  expiresAt: Date;
  revokedAt: Date | null;
  uses: number;
  lastUsedAt: Date | null;
}

const COLUMNS = `id, port, created_at AS "createdAt", expires_at AS "expiresAt", revoked_at AS "revokedAt", uses,
  last_used_at AS "lastUsedAt"`;
/** What ended stays to be seen for so long. */
const ENDED_DAYS = 7;

/** The session's links, newest first: those that are good, and those that ended lately. */
export function listPreviewLinks(database: Database, sessionId: number): Promise<PreviewLinkRecord[]> {
  return database.query(
    `SELECT ${COLUMNS} FROM preview_links
     WHERE session_id = $1 AND coalesce(revoked_at, expires_at) > now() - make_interval(days => $2)
     ORDER BY created_at DESC, id LIMIT 200`,
    [sessionId, ENDED_DAYS],
  );
}

/**
 * Makes a link that is good for so many seconds, unless the session has `limit` good ones: then null. What ended long ago
 * goes. The session's row is held meanwhile.
 */
export function insertPreviewLink(
  database: Database,
  link: { sessionId: number; port: number; createdBy: number; seconds: number; limit: number },
): Promise<PreviewLinkRecord | null> {
  const { sessionId, port, createdBy, seconds, limit } = link;
  return database.transaction(async (tx: Tx) => {
    await database.query('SELECT 1 FROM sessions WHERE id = $1 FOR UPDATE', [sessionId], tx);
    await database.query(
      `DELETE FROM preview_links
       WHERE session_id = $1 AND coalesce(revoked_at, expires_at) < now() - make_interval(days => $2)`,
      [sessionId, ENDED_DAYS],
      tx,
    );
    const rows = await database.query<PreviewLinkRecord>(
      `INSERT INTO preview_links (session_id, port, created_by, expires_at)
       SELECT $1, $2, $3, now() + make_interval(secs => $4)
       WHERE (SELECT count(*) FROM preview_links WHERE session_id = $1 AND revoked_at IS NULL AND expires_at > now()) < $5
       RETURNING ${COLUMNS}`,
      [sessionId, port, createdBy, seconds, limit],
      tx,
    );
    return rows[0] ?? null;
  });
}

/** Ends a link for good; null when the session has none of that id and port. One that ended before stays as it is. */
export async function revokePreviewLink(
  database: Database,
  { sessionId, port, id }: { sessionId: number; port: number; id: string },
): Promise<PreviewLinkRecord | null> {
  const rows = await database.query<PreviewLinkRecord>(
    `UPDATE preview_links SET revoked_at = coalesce(revoked_at, now()) WHERE id = $1 AND session_id = $2 AND port = $3
     RETURNING ${COLUMNS}`,
    [id, sessionId, port],
  );
  return rows[0] ?? null;
}

/** What a link or code is for. */
export interface PreviewPlace {
  uuid: string;
  port: number;
}

/** Counts a use of a link. False when it is not, or no longer, good for that place. */
export async function usePreviewLink(database: Database, id: string, { uuid, port }: PreviewPlace): Promise<boolean> {
  const rows = await database.query(
    `UPDATE preview_links l SET uses = uses + 1, last_used_at = now() FROM sessions s
     WHERE l.id = $1 AND s.id = l.session_id AND s.uuid = $2 AND s.deleted_at IS NULL AND l.port = $3
       AND l.revoked_at IS NULL AND l.expires_at > now() RETURNING l.id`,
    [id, uuid, port],
  );
  return rows.length > 0;
}

/** True while the link is good for that place. */
export async function isPreviewLinkGood(
  database: Database,
  id: string,
  { uuid, port }: PreviewPlace,
): Promise<boolean> {
  const rows = await database.query(
    `SELECT 1 FROM preview_links l JOIN sessions s ON s.id = l.session_id
     WHERE l.id = $1 AND s.uuid = $2 AND l.port = $3 AND l.revoked_at IS NULL AND l.expires_at > now()`,
    [id, uuid, port],
  );
  return rows.length > 0;
}

/** Writes down a code that is good once, for so many seconds; codes that nobody used in time go. */
export async function insertPreviewCode(
  database: Database,
  code: { codeHash: string; sessionId: number; port: number; userId: number; credentialId: string; seconds: number },
): Promise<void> {
  await database.query('DELETE FROM preview_codes WHERE expires_at < now()');
  await database.query(
    `INSERT INTO preview_codes (code_hash, session_id, port, user_id, credential_id, expires_at)
     VALUES ($1, $2, $3, $4, $5, now() + make_interval(secs => $6))`,
    [code.codeHash, code.sessionId, code.port, code.userId, code.credentialId, code.seconds],
  );
}

/** Takes a code away and tells whose it was; null when it was used, is too old, or is for another place. */
export async function takePreviewCode(
  database: Database,
  codeHash: string,
  { uuid, port }: PreviewPlace,
): Promise<{ userId: number; credentialId: string } | null> {
  const rows = await database.query<{ userId: number; credentialId: string }>(
    `DELETE FROM preview_codes c USING sessions s
     WHERE c.code_hash = $1 AND s.id = c.session_id AND s.uuid = $2 AND c.port = $3 AND c.expires_at > now()
     RETURNING c.user_id AS "userId", c.credential_id AS "credentialId"`,
    [codeHash, uuid, port],
  );
  return rows[0] ?? null;
}
