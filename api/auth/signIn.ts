import type { ApiDeps } from '#api/deps.ts';
import { SIGN_IN_MS } from '#api/auth/cookies.ts';
import type { Tx } from '#platform/db/database.ts';
import { insertWebSession } from '#platform/db/repositories/webSessions.ts';
import { digestOf, newSecret } from '#platform/security/digests.ts';

/** From where somebody signs in. */
export interface SignInOrigin {
  address: string;
  userAgent: string;
}

/** Signs a person in under a new id and returns it; only its digest is stored. */
export async function startSignIn(
  deps: Pick<ApiDeps, 'database'>,
  { userId, origin }: { userId: number; origin: SignInOrigin },
  tx: Tx = null,
): Promise<string> {
  const id = newSecret();
  await insertWebSession(
    deps.database,
    {
      idHash: digestOf(id),
      userId,
      address: origin.address,
      userAgent: origin.userAgent.slice(0, 300),
      expiresAt: new Date(Date.now() + SIGN_IN_MS),
    },
    tx,
  );
  return id;
}
