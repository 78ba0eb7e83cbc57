import type { ReviewPriority, ReviewStatus } from '#shared/domain/review.ts';

/** The row of a review as the workflow needs it. */
export interface ReviewRecord {
  reviewId: number;
  sessionUuid: string;
  sessionLive: boolean;
  sessionGeneration: number;
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
}

/** One transition as written: status, holder and history row in one transaction, idempotent by opId. */
export interface TransitionInput {
  reviewId: number;
  opId: string;
  action: 'claim' | 'release' | 'leaseEnded' | 'approve' | 'reject' | 'override' | 'withdraw' | 'refreshSnapshot';
  actorId: number | null;
  expectedSnapshotId: number | null;
  note: string;
}

/** The row after the transition; `refused` carries an error code when the row no longer allows it. */
export type TransitionResult =
  | {
      refused: null;
      status: ReviewStatus;
      seq: number;
      assignedTo: number | null;
      snapshotId: number | null;
      description: string;
    }
  | { refused: string; detail: string };

/** Activities of the review workflow; each is safe to run twice. */
export interface ReviewActivities {
  readReview(input: { reviewId: number }): Promise<ReviewRecord | null>;
  /** Asks a live session to sync and waits up to 30 s for it. `synced` false: PostgreSQL's present state will be frozen. */
  syncBeforeSnapshot(input: { reviewId: number; sessionUuid: string; opId: string }): Promise<{ synced: boolean }>;
  /** Snapshot, snapshot_id and history row in one transaction, idempotent by opId. */
  freezeSnapshot(input: {
    reviewId: number;
    opId: string;
    synced: boolean;
    actorId: number | null;
  }): Promise<{ snapshotId: number; files: number; seq: number }>;
  appendReviewHistory(input: TransitionInput): Promise<TransitionResult>;
}
