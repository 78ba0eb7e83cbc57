import { timingSafeEqual } from 'node:crypto';
import type { Transaction } from 'sequelize';
import { startSignIn, type SignInOrigin } from '#api/auth/signIn.ts';
import { protectPassword } from '#api/commands/checkPassword.ts';
import type { ApiDeps } from '#api/deps.ts';
import type { Register } from '#shared/contracts/user.ts';
import { foldName, normalizeName, usernameProblem } from '#shared/domain/accountNames.ts';
import { AppError } from '#shared/domain/errors.ts';
import { OVERRIDE_LEVEL } from '#shared/domain/review.ts';
import { appendAudit } from '#platform/db/repositories/auditLog.ts';
import {
  anyUserExists,
  findTakenKeys,
  insertUser,
  lockFirstAccount,
  type UserRecord,
} from '#platform/db/repositories/users.ts';
import { digestOf } from '#platform/security/digests.ts';
import { passwordWeakness } from '#platform/security/passwordStrength.ts';

/** A registration and where it comes from. */
export interface RegisterInput {
  account: Register;
  origin: SignInOrigin;
  requestId: string;
}

/**
 * Makes an account and signs it in. The first one, decided under a lock, is the operator with level 4. Throws
 * INVALID_INPUT, PASSWORD_TOO_WEAK, USERNAME_TAKEN, EMAIL_TAKEN or OPERATOR_CODE_REQUIRED.
 */
export async function register(deps: ApiDeps, input: RegisterInput): Promise<{ user: UserRecord; signInId: string }> {
  const username = normalizeName(input.account.username);
  const email = normalizeName(input.account.email);
  checkAccount({ ...input.account, username, email });
  const passwordHash = await protectPassword(input.account.password);
  const keys = { usernameKey: foldName(username), emailKey: foldName(email) };
  return deps.database.transaction(async (tx) => {
    const first = await isFirstAccount(deps, input, tx);
    const taken = await findTakenKeys(deps.database, keys, tx);
    if (taken.username) throw new AppError('USERNAME_TAKEN', { errors: [{ path: 'username', message: 'is taken' }] });
    if (taken.email) throw new AppError('EMAIL_TAKEN', { errors: [{ path: 'email', message: 'is taken' }] });
    const rights = { reviewerLevel: first ? OVERRIDE_LEVEL : 0, isOperator: first };
    const user = await insertUser(deps.database, { username, email, passwordHash, ...keys, ...rights }, tx);
    const signInId = await startSignIn(deps, { userId: user.id, origin: input.origin }, tx);
    await appendAudit(deps.database, { ...auditOf(input), actorId: user.id, outcome: 'done', details: rights }, tx);
    return { user, signInId };
  });
}

function checkAccount(account: Register): void {
  const problem = usernameProblem(account.username);
  if (problem !== null) {
    throw new AppError('INVALID_INPUT', {
      detail: `The user name ${problem}.`,
      errors: [{ path: 'username', message: problem }],
    });
  }
  const weakness = passwordWeakness(account.password, [account.username, account.email]);
  if (weakness !== null) {
    throw new AppError('PASSWORD_TOO_WEAK', { errors: [{ path: 'password', message: weakness }] });
  }
}

async function isFirstAccount(deps: ApiDeps, input: RegisterInput, tx: Transaction): Promise<boolean> {
  await lockFirstAccount(deps.database, tx);
  if (await anyUserExists(deps.database, tx)) return false;
  const wanted = deps.config.BERTH_OPERATOR_CODE;
  if (wanted === '' || sameSecret(wanted, input.account.operatorCode ?? '')) return true;
  // Outside the transaction, which is rolled back.
  await appendAudit(deps.database, {
    ...auditOf(input),
    actorId: null,
    outcome: 'refused',
    details: { why: 'operator code' },
  });
  throw new AppError('OPERATOR_CODE_REQUIRED', {
    errors: [{ path: 'operatorCode', message: 'is not the printed code' }],
  });
}

function auditOf(input: RegisterInput): { action: string; target: null; address: string; requestId: string } {
  return { action: 'register', target: null, address: input.origin.address, requestId: input.requestId };
}

function sameSecret(one: string, other: string): boolean {
  return timingSafeEqual(Buffer.from(digestOf(one)), Buffer.from(digestOf(other)));
}
