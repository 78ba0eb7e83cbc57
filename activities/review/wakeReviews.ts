import { WorkflowExecutionAlreadyStartedError } from '@temporalio/client';
import type { Config } from '#platform/config/config.ts';
import type { Database } from '#platform/db/database.ts';
import { listSilentReviews } from '#platform/db/repositories/reviewClocks.ts';
import type { Temporal } from '#platform/temporal/client.ts';
import { taskQueues } from '#shared/domain/queues.ts';
import { reviewWorkflowId } from '#shared/domain/review.ts';
import { changedSignal, REVIEW_WORKFLOW, type ReviewWorkflowInput } from '#workflows/review/review.messages.ts';

/** What waking reviews works with. */
export interface WakeDeps {
  database: Database;
  temporal: Temporal;
  config: Pick<Config, 'TEMPORAL_TASK_QUEUE_PREFIX' | 'BERTH_PUBLIC_URL'>;
}

/**
 * Has the runs of reviews whose clock should have rung `silentSeconds` ago read their row, and starts those that are
 * gone: one that was terminated, or whose server was lost, would remind nobody. Resolves with how many it asked.
 */
export async function wakeReviews(deps: WakeDeps, silentSeconds: number): Promise<number> {
  const reviews = await listSilentReviews(deps.database, silentSeconds);
  for (const { id, title, author } of reviews) {
    const input: ReviewWorkflowInput = { reviewId: id };
    try {
      await deps.temporal.client.workflow.signalWithStart(REVIEW_WORKFLOW, {
        taskQueue: taskQueues(deps.config.TEMPORAL_TASK_QUEUE_PREFIX).orchestration,
        workflowId: reviewWorkflowId(id),
        workflowIdReusePolicy: 'ALLOW_DUPLICATE_FAILED_ONLY',
        args: [input],
        signal: changedSignal,
        signalArgs: [{}],
        staticSummary: `${author} · ${JSON.stringify(title)}`.slice(0, 200),
        staticDetails: `[The review's page](${deps.config.BERTH_PUBLIC_URL}/reviews/${id})`,
      });
    } catch (error) {
      // It came to its end in order meanwhile.
      if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
    }
  }
  return reviews.length;
}
