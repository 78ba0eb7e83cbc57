import type { IncomingHttpHeaders } from 'node:http';
import type { ApiDeps } from '#api/deps.ts';
import type { Caller } from '#api/http/route.ts';
import { readCookie } from '#api/auth/cookies.ts';
import { digestOf } from '#platform/security/digests.ts';
import { findTokenBearer } from '#platform/db/repositories/apiTokens.ts';
import { findSignedIn } from '#platform/db/repositories/webSessions.ts';
import { AppError } from '#shared/domain/errors.ts';

/** Where tokens begin, so that people and scanners recognise a leaked one. */
export const TOKEN_PREFIX = 'berth_';

/**
 * Who sends these headers: the bearer of a token, or else whoever the cookie signs in; null without either. Throws
 * NOT_AUTHENTICATED or TOKEN_EXPIRED for a token that is no good: a wrong token never falls back to a cookie.
 */
export async function authenticate(
  deps: Pick<ApiDeps, 'config' | 'database'>,
  headers: IncomingHttpHeaders,
): Promise<Caller | null> {
  if (headers.authorization !== undefined) return bearerOf(deps, headers.authorization);
  const id = readCookie(deps.config, headers.cookie);
  if (!id) return null;
  const signedIn = await findSignedIn(deps.database, digestOf(id));
  if (!signedIn) return null;
  return {
    id: signedIn.userId,
    username: signedIn.username,
    reviewerLevel: signedIn.reviewerLevel,
    isOperator: signedIn.isOperator,
    scopes: null,
    credentialId: credentialOfWebSession(signedIn.key),
  };
}

async function bearerOf(deps: Pick<ApiDeps, 'database'>, authorization: string): Promise<Caller> {
  const token = /^Bearer +(\S{1,200})$/i.exec(authorization)?.[1];
  const bearer = token?.startsWith(TOKEN_PREFIX) ? await findTokenBearer(deps.database, digestOf(token)) : null;
  if (!bearer) throw new AppError('NOT_AUTHENTICATED', { detail: 'The token is not known.' });
  if (bearer.expired) throw new AppError('TOKEN_EXPIRED');
  return {
    id: bearer.userId,
    username: bearer.username,
    reviewerLevel: bearer.reviewerLevel,
    isOperator: bearer.isOperator,
    scopes: bearer.scopes,
    credentialId: `token:${bearer.tokenId}`,
  };
}

/** The credential that a sign-in's sockets carry. */
export function credentialOfWebSession(key: string): string {
  return `session:${key}`;
}

/** The key of the sign-in behind a caller, null for a token. */
export function webSessionKeyOf(caller: Pick<Caller, 'credentialId'>): string | null {
  return caller.credentialId.startsWith('session:') ? caller.credentialId.slice('session:'.length) : null;
}
