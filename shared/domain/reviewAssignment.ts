import { LEVEL_FOR_PRIORITY, OVERRIDE_LEVEL } from '#shared/domain/review.ts';
import {
  heldRefusal,
  isOwnWork,
  refusal,
  type ReviewActor,
  type ReviewFacts,
  type RuleRefusal,
} from '#shared/domain/reviewRules.ts';

/** How many open reviews a person of each level, 0 to 4, may hold; null: any number. */
export type ClaimLimits = ReadonlyArray<number | null>;

/** A review that somebody holds. */
export interface HeldReview {
  id: number;
  title: string;
}

/** Who is to hold a review. */
export interface AssigneeFacts {
  id: number;
  username: string;
  reviewerLevel: number;
  /** Disabled, or no person but a program. */
  disabled: boolean;
  /** Null or past: not away. */
  awayUntil: Date | null;
  held: readonly HeldReview[];
}

/** A review on its way to somebody. */
export interface Assignment {
  review: ReviewFacts & { id: number };
  actor: ReviewActor;
  /** Null: there is no such account. */
  assignee: AssigneeFacts | null;
  force: boolean;
  limits: ClaimLimits;
  now: Date;
}

/** REVIEW_CLAIM_LIMIT, with the reviews held, when the person holds as many as their level may beside this one. */
export function claimLimitRefusal(
  person: Pick<AssigneeFacts, 'reviewerLevel' | 'held'>,
  { reviewId, limits }: { reviewId: number; limits: ClaimLimits },
): RuleRefusal | null {
  const limit = limits[person.reviewerLevel] ?? null;
  const held = person.held.filter(({ id }) => id !== reviewId);
  if (limit === null || held.length < limit) return null;
  const names = held.map(({ id, title }) => `${id} (${title})`).join(', ');
  return refusal('REVIEW_CLAIM_LIMIT', `Level ${person.reviewerLevel} holds at most ${limit} reviews: ${names}.`, {
    limit,
    held,
  });
}

/**
 * Why the review cannot be given to that person; null when it can. Level 4 may force it on who is away or holds many;
 * nothing gives it to somebody who may not decide it.
 */
export function assigneeRefusal(assignment: Assignment): RuleRefusal | null {
  const { review, actor, assignee, limits, now } = assignment;
  if (assignee === null || assignee.disabled) return unfit('account', 'The account does not exist or is disabled.');
  const { username } = assignee;
  if (review.assignedTo?.id === assignee.id) return heldRefusal(review, actor.id);
  if (review.assignedTo === null && assignee.id === actor.id)
    return unfit('self', 'Claim the review yourself instead.');
  if (isOwnWork(review, assignee.id)) return unfit('own_work', `${username} submitted this session or edited it.`);
  const needed = LEVEL_FOR_PRIORITY[review.priority];
  if (assignee.reviewerLevel < needed) {
    return unfit(
      'level',
      `A review of priority ${review.priority} needs level ${needed}; ${username} has ${assignee.reviewerLevel}.`,
    );
  }
  if (assignment.force && actor.reviewerLevel >= OVERRIDE_LEVEL) return null;
  if (assignee.awayUntil !== null && assignee.awayUntil > now) {
    return unfit('away', `${username} is away until ${assignee.awayUntil.toISOString()}.`);
  }
  return claimLimitRefusal(assignee, { reviewId: review.id, limits });
}

function unfit(reason: string, detail: string): RuleRefusal {
  return refusal('REVIEW_ASSIGNEE_REFUSED', detail, { reason });
}
