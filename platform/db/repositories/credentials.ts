import type { Database } from '#platform/db/database.ts';
import type { TokenScope } from '#shared/contracts/user.ts';

/** What a credential (`session:{key}` or `token:{id}`) is worth now. */
export interface CredentialRights {
  credentialId: string;
  reviewerLevel: number;
  isOperator: boolean;
  scopes: TokenScope[] | null;
}

/** The present rights of several credentials; one that ended, expired, or whose account is disabled is left out. */
export function findCredentialRights(database: Database, credentialIds: string[]): Promise<CredentialRights[]> {
  const keys = credentialIds.flatMap((id) => (id.startsWith('session:') ? [id.slice('session:'.length)] : []));
  const tokens = credentialIds.flatMap((id) => (id.startsWith('token:') ? [Number(id.slice('token:'.length))] : []));
  return database.query<CredentialRights>(
    `SELECT 'session:' || w.key AS "credentialId", u.reviewer_level AS "reviewerLevel", u.is_operator AS "isOperator",
       NULL::text[] AS scopes
     FROM web_sessions w JOIN users u ON u.id = w.user_id
     WHERE w.key = ANY($1::uuid[]) AND w.expires_at > now() AND u.disabled_at IS NULL
     UNION ALL
     SELECT 'token:' || t.id, u.reviewer_level, u.is_operator, t.scopes
     FROM api_tokens t JOIN users u ON u.id = t.user_id
     WHERE t.id = ANY($2::int[]) AND t.expires_at > now() AND u.disabled_at IS NULL`,
    [keys, tokens],
  );
}
