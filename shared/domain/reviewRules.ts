import type { ErrorCode } from '#shared/domain/errorCatalogue.ts';
import {
  LEVEL_FOR_PRIORITY,
  MIN_REJECTION_SUMMARY,
  OVERRIDE_LEVEL,
  type ReviewPriority,
  type ReviewStatus,
} from '#shared/domain/review.ts';
import { isOpenReview, statusesOf, type ReviewTransitionAction } from '#shared/domain/reviewTransitions.ts';

/** What the rules look at in a review. */
export interface ReviewFacts {
  status: ReviewStatus;
  withdrawnAt: Date | null;
  priority: ReviewPriority;
  submittedBy: { id: number };
  assignedTo: { id: number; username: string } | null;
  claimExpiresAt: Date | null;
  snapshotId: number | null;
  openIssues: number;
  /** Everyone who edited the snapshot. */
  editorIds: readonly number[];
}

/** Who asks, with the level that they have now. */
interface ReviewActor {
  id: number;
  reviewerLevel: number;
}

/** What a decision says: the snapshot that it is about, and its summary or reason. */
export interface DecisionWords {
  expectedSnapshotId: number | null;
  note: string;
  /** The receipts that a verdict cites. */
  receiptIds?: readonly number[];
}

/** Why something is refused: a code of the catalogue, the sentence of this case, and what a page may show with it. */
export interface RuleRefusal {
  code: ErrorCode;
  detail: string;
  data: Record<string, unknown>;
}

/** An action of a person on a review. `words` null asks whether the action is open to them at all, whatever they would say. */
export interface DecisionAttempt {
  review: ReviewFacts;
  actor: ReviewActor;
  words: DecisionWords | null;
}

type Rule = (attempt: DecisionAttempt) => RuleRefusal | null;

/** The actions of people; a timer's end of a claim has no rule but the clock. */
export type DecisionAction = Exclude<ReviewTransitionAction, 'leaseEnded'>;

/**
 * Why the review does not allow the decision; null when it does. The api asks before it troubles the workflow and for the
 * list of a person's actions; the activity asks again under the row's lock, and its answer counts.
 */
export function decisionRefusal(action: DecisionAction, attempt: DecisionAttempt): RuleRefusal | null {
  const closed = closedRefusal(attempt.review);
  if (closed !== null) return closed;
  if (statusesOf(action, attempt.review.status) === null)
    return refusal('REVIEW_NOT_CLAIMED', 'Nobody holds this review.');
  for (const rule of RULES[action]) {
    const refused = rule(attempt);
    if (refused !== null) return refused;
  }
  return null;
}

/** REVIEW_ALREADY_DECIDED once the review has a verdict or was withdrawn; null while it is open. */
export function closedRefusal(review: Pick<ReviewFacts, 'status' | 'withdrawnAt'>): RuleRefusal | null {
  const withdrawn = review.withdrawnAt !== null;
  if (isOpenReview({ status: review.status, withdrawn })) return null;
  return refusal('REVIEW_ALREADY_DECIDED', `The review is ${withdrawn ? 'withdrawn' : review.status}.`);
}

/** True for the submitter and for everyone who edited the snapshot: they have no reviewer's rights, whatever their level. */
export function isOwnWork(review: Pick<ReviewFacts, 'submittedBy' | 'editorIds'>, actorId: number): boolean {
  return review.submittedBy.id === actorId || review.editorIds.includes(actorId);
}

/** Tells the loser of a claim who holds the review, and until when. */
export function heldRefusal(review: Pick<ReviewFacts, 'assignedTo' | 'claimExpiresAt'>, actorId: number): RuleRefusal {
  const until = review.claimExpiresAt?.toISOString() ?? null;
  const detail =
    review.assignedTo?.id === actorId
      ? 'You hold this review already.'
      : `${review.assignedTo?.username ?? 'Somebody'} holds this review until ${until ?? 'it is released'}.`;
  return refusal('REVIEW_ALREADY_CLAIMED', detail, { holder: review.assignedTo, claimExpiresAt: until });
}

