import type { Database, Tx } from '#platform/db/database.ts';
import type { TokenScope } from '#shared/contracts/user.ts';

/** A row of `api_tokens`, without its digest. */
export interface ApiTokenRecord {
  id: number;
  userId: number;
  name: string;
  scopes: TokenScope[];
  expiresAt: Date;
  lastUsedAt: Date | null;
  createdAt: Date;
}

/** A token's bearer as a request needs them. */
export interface TokenBearer {
  tokenId: number;
  userId: number;
  username: string;
  reviewerLevel: number;
  isOperator: boolean;
  scopes: TokenScope[];
  expired: boolean;
}

const COLUMNS = `id, user_id AS "userId", name, scopes, expires_at AS "expiresAt", last_used_at AS "lastUsedAt", created_at AS "createdAt"`;

/** Inserts a token; its secret is stored as a digest alone. */
export async function insertApiToken(
  database: Database,
  token: { userId: number; name: string; tokenHash: string; scopes: TokenScope[]; expiresAt: Date },
  tx: Tx = null,
): Promise<ApiTokenRecord> {
  const rows = await database.query<ApiTokenRecord>(
    `INSERT INTO api_tokens (user_id, name, token_hash, scopes, expires_at) VALUES ($1, $2, $3, $4::text[], $5) RETURNING ${COLUMNS}`,
    [token.userId, token.name, token.tokenHash, token.scopes, token.expiresAt],
    tx,
  );
  return rows[0]!;
}

/** How many tokens a person has. */
export async function countApiTokens(database: Database, userId: number, tx: Tx = null): Promise<number> {
  const rows = await database.query<{ count: number }>(
    'SELECT count(*)::int AS count FROM api_tokens WHERE user_id = $1',
    [userId],
    tx,
  );
  return rows[0]!.count;
}

/** A person's tokens, newest first. */
export function listApiTokens(
  database: Database,
  { userId, beforeId, limit }: { userId: number; beforeId: number | null; limit: number },
): Promise<ApiTokenRecord[]> {
  return database.query<ApiTokenRecord>(
    `SELECT ${COLUMNS} FROM api_tokens WHERE user_id = $1 AND ($2::int IS NULL OR id < $2) ORDER BY id DESC LIMIT $3`,
    [userId, beforeId, limit],
  );
}

/** Removes a person's token; false when it is not theirs or absent. */
export async function deleteApiToken(
  database: Database,
  { userId, id }: { userId: number; id: number },
  tx: Tx = null,
): Promise<boolean> {
  const rows = await database.query(
    'DELETE FROM api_tokens WHERE id = $1 AND user_id = $2 RETURNING id',
    [id, userId],
    tx,
  );
  return rows.length > 0;
}

/** Who bears a token, expired or not; null when it is unknown or the account is disabled. Notes the use once a minute. */
export async function findTokenBearer(database: Database, tokenHash: string): Promise<TokenBearer | null> {
  const rows = await database.query<TokenBearer & { usedLately: boolean }>(
    `SELECT t.id AS "tokenId", t.user_id AS "userId", u.username, u.reviewer_level AS "reviewerLevel",
       u.is_operator AS "isOperator", t.scopes, t.expires_at <= now() AS expired,
       coalesce(t.last_used_at > now() - interval '1 minute', false) AS "usedLately"
     FROM api_tokens t JOIN users u ON u.id = t.user_id WHERE t.token_hash = $1 AND u.disabled_at IS NULL`,
    [tokenHash],
  );
  const found = rows[0];
  if (!found) return null;
  if (!found.expired && !found.usedLately) {
    await database.query('UPDATE api_tokens SET last_used_at = now() WHERE id = $1', [found.tokenId]);
  }
  return found;
}
