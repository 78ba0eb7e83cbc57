import type { ReviewPriority, ReviewStatus } from '#shared/domain/review.ts';
import type { ClockKind, ReviewClock } from '#shared/domain/reviewClocks.ts';
import type { ReviewTransitionAction } from '#shared/domain/reviewTransitions.ts';

/** The row of a review as the workflow needs it. */
export interface ReviewRecord {
  reviewId: number;
  sessionUuid: string;
  title: string;
  submittedBy: number;
  submittedByName: string;
  status: ReviewStatus;
  priority: ReviewPriority;
  assignedTo: number | null;
  assignedToName: string | null;
  snapshotId: number | null;
  withdrawn: boolean;
  claimExpiresAt: string | null;
  dueAt: string | null;
  /** Absent in what activities answered before reviews had clocks. */
  times?: ReviewTimes;
}

/** The clocks of a review as its row and history tell them; times in ISO 8601. */
export interface ReviewTimes {
  /** The number of the row's last event: what is higher was read later. */
  changeSeq: number;
  /** Since when those have the turn who have it now. */
  turnSince: string;
  remindedAt: string | null;
  escalatedAt: string | null;
  /** What is to ring, the earliest first. */
  clocks: ReviewClock[];
}

/** The row after a clock rang, null when it is gone. `earlyByMs` above 0: it did not ring, ask again so much later. */
export interface RingResult {
  review: ReviewRecord | null;
  earlyByMs: number;
}

/** One transition as written: status, holder and history row in one transaction, idempotent by opId. */
export interface TransitionInput {
  reviewId: number;
  opId: string;
  action: Exclude<ReviewTransitionAction, 'refreshSnapshot'>;
  actorId: number | null;
  expectedSnapshotId: number | null;
  note: string;
  /** reassign: who gets the review, and whether being away or holding many does not count. */
  assigneeId?: number;
  force?: boolean;
  /** The runs that a verdict cites as receipts. */
  receiptIds?: number[];
}

/** A comment of a program. */
export interface BotCommentInput {
  reviewId: number;
  opId: string;
  actorId: number;
  text: string;
}

/** The history row that tells of the comment, or why it was not taken. */
export type BotCommentResult = { refused: null; seq: number } | TransitionRefusal;

/** Why the row does not allow something: an error code of the catalogue, its sentence, and data such as the holder. */
export interface TransitionRefusal {
  refused: string;
  detail: string;
  data: Record<string, unknown>;
}

/** The row after the transition, or why it was refused. A refusal is a result, never thrown: nothing is to be retried. */
export type TransitionResult = { refused: null; seq: number; review: ReviewRecord } | TransitionRefusal;

/** The snapshot that was made, or why none was. */
export type FreezeResult =
  { refused: null; seq: number; snapshotId: number; files: number; review: ReviewRecord } | TransitionRefusal;

/** Activities of the review workflow; each is safe to run twice. */
export interface ReviewActivities {
  readReview(input: { reviewId: number }): Promise<ReviewRecord | null>;
  /** Asks a live session to sync and waits up to 30 s for it. `synced` false: PostgreSQL's present state will be frozen. */
  syncBeforeSnapshot(input: { reviewId: number; sessionUuid: string; opId: string }): Promise<{ synced: boolean }>;
  /** Snapshot, snapshot_id and history row in one transaction, idempotent by opId. `actorId` null: the submission's own. */
  freezeSnapshot(input: {
    reviewId: number;
    opId: string;
    synced: boolean;
    actorId: number | null;
  }): Promise<FreezeResult>;
  appendReviewHistory(input: TransitionInput): Promise<TransitionResult>;
  /** What a timer is for: tells people, or ends a claim. The row decides whether it is due, and lets it happen once. */
  ringClock(input: { reviewId: number; kind: ClockKind }): Promise<RingResult>;
  /** Writes a published `general` comment of a bot account and the history row that tells of it, idempotent by opId. */
  addBotComment(input: BotCommentInput): Promise<BotCommentResult>;
}
