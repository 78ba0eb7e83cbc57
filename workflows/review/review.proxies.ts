import { ActivityCancellationType, proxyActivities, workflowInfo } from '@temporalio/workflow';
import { taskQueues } from '#shared/domain/queues.ts';
import type { ReviewActivities } from '#workflows/review/review.ports.ts';

type WriteActivities = Pick<
  ReviewActivities,
  'readReview' | 'freezeSnapshot' | 'appendReviewHistory' | 'ringClock' | 'addBotComment'
>;
type SyncActivities = Pick<ReviewActivities, 'syncBeforeSnapshot'>;

/** The activities of a review: what must come about however long it takes, and the sync, which is only tried. */
export interface ReviewProxies {
  write: ReturnType<typeof proxyActivities<WriteActivities>>;
  sync: ReturnType<typeof proxyActivities<SyncActivities>>;
}

/**
 * Makes the proxies. The cancellation type is always set: what the SDK documents as its default is not what it sends.
 * Without a heartbeat an attempt is at most 20 s, so a killed worker heals within a minute.
 */
export function createReviewProxies(): ReviewProxies {
  const taskQueue = taskQueues(workflowInfo().taskQueue.replace(/-orchestration$/, '')).runtime;
  const cancellationType = ActivityCancellationType.WAIT_CANCELLATION_COMPLETED;
  const retry = { initialInterval: '500ms', backoffCoefficient: 2, maximumInterval: '10s' } as const;
  return {
    write: proxyActivities<WriteActivities>({ taskQueue, cancellationType, retry, startToCloseTimeout: '20s' }),
    sync: proxyActivities<SyncActivities>({
      taskQueue,
      cancellationType,
      // Longer than the 30 s that the activity waits at most.
      startToCloseTimeout: '45s',
      heartbeatTimeout: '15s',
      // Attempts bound it, not time: an outage of the workers does not mean that the session did not sync.
      retry: { ...retry, maximumAttempts: 2 },
    }),
  };
}
