import type { ErrorCode } from '#shared/domain/errorCatalogue.ts';
import {
  ANY_REVIEW_LEVEL,
  HAND_OVER_LEVEL,
  LEVEL_FOR_PRIORITY,
  MIN_REASON,
  MIN_REJECTION_SUMMARY,
  OVERRIDE_LEVEL,
  type ReviewPriority,
  type ReviewStatus,
} from '#shared/domain/review.ts';
import { isOpenReview, type ReviewTransitionAction } from '#shared/domain/reviewTransitions.ts';

/** What the rules look at in a review. */
export interface ReviewFacts {
  status: ReviewStatus;
  withdrawnAt: Date | null;
  priority: ReviewPriority;
  submittedBy: { id: number };
  assignedTo: { id: number; username: string } | null;
  claimExpiresAt: Date | null;
  /** The claim's time has passed: the review is free, although its row still names who held it. */
  claimLapsed?: boolean;
  snapshotId: number | null;
  openIssues: number;
  /** Everyone who edited the snapshot. */
  editorIds: readonly number[];
}

/** Who asks, with the level that they have now. */
export interface ReviewActor {
  id: number;
  reviewerLevel: number;
}

/** What a decision says: the snapshot that it is about, its summary or reason, and to whom a review is given. */
export interface DecisionWords {
  expectedSnapshotId: number | null;
  note: string;
  /** reassign: the person who gets the review. */
  assigneeId?: number;
  /** reassign: also to somebody who is away or holds too many reviews; level 4. */
  force?: boolean;
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

/** Makes a refusal. */
export function refusal(code: ErrorCode, detail: string, data: Record<string, unknown> = {}): RuleRefusal {
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

/** A pending review that is assigned was not claimed yet: its assignee's claim is the first action. */
const free: Rule = ({ review, actor }) => {
  const isTheirs = review.assignedTo?.id === actor.id && review.status === 'pending';
  const isFree = review.assignedTo === null || review.claimLapsed === true || isTheirs;
  return isFree ? null : heldRefusal(review, actor.id);
};

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

/** The submitter ends their review; level 4 ends anybody's, and says why. */
const submitterOrCloser: Rule = (attempt) => {
  const { review, actor, words } = attempt;
  if (review.submittedBy.id === actor.id) return null;
  if (actor.reviewerLevel < OVERRIDE_LEVEL) {
    return refusal('FORBIDDEN', `Only the submitter, or level ${OVERRIDE_LEVEL} with a reason, can do this.`);
  }
  return notOwnWork(attempt) ?? reasonRefusal(words, 'Withdrawing the review of somebody else');
};

const mayReassign: Rule = ({ review, actor }) => {
  if (actor.reviewerLevel >= ANY_REVIEW_LEVEL) return null;
  const needed = review.assignedTo?.id === actor.id ? HAND_OVER_LEVEL : ANY_REVIEW_LEVEL;
  if (actor.reviewerLevel >= needed) return null;
  const what = needed === HAND_OVER_LEVEL ? 'Handing your review over' : 'Assigning a review that you do not hold';
  return refusal('REVIEW_LEVEL_TOO_LOW', `${what} needs level ${needed}.`, { needed });
};

/** Taking a review from somebody else, or forcing it on somebody, is told with its reason. */
const reasonForReassign: Rule = ({ review, actor, words }) => {
  const takes = review.assignedTo !== null && review.assignedTo.id !== actor.id;
  return takes || words?.force === true ? reasonRefusal(words, 'Taking or forcing a review') : null;
};

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

/** REVIEW_REASON_REQUIRED unless the words hold a reason; no words ask only whether it is open at all. */
export function reasonRefusal(words: Pick<DecisionWords, 'note'> | null, what: string): RuleRefusal | null {
  if (words === null || words.note.trim().length >= MIN_REASON) return null;
  return refusal('REVIEW_REASON_REQUIRED', `${what} needs a reason of ${MIN_REASON} characters.`);
}

const RULES: Readonly<Record<DecisionAction, readonly Rule[]>> = {
  claim: [ready, notOwnWork, levelForPriority, free],
  release: [holder],
  approve: [ready, notOwnWork, levelForPriority, holderOrOverrider, sameSnapshot, noOpenIssues],
  reject: [ready, notOwnWork, levelForPriority, holderOrOverrider, sameSnapshot, reasonForNo],
  override: [ready, notOwnWork, overrideLevel, sameSnapshot, reasonForOverride],
  reassign: [ready, notOwnWork, mayReassign, reasonForReassign],
  withdraw: [submitterOrCloser],
  refreshSnapshot: [submitter],
};
