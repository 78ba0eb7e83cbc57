import { isDecided } from '#shared/domain/review.ts';
import { isOpenReview, statusesOf, type ReviewTransitionAction } from '#shared/domain/reviewTransitions.ts';
import type { DecisionInput, ReviewOutcome, ReviewWorkflowState } from '#workflows/review/review.messages.ts';
import type { ReviewRecord, TransitionRefusal } from '#workflows/review/review.ports.ts';

/** A decision that waits for its turn, and its answer once it has one. */
export interface PendingDecision {
  action: ReviewTransitionAction;
  input: DecisionInput;
  answer: { refused: null; seq: number; status: ReviewRecord['status'] } | TransitionRefusal | null;
}

/** So many operations are remembered over continue-as-new, so that a repeat is recognised. */
const REMEMBERED_OPERATIONS = 100;

/** The rules of a review's run, without Temporal: what is legal now, what waits, and what the row said last. */
export class ReviewMachine {
  /** The row as last read or written; null before the first reading. */
  review: ReviewRecord | null = null;
  gone = false;
  /** An operator should look: the snapshot could not be made. */
  needsAttention = false;
  readonly reviewId: number;
  readonly queue: PendingDecision[] = [];
  #recentOpIds: string[];
  #ignored: string[] = [];

  constructor(reviewId: number, recentOpIds: readonly string[] = []) {
    this.reviewId = reviewId;
    this.#recentOpIds = [...recentOpIds];
  }

  /** Takes over what the row says; null means that it is gone. */
  apply(review: ReviewRecord | null): void {
    if (review === null) this.gone = true;
    else this.review = review;
  }

  /** How the review ended; null while it is open. */
  get outcome(): ReviewOutcome | null {
    if (this.gone) return 'gone';
    if (this.review === null || isOpenReview(this.review)) return null;
    if (this.review.withdrawn) return 'withdrawn';
    return this.review.status === 'approved' ? 'approved' : 'rejected';
  }

