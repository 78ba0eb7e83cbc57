import type { Account } from '#shared/contracts/user.ts';
import type { UserRecord } from '#platform/db/repositories/users.ts';

/** An account as its owner and operators see it. */
export function presentAccount(user: UserRecord): Account {
  return {
    id: user.id,
    username: user.username,
    email: user.email,
    isReviewer: user.isReviewer,
    reviewerLevel: user.reviewerLevel,
    isOperator: user.isOperator,
    awayUntil: user.awayUntil !== null && user.awayUntil > new Date() ? user.awayUntil.toISOString() : null,
    notifyOnlyMyTurn: user.notifyOnlyMyTurn,
    createdAt: user.createdAt.toISOString(),
  };
}
