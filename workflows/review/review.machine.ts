import { isDecided } from '#shared/domain/review.ts';
import { isOpenReview, type ReviewTransitionAction } from '#shared/domain/reviewTransitions.ts';
import { describeClocks } from '#workflows/review/review.details.ts';
import { isDecisionInput } from '#workflows/review/review.inputs.ts';
import type {
  CommentInput,
  DecisionInput,
  ReviewOutcome,
  ReviewWorkflowState,
} from '#workflows/review/review.messages.ts';
import type { ReviewRecord, TransitionRefusal } from '#workflows/review/review.ports.ts';

/** A decision that waits for its turn, and its answer once it has one. */
export interface PendingDecision {
  action: ReviewTransitionAction;
  input: DecisionInput;
  answer: { refused: null; seq: number; status: ReviewRecord['status'] } | TransitionRefusal | null;
  /** Nobody waits for the answer: a refusal is told in the current details. */
  bySignal?: boolean;
}

/** So many decisions and comments of automation wait at most; a flood of signals must not fill the run's memory. */
const MAX_WAITING_SIGNALS = 100;
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
  /** Comments of programs that wait to be written. */
  readonly remarks: CommentInput[] = [];
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
        'A decision needs opId (a text) and actorId (a whole number); the others must be of their kinds.',
      );
    }
    if (this.gone) return refuse('NOT_FOUND', 'The review does not exist any more.');
    if (this.review === null || this.#recentOpIds.includes(input.opId)) return null;
    const { review } = this;
    if (review.withdrawn) return refuse('REVIEW_ALREADY_DECIDED', 'The review was withdrawn.');
    if (isDecided(review.status)) return refuse('REVIEW_ALREADY_DECIDED', `The review is ${review.status}.`);
    if (action === 'claim' && isHeld(review, input)) return claimedBy(review, input.actorId);
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

  /** Takes a decision of automation. Nobody waits for it, so a refusal is told in the details, now or when its turn comes. */
  enqueueSignal(action: ReviewTransitionAction, input: DecisionInput): void {
    const refusal = this.#floodRefusal() ?? this.refusal(action, input);
    if (refusal !== null) {
      this.ignore(`autoDecision ${input.opId.slice(0, 60)}: ${refusal.detail}`);
      return;
    }
    this.enqueue(action, input).bySignal = true;
  }

  /** Takes a comment of a program, or tells in the details why not. */
  enqueueRemark(remark: CommentInput): void {
    const refusal = this.#floodRefusal() ?? (this.outcome === null ? null : this.#endedRefusal());
    if (refusal === null) this.remarks.push(remark);
    else this.ignore(`comment ${remark.opId.slice(0, 60)}: ${refusal.detail}`);
  }

  #floodRefusal(): TransitionRefusal | null {
    if (this.remarks.length + this.queue.length < MAX_WAITING_SIGNALS) return null;
    return refuse('RATE_LIMITED', 'Too many signals wait already.');
  }

  /** Gives a decision its answer and takes it out of the queue. */
  settle(decision: PendingDecision, answer: NonNullable<PendingDecision['answer']>): void {
    decision.answer = answer;
    this.queue.splice(this.queue.indexOf(decision), 1);
    if (answer.refused === null) this.remember(decision.input.opId);
    else if (decision.bySignal) this.ignore(`autoDecision ${decision.input.opId.slice(0, 60)}: ${answer.detail}`);
  }

  /** Refuses what still waits when the review has ended. */
  refuseRest(): void {
    for (const decision of [...this.queue]) this.settle(decision, this.#endedRefusal());
    for (const remark of this.remarks.splice(0)) {
      this.ignore(`comment ${remark.opId.slice(0, 60)}: ${this.#endedRefusal().detail}`);
    }
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
    if (review.snapshotId === null) {
      const stuck =
        '- **needs attention**: the snapshot was refused; the result of `freeze …` says why. Its submitter can refresh or withdraw it.';
      return [
        ...lines,
        this.needsAttention ? stuck : '- The snapshot is being made: an open session is asked to save first.',
      ];
    }
    lines.push(`- snapshot ${review.snapshotId}`);
    lines.push(
      holder === null
        ? `- waits to be claimed${review.dueAt === null ? '' : `, due ${review.dueAt}`}`
        : `- ${review.status === 'pending' ? 'assigned to' : 'held by'} ${holder}${review.claimExpiresAt === null ? '' : ` until ${review.claimExpiresAt}`}`,
    );
    lines.push(...describeClocks(review));
    if (this.queue.length > 0)
      lines.push(`- decisions waiting: ${this.queue.map((decision) => decision.action).join(', ')}`);
    if (this.remarks.length > 0) lines.push(`- comments waiting: ${this.remarks.length}`);
    lines.push('- An operator can send `changed` to have the row read again; decisions are made by people in Berth.');
    lines.push(
      '- Automation can send `comment` by a bot account, and `autoDecision` in the name of somebody who may decide.',
    );
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

/**
 * Whether the run knows better than the sender that somebody holds the review. Who saw the row as it is known here, or a
 * later one, and asks all the same saw that the claim has lapsed or was given back: the database decides.
 */
function isHeld({ assignedTo, status, times }: ReviewRecord, { actorId, seenSeq }: DecisionInput): boolean {
  // A pending review that is assigned was not claimed yet: its assignee may.
  if (assignedTo === null || (assignedTo === actorId && status === 'pending')) return false;
  return !(times !== undefined && typeof seenSeq === 'number' && seenSeq >= times.changeSeq);
}

function claimedBy(review: ReviewRecord, actorId: number): TransitionRefusal {
  const holder = { id: review.assignedTo, username: review.assignedToName };
  const detail =
    review.assignedTo === actorId
      ? 'You hold this review already.'
      : `${review.assignedToName ?? 'Somebody'} holds this review until ${review.claimExpiresAt ?? 'it is released'}.`;
  return refuse('REVIEW_ALREADY_CLAIMED', detail, { holder, claimExpiresAt: review.claimExpiresAt });
}
