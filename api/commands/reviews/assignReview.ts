import { loadReview } from '#api/commands/reviews/loadReview.ts';
import type { ApiDeps } from '#api/deps.ts';
import type { Caller } from '#api/http/route.ts';
import { assertAllowed, refuseReassign } from '#api/policies/reviewPolicy.ts';
import { claimLimits } from '#platform/config/claimLimits.ts';
import { findAssignee, listAssignees } from '#platform/db/repositories/assignees.ts';
import { findLeastLoadedReviewer } from '#platform/db/repositories/reviewerLoad.ts';
import type { ReviewRecord } from '#platform/db/repositories/reviews.ts';
import type { ReassignReview } from '#shared/contracts/review.ts';
import { AppError } from '#shared/domain/errors.ts';
import { LEVEL_FOR_PRIORITY, OVERRIDE_LEVEL } from '#shared/domain/review.ts';
import {
  assigneeRefusal,
  claimLimitRefusal,
  type AssigneeFacts,
  type ClaimLimits,
} from '#shared/domain/reviewAssignment.ts';
import type { DecisionWords, RuleRefusal } from '#shared/domain/reviewRules.ts';

type Deps = Pick<ApiDeps, 'config' | 'database'>;
type Asker = Pick<Caller, 'id' | 'reviewerLevel'>;

/** Who might get the review, and why not, if so. */
export interface Candidate {
  person: AssigneeFacts;
  refusal: RuleRefusal | null;
}

/** The words of a reassignment. Without a person it goes to whoever holds the fewest. Throws REVIEW_NO_ASSIGNEE when nobody can. */
export async function reassignWords(
  deps: Deps,
  { caller, reviewId }: { caller: Asker; reviewId: number },
  body: ReassignReview,
): Promise<DecisionWords> {
  const words = { expectedSnapshotId: null, note: body.reason, force: body.force };
  if (body.userId !== undefined) return { ...words, assigneeId: body.userId };
  const review = await loadReview(deps, caller, { id: reviewId });
  assertAllowed(refuseReassign(caller, review, words));
  const needed = LEVEL_FOR_PRIORITY[review.priority];
  const found = await findLeastLoadedReviewer(deps.database, {
    reviewId,
    minLevel: needed,
    maxLevel: OVERRIDE_LEVEL,
    limits: claimLimits(deps.config),
    except: [caller.id],
  });
  if (found !== null) return { ...words, assigneeId: found.id };
  const detail = `No other reviewer of level ${needed} is there who may decide it, is not away and can hold one more.`;
  throw new AppError('REVIEW_NO_ASSIGNEE', { detail, data: { needed } });
}

/** Why the person who is to hold the review may not, by what the database says now; the workflow's activity asks again. */
export async function refuseHolding(
  { config, database }: Deps,
  { caller, review, action, words }: { caller: Asker; review: ReviewRecord; action: string; words: DecisionWords },
): Promise<RuleRefusal | null> {
  const limits = claimLimits(config);
  if (action === 'claim') {
    const person = await findAssignee(database, caller.id);
    return person === null ? null : claimLimitRefusal(person, { reviewId: review.id, limits });
  }
  if (action !== 'reassign') return null;
  const assignee = await findAssignee(database, words.assigneeId ?? 0);
  return refuseAssignee({ caller, review, assignee, limits }, words.force ?? false);
}

/** Everybody whose level and distance allow them to decide the review, and who of them cannot get it now. */
export async function listCandidates(deps: Deps, caller: Asker, reviewId: number): Promise<Candidate[]> {
  const review = await loadReview(deps, caller, { id: reviewId });
  assertAllowed(refuseReassign(caller, review));
  const people = await listAssignees(deps.database, { reviewId, minLevel: LEVEL_FOR_PRIORITY[review.priority] });
  const limits = claimLimits(deps.config);
  return people.map((person) => ({
    person,
    refusal: refuseAssignee({ caller, review, assignee: person, limits }, false),
  }));
}

function refuseAssignee(
  given: { caller: Asker; review: ReviewRecord; assignee: AssigneeFacts | null; limits: ClaimLimits },
  force: boolean,
): RuleRefusal | null {
  const { caller, review, assignee, limits } = given;
  return assigneeRefusal({ review, actor: caller, assignee, force, limits, now: new Date() });
}
