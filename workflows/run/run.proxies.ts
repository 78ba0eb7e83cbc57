import { ActivityCancellationType, proxyActivities, workflowInfo, type ActivityOptions } from '@temporalio/workflow';
import { taskQueues } from '#shared/domain/queues.ts';
import type { RunActivities, RunWaitActivities } from '#workflows/run/run.ports.ts';

/** How often a step that a person waits for is tried. Attempts bound it, not time: an outage of the workers is no failure. */
const STEP_ATTEMPTS = 10;
/** Beyond its time limit an attempt to execute has so long for the agent's and the database's outages. */
const EXECUTION_SLACK_SECONDS = 1_800;

/** The activities of a run: what must come about however long it takes, and what waits. */
export interface RunProxies {
  sure: ReturnType<typeof proxyActivities<RunActivities>>;
  wait: ReturnType<typeof proxyActivities<RunWaitActivities>>;
  /** For the execution itself, whose attempts are as long as the run. */
  execution(timeLimitSeconds: number): ReturnType<typeof proxyActivities<RunWaitActivities>>;
}

/** Makes the proxies. The cancellation type is always set: what the SDK documents as its default is not what it sends. */
export function createRunProxies(): RunProxies {
  const { runtime, watch } = taskQueues(workflowInfo().taskQueue.replace(/-orchestration$/, ''));
  const cancellationType = ActivityCancellationType.WAIT_CANCELLATION_COMPLETED;
  const retry = { initialInterval: '500ms', backoffCoefficient: 2, maximumInterval: '10s' } as const;
  const waiting: ActivityOptions = { taskQueue: watch, cancellationType, heartbeatTimeout: '12s' };
  return {
    sure: proxyActivities<RunActivities>({ taskQueue: runtime, cancellationType, retry, startToCloseTimeout: '20s' }),
    wait: proxyActivities<RunWaitActivities>({
      ...waiting,
      startToCloseTimeout: '30m',
      retry: { ...retry, maximumAttempts: STEP_ATTEMPTS },
    }),
    execution: (timeLimitSeconds) =>
      proxyActivities<RunWaitActivities>({
        ...waiting,
        startToCloseTimeout: `${timeLimitSeconds + EXECUTION_SLACK_SECONDS}s`,
        // It decides by itself when there is nothing to wait for any more; what never ends by itself an operator cancels.
        retry,
      }),
  };
}
