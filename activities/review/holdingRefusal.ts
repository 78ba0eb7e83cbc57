import type { Database, Tx } from '#platform/db/database.ts';
import { lockAssignee } from '#platform/db/repositories/assignees.ts';
import { assigneeRefusal, claimLimitRefusal, type ClaimLimits } from '#shared/domain/reviewAssignment.ts';
import { refusal, type RuleRefusal } from '#shared/domain/reviewRules.ts';
import type { Attempt } from '#activities/review/transitionAttempt.ts';

/** Why the person who is to hold the review may not; null when they may, or when nobody new is to hold it. */
export async function holdingRefusal(
  database: Database,
  { review, actor, input, limits }: Attempt & { limits: ClaimLimits },
  tx: Tx,
): Promise<RuleRefusal | null> {
  if (actor === null) return null;
  if (input.action === 'claim') {
    const person = await lockAssignee(database, actor.id, tx);
    // Read again under the account's lock: it may have been erased since the claim began.
    if (person === null || person.disabled) return refusal('FORBIDDEN', 'The account does not exist or is disabled.');
    return claimLimitRefusal(person, { reviewId: review.id, limits });
  }
  if (input.action !== 'reassign') return null;
  const assignee = await lockAssignee(database, input.assigneeId ?? 0, tx);
  return assigneeRefusal({ review, actor, assignee, force: input.force ?? false, limits, now: new Date() });
}
