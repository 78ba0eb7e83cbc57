import { ActivityCancellationType, proxyActivities, workflowInfo, type ActivityOptions } from '@temporalio/workflow';
import { taskQueues } from '#shared/domain/queues.ts';
import type { SessionLimits } from '#workflows/session/session.messages.ts';
import type { SessionActivities, WatchActivities } from '#workflows/session/session.ports.ts';

/** How often a step that a person waits for is tried. Attempts bound it, not time: an outage of the workers is no failure. */
const STEP_ATTEMPTS = 4;

/** The activities of a session, by how patiently they are run. */
export interface SessionProxies {
  /** Writes to the database that must come about, however long that takes. */
  record: Sure<SessionActivities>;
  /** Steps that a person waits for; they fail after some attempts. */
  step: Sure<SessionActivities>;
  /** Steps that heartbeat; they may take minutes. */
  long: Sure<SessionActivities>;
  /** What tears down; tried until it is done. */
  cleanup: Sure<SessionActivities>;
  watch: Sure<WatchActivities>;
}

type Sure<Activities> = ReturnType<typeof proxyActivities<Activities>>;

/** Names of the queues, from the one that this workflow runs on. */
function queues() {
  return taskQueues(workflowInfo().taskQueue.replace(/-orchestration$/, ''));
}

/**
 * Makes the proxies. The cancellation type is always set: what the SDK documents as its default is not what it sends.
 * Without a heartbeat an attempt is at most 20 s, so a killed worker heals within a minute.
 */
export function createSessionProxies(limits: SessionLimits): SessionProxies {
  const { runtime, watch } = queues();
  const attempts = limits.stepAttempts ?? STEP_ATTEMPTS;
  const short: ActivityOptions = {
    taskQueue: runtime,
    startToCloseTimeout: '20s',
    cancellationType: ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
    retry: { initialInterval: '500ms', backoffCoefficient: 2, maximumInterval: '10s' },
  };
  return {
    record: proxyActivities<SessionActivities>(short),
    step: proxyActivities<SessionActivities>({ ...short, retry: { ...short.retry, maximumAttempts: attempts } }),
    long: proxyActivities<SessionActivities>({
      ...short,
      startToCloseTimeout: '5m',
      heartbeatTimeout: '20s',
      retry: { ...short.retry, maximumAttempts: attempts },
    }),
    cleanup: proxyActivities<SessionActivities>({ ...short, retry: { ...short.retry, maximumInterval: '15s' } }),
    watch: proxyActivities<WatchActivities>({
      taskQueue: watch,
      // As long as a session lives; a continue-as-new starts a new watch long before.
      startToCloseTimeout: '7d',
      heartbeatTimeout: '30s',
      // Waiting for the watch's own end would hold a close for up to a heartbeat's throttle.
      cancellationType: ActivityCancellationType.TRY_CANCEL,
      retry: { initialInterval: '500ms', backoffCoefficient: 2, maximumInterval: '10s' },
    }),
  };
}