function refusal(code: ErrorCode, detail: string, data: Record<string, unknown> = {}): RuleRefusal {
  return { code, detail, data };
}

const ready: Rule = ({ review }) =>
  review.snapshotId === null ? refusal('REVIEW_NOT_READY', 'The snapshot is being made.') : null;

const notOwnWork: Rule = ({ review, actor }) =>
  isOwnWork(review, actor.id) ? refusal('REVIEW_OWN_WORK', 'You submitted this session or edited it.') : null;

const levelForPriority: Rule = ({ review, actor }) => {
  const needed = LEVEL_FOR_PRIORITY[review.priority];
  if (actor.reviewerLevel >= needed) return null;
  return refusal('REVIEW_LEVEL_TOO_LOW', `A review of priority ${review.priority} needs level ${needed}.`, { needed });
};

const overrideLevel: Rule = ({ actor }) =>
  actor.reviewerLevel >= OVERRIDE_LEVEL
    ? null
    : refusal('REVIEW_LEVEL_TOO_LOW', `An override needs level ${OVERRIDE_LEVEL}.`, { needed: OVERRIDE_LEVEL });

const free: Rule = ({ review, actor }) => (review.assignedTo === null ? null : heldRefusal(review, actor.id));

const holder: Rule = ({ review, actor }) => {
  if (review.assignedTo?.id === actor.id) return null;
  return review.assignedTo === null
    ? refusal('REVIEW_NOT_CLAIMED', 'Nobody holds this review.')
    : refusal('REVIEW_NOT_CLAIMED', `${review.assignedTo.username} holds this review.`, { holder: review.assignedTo });
};

/** Level 4 may decide any review; the claim that this implies is a history row of its own. */
const holderOrOverrider: Rule = (attempt) => (attempt.actor.reviewerLevel >= OVERRIDE_LEVEL ? null : holder(attempt));

const submitter: Rule = ({ review, actor }) =>
  review.submittedBy.id === actor.id ? null : refusal('FORBIDDEN', 'Only the submitter can do this.');

const sameSnapshot: Rule = ({ review, words }) => {
  if (words === null || words.expectedSnapshotId === review.snapshotId) return null;
  const { snapshotId } = review;
  return refusal('REVIEW_SNAPSHOT_CHANGED', `The review is about snapshot ${snapshotId} now.`, { snapshotId });
};

const noOpenIssues: Rule = ({ review }) => {
  const { openIssues } = review;
  return openIssues === 0 ? null : refusal('REVIEW_OPEN_ISSUES', `Unresolved issues: ${openIssues}.`, { openIssues });
};

const reasonForNo: Rule = ({ review, words }) =>
  words === null || review.openIssues > 0 || isReason(words.note)
    ? null
    : refusal('REVIEW_REASON_REQUIRED', 'There is no open issue, and the summary is short.');

const reasonForOverride: Rule = ({ words }) =>
  words === null || isReason(words.note) ? null : refusal('REVIEW_REASON_REQUIRED', 'An override needs a reason.');

function isReason(note: string): boolean {
  return note.trim().length >= MIN_REJECTION_SUMMARY;
}

const RULES: Readonly<Record<DecisionAction, readonly Rule[]>> = {
  claim: [ready, notOwnWork, levelForPriority, free],
  release: [holder],
  approve: [ready, notOwnWork, levelForPriority, holderOrOverrider, sameSnapshot, noOpenIssues],
  reject: [ready, notOwnWork, levelForPriority, holderOrOverrider, sameSnapshot, reasonForNo],
  override: [ready, notOwnWork, overrideLevel, sameSnapshot, reasonForOverride],
  withdraw: [submitter],
  refreshSnapshot: [submitter],
};
