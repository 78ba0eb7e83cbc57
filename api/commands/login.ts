import { startSignIn, type SignInOrigin } from '#api/auth/signIn.ts';
import { checkPassword } from '#api/commands/checkPassword.ts';
import type { ApiDeps } from '#api/deps.ts';
import type { RateLimits } from '#api/http/rateLimits.ts';
import { networkOf } from '#api/http/networks.ts';
import type { Login } from '#shared/contracts/user.ts';
import { foldName } from '#shared/domain/accountNames.ts';
import { AppError } from '#shared/domain/errors.ts';
import { appendAudit } from '#platform/db/repositories/auditLog.ts';
import { findUserByKey, type UserRecord } from '#platform/db/repositories/users.ts';
import { digestOf } from '#platform/security/digests.ts';

/** A sign-in and where it comes from. */
export interface LoginInput {
  credentials: Login;
  origin: SignInOrigin;
  requestId: string;
}

/**
 * Signs a person in under a new id. An unknown name, a wrong password and a disabled account give the same
 * BAD_CREDENTIALS after the same work. Throws RATE_LIMITED after too many tries for the account.
 */
export async function login(
  deps: ApiDeps,
  limits: RateLimits,
  input: LoginInput,
): Promise<{ user: UserRecord; signInId: string }> {
  const key = foldName(input.credentials.username.trim());
  const counted = await countTry(limits, key, input.origin.address);
  const found = await findUserByKey(deps.database, key);
  const usable = found && found.disabledAt === null ? found : null;
  const matches = await checkPassword(usable?.passwordHash ?? null, input.credentials.password);
  const audit = { action: 'login', target: null, address: input.origin.address, requestId: input.requestId };
  if (!usable || !matches) {
    await appendAudit(deps.database, { ...audit, actorId: found?.id ?? null, outcome: 'refused' });
    throw new AppError('BAD_CREDENTIALS');
  }
  await counted.forget();
  const signInId = await deps.database.transaction(async (tx) => {
    await appendAudit(deps.database, { ...audit, actorId: usable.id, outcome: 'done' }, tx);
    return startSignIn(deps, { userId: usable.id, origin: input.origin }, tx);
  });
  return { user: usable, signInId };
}

/** Few tries from one network, more from all together, so that a stranger elsewhere cannot lock the owner out at once. */
async function countTry(limits: RateLimits, key: string, address: string): Promise<{ forget(): Promise<void> }> {
  // Digests: a name may be longer than a key, and people type passwords into the field for names.
  const account = digestOf(key);
  const fromNetwork = digestOf(`${key}\n${networkOf(address)}`);
  await limits.take('accountFromNetwork', fromNetwork);
  await limits.take('account', account);
  return { forget: () => limits.forget('accountFromNetwork', fromNetwork) };
}
