import { WorkflowExecutionAlreadyStartedError } from '@temporalio/client';
import type { ApiDeps } from '#api/deps.ts';
import type { ReviewRecord } from '#platform/db/repositories/reviews.ts';
import { taskQueues } from '#shared/domain/queues.ts';
import { reviewWorkflowId } from '#shared/domain/review.ts';
import { REVIEW_WORKFLOW, type ReviewWorkflowInput } from '#workflows/review/review.messages.ts';

/**
 * Starts the run of an open review again after an operator terminated it, or its server lost it: nothing else would, for
 * the outbox's intent ended with the snapshot. The new run reads the row and goes on where that stands.
 */
export async function restartReview(deps: Pick<ApiDeps, 'config' | 'temporal'>, review: ReviewRecord): Promise<void> {
  const input: ReviewWorkflowInput = { reviewId: review.id };
  try {
    await deps.temporal.client.workflow.start(REVIEW_WORKFLOW, {
      taskQueue: taskQueues(deps.config.TEMPORAL_TASK_QUEUE_PREFIX).orchestration,
      workflowId: reviewWorkflowId(review.id),
      workflowIdConflictPolicy: 'USE_EXISTING',
      workflowIdReusePolicy: 'ALLOW_DUPLICATE_FAILED_ONLY',
      args: [input],
      staticSummary: `${review.submittedBy.username} · ${JSON.stringify(review.title)}`.slice(0, 200),
      staticDetails: `[The review's page](${deps.config.BERTH_PUBLIC_URL}/reviews/${review.id})`,
    });
  } catch (error) {
    // It came to its end in order meanwhile; what is asked of it now will be told so.
    if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
  }
}