  /**
   * Why a decision cannot be taken now, judged by what the run knows; null when it may wait for its turn. Rights and
   * bytes are judged by the database when the turn comes. A repeat passes: the database answers it as the first time.
   */
  refusal(action: ReviewTransitionAction, input: unknown): TransitionRefusal | null {
    if (!isDecisionInput(input)) {
      return refuse(
        'INVALID_INPUT',
        'A decision needs opId (a text) and actorId (a whole number); receiptIds are whole numbers.',
      );
    }
    if (this.gone) return refuse('NOT_FOUND', 'The review does not exist any more.');
    if (this.review === null || this.#recentOpIds.includes(input.opId)) return null;
    const { review } = this;
    if (review.withdrawn) return refuse('REVIEW_ALREADY_DECIDED', 'The review was withdrawn.');
    if (isDecided(review.status)) return refuse('REVIEW_ALREADY_DECIDED', `The review is ${review.status}.`);
    if (statusesOf(action, review.status) === null) {
      return refuse('REVIEW_NOT_CLAIMED', `Nobody holds this review, which is ${review.status}.`);
    }
    if (action === 'claim' && review.assignedTo !== null) return claimedBy(review, input.actorId);
    return null;
  }

  /** Puts a decision in the queue. A decision with the opId of a waiting one shares its answer. */
  enqueue(action: ReviewTransitionAction, input: DecisionInput): PendingDecision {
    const waiting = this.queue.find((decision) => decision.input.opId === input.opId);
    if (waiting !== undefined) return waiting;
    const decision: PendingDecision = { action, input, answer: null };
    if (this.outcome === null) this.queue.push(decision);
    else decision.answer = this.#endedRefusal();
    return decision;
  }

  /** Gives a decision its answer and takes it out of the queue. */
  settle(decision: PendingDecision, answer: NonNullable<PendingDecision['answer']>): void {
    decision.answer = answer;
    this.queue.splice(this.queue.indexOf(decision), 1);
    if (answer.refused === null) this.remember(decision.input.opId);
  }

  /** Refuses what still waits when the review has ended. */
  refuseRest(): void {
    for (const decision of this.queue.splice(0)) decision.answer = this.#endedRefusal();
  }

  /** Remembers an operation that took effect. */
  remember(opId: string): void {
    this.#recentOpIds = [...this.#recentOpIds, opId].slice(-REMEMBERED_OPERATIONS);
  }

  /** The operations that a next run must recognise. */
  get recentOpIds(): string[] {
    return [...this.#recentOpIds];
  }

  /** Records a message that was not understood, for the current details; the last five are kept. */
  ignore(message: string): void {
    this.#ignored = [...this.#ignored, message].slice(-5);
  }

  /** When the holder's claim ends, in milliseconds since the epoch; null while nobody holds the review. */
  get leaseEndsAt(): number | null {
    if (this.review === null || this.review.assignedTo === null || this.review.claimExpiresAt === null) return null;
    return Date.parse(this.review.claimExpiresAt);
  }

  /** What the query answers. */
  get state(): ReviewWorkflowState {
    return {
      reviewId: this.reviewId,
      status: this.review?.status ?? 'pending',
      withdrawn: this.review?.withdrawn ?? false,
      assigneeId: this.review?.assignedTo ?? null,
      snapshotId: this.review?.snapshotId ?? null,
    };
  }

  /** What an operator reads in Temporal's page: where the review stands, who has the turn, what can be done. */
  get details(): string {
    if (this.gone) return `**gone**: the review's row was erased with its session.`;
    if (this.review === null) return '**starting**: reading the review.';
    return [...this.#standing(this.review), ...this.#ignored.map((text) => `- ignored: ${text}`)].join('\n');
  }

  #standing(review: ReviewRecord): string[] {
    const holder = review.assignedToName;
    const lines = [
      `**${review.withdrawn ? 'withdrawn' : review.status}** · "${review.title}" by ${review.submittedByName} · ${review.priority}`,
    ];
    if (this.outcome !== null) return lines;
    if (review.snapshotId === null)
      return [...lines, '- The snapshot is being made: an open session is asked to save first.'];
    lines.push(`- snapshot ${review.snapshotId}`);
    lines.push(
      holder === null
        ? `- waits to be claimed${review.dueAt === null ? '' : `, due ${review.dueAt}`}`
        : `- held by ${holder}${review.claimExpiresAt === null ? '' : ` until ${review.claimExpiresAt}`}`,
    );
    if (this.queue.length > 0)
      lines.push(`- decisions waiting: ${this.queue.map((decision) => decision.action).join(', ')}`);
    lines.push('- An operator can send `changed` to have the row read again; decisions are made by people in Berth.');
    return lines;
  }

  #endedRefusal(): TransitionRefusal {
    if (this.gone) return refuse('NOT_FOUND', 'The review does not exist any more.');
    return refuse('REVIEW_ALREADY_DECIDED', `The review is ${this.outcome ?? 'closed'}.`);
  }
}

function refuse(code: string, detail: string, data: Record<string, unknown> = {}): TransitionRefusal {
  return { refused: code, detail, data };
}

function claimedBy(review: ReviewRecord, actorId: number): TransitionRefusal {
  const holder = { id: review.assignedTo, username: review.assignedToName };
  const detail =
    review.assignedTo === actorId
      ? 'You hold this review already.'
      : `${review.assignedToName ?? 'Somebody'} holds this review until ${review.claimExpiresAt ?? 'it is released'}.`;
  return refuse('REVIEW_ALREADY_CLAIMED', detail, { holder, claimExpiresAt: review.claimExpiresAt });
}

function isDecisionInput(input: unknown): input is DecisionInput {
  if (typeof input !== 'object' || input === null) return false;
  const { opId, actorId, receiptIds = [] } = input as Partial<Record<keyof DecisionInput, unknown>>;
  const named = typeof opId === 'string' && opId !== '' && opId.length <= 200 && Number.isInteger(actorId);
  return named && Array.isArray(receiptIds) && receiptIds.every(Number.isInteger);
}
