import type { ApiDeps } from '#api/deps.ts';
import { TOKEN_PREFIX } from '#api/auth/authenticate.ts';
import type { CreateToken } from '#shared/contracts/user.ts';
import { AppError } from '#shared/domain/errors.ts';
import { appendAudit } from '#platform/db/repositories/auditLog.ts';
import {
  countApiTokens,
  deleteApiToken,
  insertApiToken,
  type ApiTokenRecord,
} from '#platform/db/repositories/apiTokens.ts';
import { lockUser } from '#platform/db/repositories/users.ts';
import { digestOf, newSecret } from '#platform/security/digests.ts';

/** Tokens that one person may have. */
export const MAX_TOKENS = 50;
const DAY_MS = 24 * 60 * 60 * 1_000;

/** Who changes their tokens, and from where. */
export interface TokenActor {
  actorId: number;
  address: string;
  requestId: string;
}

/** Makes a token; its secret is in this answer and nowhere else. Throws INVALID_INPUT when the person has too many. */
export function createToken(
  deps: ApiDeps,
  actor: TokenActor,
  wanted: CreateToken,
): Promise<{ token: ApiTokenRecord; secret: string }> {
  const secret = `${TOKEN_PREFIX}${newSecret()}`;
  return deps.database.transaction(async (tx) => {
    await lockUser(deps.database, actor.actorId, tx);
    if ((await countApiTokens(deps.database, actor.actorId, tx)) >= MAX_TOKENS) {
      throw new AppError('INVALID_INPUT', { detail: `You have ${MAX_TOKENS} tokens already; delete one first.` });
    }
    const token = await insertApiToken(
      deps.database,
      {
        userId: actor.actorId,
        name: wanted.name,
        tokenHash: digestOf(secret),
        scopes: [...new Set(wanted.scopes)],
        expiresAt: new Date(Date.now() + wanted.expiresInDays * DAY_MS),
      },
      tx,
    );
    const details = { scopes: token.scopes, expiresAt: token.expiresAt };
    await appendAudit(
      deps.database,
      { ...actor, action: 'token-create', target: `token:${token.id}`, outcome: 'done', details },
      tx,
    );
    return { token, secret };
  });
}

/** Ends a token. Throws NOT_FOUND when it is not the actor's. */
export function revokeToken(deps: ApiDeps, actor: TokenActor, id: number): Promise<void> {
  return deps.database.transaction(async (tx) => {
    if (!(await deleteApiToken(deps.database, { userId: actor.actorId, id }, tx))) throw new AppError('NOT_FOUND');
    await appendAudit(deps.database, { ...actor, action: 'token-revoke', target: `token:${id}`, outcome: 'done' }, tx);
  });
}
