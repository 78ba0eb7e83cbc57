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
    awayUntil: presentAway(user.awayUntil),
    notifyOnlyMyTurn: user.notifyOnlyMyTurn,
    createdAt: user.createdAt.toISOString(),
  };
}

/** Until when somebody is away; null for who is here, or is back. */
export function presentAway(until: Date | null): string | null {
  return until !== null && until > new Date() ? until.toISOString() : null;
}
