import { defineQuery, defineSignal, defineUpdate } from '@temporalio/workflow';
import type { ReviewStatus } from '#shared/domain/review.ts';

/** What the review workflow starts with, and what a run carries over continue-as-new. */
export interface ReviewWorkflowInput {
  reviewId: number;
  /** A run with more events than this continues as a new one; 1,500 when not said. */
  maxHistoryEvents?: number;
  carried?: { recentOpIds: string[] };
}
/** A decision by a person. `opId` makes it idempotent and is the update's id. */
export interface DecisionInput {
  opId: string;
  actorId: number;
  expectedSnapshotId?: number;
  /** The last event of the row that the sender judged by: a run that knows an older row does not refuse by it. */
  seenSeq?: number;
  /** The summary, reason or note; short, never file content. */
  note?: string;
  /** The runs that a verdict cites as receipts. */
  receiptIds?: number[];
  /** reassign: to whom. */
  assigneeId?: number;
  /** reassign: also to somebody who is away or holds too many reviews; level 4. */
  force?: boolean;
}
/** A comment of a program, by its bot account. `opId` makes it idempotent. */
export interface CommentInput {
  opId: string;
  actorId: number;
  text: string;
}
/** A verdict of automation in the name of a person, who needs the rights for it like anybody. */
export interface AutoDecisionInput extends DecisionInput {
  decision: 'approve' | 'reject';
}
/** What a decision answers. */
export interface DecisionResult {
  status: ReviewStatus;
  seq: number;
}
/** What the query `state` answers. */
export interface ReviewWorkflowState {
  reviewId: number;
  status: ReviewStatus;
  withdrawn: boolean;
  assigneeId: number | null;
  snapshotId: number | null;
}

export const claimUpdate = defineUpdate<DecisionResult, [DecisionInput]>('claim');
export const releaseUpdate = defineUpdate<DecisionResult, [DecisionInput]>('release');
export const reassignUpdate = defineUpdate<DecisionResult, [DecisionInput]>('reassign');
export const approveUpdate = defineUpdate<DecisionResult, [DecisionInput]>('approve');
export const rejectUpdate = defineUpdate<DecisionResult, [DecisionInput]>('reject');
export const overrideUpdate = defineUpdate<DecisionResult, [DecisionInput]>('override');
export const withdrawUpdate = defineUpdate<DecisionResult, [DecisionInput]>('withdraw');
export const refreshSnapshotUpdate = defineUpdate<DecisionResult, [DecisionInput]>('refreshSnapshot');
/** Something that moves a clock changed in the row: read it again. */
export const changedSignal = defineSignal<[{ opId?: string }?]>('changed');
export const autoDecisionSignal = defineSignal<[AutoDecisionInput]>('autoDecision');
export const commentSignal = defineSignal<[CommentInput]>('comment');
export const stateQuery = defineQuery<ReviewWorkflowState>('state');

/** How a review's run ended. `gone`: its row was erased with the session. */
export type ReviewOutcome = 'approved' | 'rejected' | 'withdrawn' | 'gone';

/** The workflow type's name. */
export const REVIEW_WORKFLOW = 'review';
