import { LEVEL_FOR_PRIORITY, MIN_REJECTION_SUMMARY, OVERRIDE_LEVEL } from '#shared/domain/review.ts';
import { isOpenReview, statusesOf } from '#shared/domain/reviewTransitions.ts';
import type { ReviewRecord } from '#platform/db/repositories/reviews.ts';
import { refuse } from '#activities/review/refusals.ts';
import type { TransitionInput, TransitionRefusal } from '#workflows/review/review.ports.ts';

/** Who asks, with the level that they have at this moment; null for a timer. */
export interface Actor {
  id: number;
  username: string;
  reviewerLevel: number;
  disabled: boolean;
}

/** A transition about to be written: the locked row, who asks, and what they ask. */
export interface Attempt {
  review: ReviewRecord;
  actor: Actor | null;
  input: TransitionInput;
}

type Rule = (attempt: Attempt & { actor: Actor }) => TransitionRefusal | null;

/** Why the row does not allow the transition; null when it does. Judged under the row's lock, with the levels of now. */
export function transitionRefusal(attempt: Attempt): TransitionRefusal | null {
  const { review, actor, input } = attempt;
  const withdrawn = review.withdrawnAt !== null;
  if (!isOpenReview({ status: review.status, withdrawn })) {
    return refuse('REVIEW_ALREADY_DECIDED', `The review is ${withdrawn ? 'withdrawn' : review.status}.`);
  }
  if (statusesOf(input.action, review.status) === null) {
    return refuse('REVIEW_NOT_CLAIMED', 'Nobody holds this review.');
  }
  if (input.action === 'leaseEnded') return null;
  if (actor === null || actor.disabled) return refuse('FORBIDDEN', 'The account does not exist or is disabled.');
  for (const rule of RULES[input.action]) {
    const refusal = rule({ ...attempt, actor });
    if (refusal !== null) return refusal;
  }
  return null;
}

const ready: Rule = ({ review }) =>
  review.snapshotId === null ? refuse('REVIEW_NOT_READY', 'The snapshot is being made.') : null;

const notOwnWork: Rule = ({ review, actor }) =>
  review.submittedBy.id === actor.id || review.editorIds.includes(actor.id)
    ? refuse('REVIEW_OWN_WORK', 'You submitted this session or edited it.')
    : null;

const levelForPriority: Rule = ({ review, actor }) => {
  const needed = LEVEL_FOR_PRIORITY[review.priority];
  return actor.reviewerLevel < needed
    ? refuse('REVIEW_LEVEL_TOO_LOW', `A review of priority ${review.priority} needs level ${needed}.`, { needed })
    : null;
};

const overrideLevel: Rule = ({ actor }) =>
  actor.reviewerLevel < OVERRIDE_LEVEL
    ? refuse('REVIEW_LEVEL_TOO_LOW', `An override needs level ${OVERRIDE_LEVEL}.`, { needed: OVERRIDE_LEVEL })
    : null;

const free: Rule = ({ review, actor }) => (review.assignedTo === null ? null : heldBy(review, actor.id));

const holder: Rule = ({ review, actor }) => (review.assignedTo?.id === actor.id ? null : notHolder(review));

/** Level 4 may decide any review; the claim that it implies is a history row of its own. */
const holderOrOverrider: Rule = ({ review, actor }) =>
  review.assignedTo?.id === actor.id || actor.reviewerLevel >= OVERRIDE_LEVEL ? null : notHolder(review);

const submitter: Rule = ({ review, actor }) =>
  review.submittedBy.id === actor.id ? null : refuse('FORBIDDEN', 'Only the submitter can do this.');

const sameSnapshot: Rule = ({ review, input }) =>
  input.expectedSnapshotId === review.snapshotId
    ? null
    : refuse('REVIEW_SNAPSHOT_CHANGED', `The review is about snapshot ${review.snapshotId} now.`, {
        snapshotId: review.snapshotId,
      });

const noOpenIssues: Rule = ({ review }) =>
  review.openIssues === 0
    ? null
    : refuse('REVIEW_OPEN_ISSUES', `${review.openIssues} unresolved.`, { openIssues: review.openIssues });

const reasonForNo: Rule = ({ review, input }) =>
  review.openIssues > 0 || input.note.trim().length >= MIN_REJECTION_SUMMARY
    ? null
    : refuse('REVIEW_REASON_REQUIRED', 'There is no open issue and the summary is short.');

const reasonForOverride: Rule = ({ input }) =>
  input.note.trim().length >= MIN_REJECTION_SUMMARY
    ? null
    : refuse('REVIEW_REASON_REQUIRED', 'An override needs a reason.');

const RULES: Readonly<Record<Exclude<TransitionInput['action'], 'leaseEnded'>, readonly Rule[]>> = {
  claim: [ready, notOwnWork, levelForPriority, free],
  release: [holder],
  approve: [ready, notOwnWork, levelForPriority, holderOrOverrider, sameSnapshot, noOpenIssues],
  reject: [ready, notOwnWork, levelForPriority, holderOrOverrider, sameSnapshot, reasonForNo],
  override: [ready, notOwnWork, overrideLevel, sameSnapshot, reasonForOverride],
  withdraw: [submitter],
};

/** Tells the loser of a claim who holds the review, and until when. */
export function heldBy(review: ReviewRecord, actorId: number): TransitionRefusal {
  const until = review.claimExpiresAt?.toISOString() ?? null;
  const detail =
    review.assignedTo?.id === actorId
      ? 'You hold this review already.'
      : `${review.assignedTo?.username ?? 'Somebody'} holds this review until ${until ?? 'it is released'}.`;
  return refuse('REVIEW_ALREADY_CLAIMED', detail, { holder: review.assignedTo, claimExpiresAt: until });
}

function notHolder(review: ReviewRecord): TransitionRefusal {
  return review.assignedTo === null
    ? refuse('REVIEW_NOT_CLAIMED', 'Nobody holds this review.')
    : refuse('REVIEW_NOT_CLAIMED', `${review.assignedTo.username} holds this review.`, { holder: review.assignedTo });
}
