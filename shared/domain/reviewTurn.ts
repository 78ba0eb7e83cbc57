import { LEVEL_FOR_PRIORITY, type ReviewPriority, type ReviewStatus } from '#shared/domain/review.ts';

/** Whose move a review waits for. `pool`: any reviewer who may claim it. */
export const TURN_HOLDERS = ['submitter', 'assignee', 'pool', 'nobody'] as const;
/** Whose move a review waits for. */
export type TurnHolder = (typeof TURN_HOLDERS)[number];

/** What the turn is computed from; all of it is read in the statement that reads the review. */
export interface TurnFacts<Person extends TurnPerson = TurnPerson> {
  status: ReviewStatus;
  priority: ReviewPriority;
  withdrawnAt: Date | null;
  snapshotId: number | null;
  submittedBy: Person;
  assignedTo: Person | null;
  submittedAt: Date;
  reviewedAt: Date | null;
  /** The last time that it was claimed, given to somebody, given back, or its claim ended. */
  holderChangedAt: Date | null;
  /** The submitter's last published comment or new snapshot. */
  answeredAt: Date | null;
  /** The first unresolved comment that its holder has published since both of the above. */
  askedAt: Date | null;
  /** How many such comments there are. */
  asked: number;
  /** The round that the submitter has sent after this one. */
  nextReviewId: number | null;
}

interface TurnPerson {
  id: number;
  username: string;
}

/** Whose turn it is, since when, and why, as a sentence that anybody may read. `person` is null for the pool and for nobody. */
export interface ReviewTurn<Person extends TurnPerson = TurnPerson> {
  turn: TurnHolder;
  person: Person | null;
  since: Date;
  why: string;
}

/**
 * Whose turn it is. Nothing is stored: a claim gives the turn to the holder, what the holder asks gives it to the
 * submitter, an answer or new files give it back, and so does resolving everything that was asked. Comments of people
 * who do not hold the review, and of programs, move no turn.
 */
export function reviewTurn<Person extends TurnPerson>(facts: TurnFacts<Person>): ReviewTurn<Person> {
  const { assignedTo, submittedAt } = facts;
  if (facts.withdrawnAt !== null) return nobody(facts.withdrawnAt, 'It was withdrawn.');
  if (facts.status === 'approved') return nobody(facts.reviewedAt ?? submittedAt, 'It is approved.');
  if (facts.status === 'rejected') return afterRejection(facts);
  if (facts.snapshotId === null) return nobody(submittedAt, 'The files are being frozen.');
  return assignedTo === null ? ofThePool(facts) : ofTheHolder(facts, assignedTo);
}

function nobody(since: Date, why: string): ReviewTurn<never> {
  return { turn: 'nobody', person: null, since, why };
}

function afterRejection<Person extends TurnPerson>(facts: TurnFacts<Person>): ReviewTurn<Person> {
  const since = facts.reviewedAt ?? facts.submittedAt;
  if (facts.nextReviewId !== null) {
    return nobody(since, `It was rejected, and goes on as review ${facts.nextReviewId}.`);
  }
  const why = `It was rejected: ${facts.submittedBy.username} changes it and submits again.`;
  return { turn: 'submitter', person: facts.submittedBy, since, why };
}

function ofThePool(facts: TurnFacts): ReviewTurn<never> {
  const who = `a reviewer of level ${LEVEL_FOR_PRIORITY[facts.priority]} or above`;
  const why =
    facts.holderChangedAt === null
      ? `It waits for ${who} to claim it.`
      : `It was given back, and waits for ${who} to claim it.`;
  return { turn: 'pool', person: null, since: facts.holderChangedAt ?? facts.submittedAt, why };
}

function ofTheHolder<Person extends TurnPerson>(facts: TurnFacts<Person>, holder: Person): ReviewTurn<Person> {
  const { submittedBy, askedAt, asked, answeredAt } = facts;
  const heldSince = facts.holderChangedAt ?? facts.submittedAt;
  if (askedAt !== null) {
    const what = asked === 1 ? 'a comment' : `${asked} comments`;
    const why = `${holder.username} left ${what} for ${submittedBy.username} to answer or resolve.`;
    return { turn: 'submitter', person: submittedBy, since: askedAt, why };
  }
  if (answeredAt !== null && answeredAt > heldSince) {
    const why = `${submittedBy.username} has answered, and ${holder.username} looks again.`;
    return { turn: 'assignee', person: holder, since: answeredAt, why };
  }
  const why =
    facts.status === 'pending'
      ? `It was given to ${holder.username}, who has not begun.`
      : `${holder.username} holds it, and reads.`;
  return { turn: 'assignee', person: holder, since: heldSince, why };
}

/** What lateness depends on. */
export interface DueFacts {
  status: ReviewStatus;
  withdrawnAt: unknown;
  assignedTo: unknown;
  dueAt: Date | string | null;
}

/** True while the first action, which is the claim, has not come in time. A review that was given back is late again. */
export function isOverdue(review: DueFacts, now: Date): boolean {
  const open = review.withdrawnAt === null && (review.status === 'pending' || review.status === 'in_review');
  const waits = review.status === 'pending' || review.assignedTo === null;
  return open && waits && review.dueAt !== null && new Date(review.dueAt).getTime() <= now.getTime();
}
