import type { Token } from '#shared/contracts/user.ts';
import type { ApiTokenRecord } from '#platform/db/repositories/apiTokens.ts';

/** A token as its owner sees it: never its secret. */
export function presentToken(token: ApiTokenRecord): Token {
  return {
    id: token.id,
    name: token.name,
    scopes: token.scopes,
    expiresAt: token.expiresAt.toISOString(),
    lastUsedAt: token.lastUsedAt?.toISOString() ?? null,
    createdAt: token.createdAt.toISOString(),
  };
}
