import type { IncomingMessage } from 'node:http';
import type { Socket } from 'socket.io';
import type { ApiDeps } from '#api/deps.ts';
import { authenticate } from '#api/auth/authenticate.ts';
import { allowedOrigin, requireOrigin } from '#api/http/origin.ts';
import type { Caller } from '#api/http/route.ts';
import type { TokenScope } from '#shared/contracts/user.ts';
import { AppError } from '#shared/domain/errors.ts';

/** True when the connection may be made at all: from our own page, or from a program, which sends no Origin. */
export function mayConnect(deps: Pick<ApiDeps, 'config'>, request: IncomingMessage): boolean {
  const { origin } = request.headers;
  return origin === undefined || origin === allowedOrigin(deps.config);
}

/**
 * Who opens a socket: by cookie from our own page, or by a token in the Authorization header or the handshake's
 * `auth.token`. Throws as an HTTP request would.
 */
export async function authenticateSocket(
  deps: Pick<ApiDeps, 'config' | 'database'>,
  handshake: Socket['handshake'],
  scope: TokenScope,
): Promise<Caller> {
  const { token } = handshake.auth as { token?: unknown };
  const headers = typeof token === 'string' ? { authorization: `Bearer ${token}` } : handshake.headers;
  const caller = await authenticate(deps, headers);
  if (!caller) throw new AppError('NOT_AUTHENTICATED');
  if (caller.scopes === null) requireOrigin(deps.config, handshake.headers.origin);
  else if (!caller.scopes.includes(scope)) {
    throw new AppError('SCOPE_MISSING', { detail: `The token lacks the scope ${scope}.` });
  }
  return caller;
}

/** The caller's address behind as many proxies as the configuration trusts; the same rule as express's `trust proxy`. */
export function addressOfConnection(request: IncomingMessage, trustedHops: number): string {
  const direct = request.socket.remoteAddress ?? 'unknown';
  if (trustedHops === 0) return direct;
  const forwarded = String(request.headers['x-forwarded-for'] ?? '')
    .split(',')
    .map((part) => part.trim())
    .filter(Boolean);
  return forwarded.at(-trustedHops) ?? forwarded[0] ?? direct;
}
