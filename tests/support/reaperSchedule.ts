import { taskQueues } from '#shared/domain/queues.ts';
import type { ReapResult } from '#workflows/maintenance/maintenance.ports.ts';
import type { SessionStack } from '#tests/support/sessionStack.ts';
import { waitFor } from '#tests/support/waitFor.ts';

/** The reaper of a stack, run by a schedule as it is in an installation, but only while a test wants it. */
export interface ReaperSchedule {
  /** Lets it run once and resolves with what it did; rejects when it failed. */
  run(): Promise<ReapResult>;
  stop(): Promise<void>;
}

const PATIENCE = { deadlineMs: 60_000 };

/**
 * A schedule that comes due every two seconds and is paused but for `run`. A run that was triggered by hand would not do:
 * it is not always given the result of the run before it. The second pass follows after half a second.
 */
export async function createReaperSchedule({ temporal, config }: SessionStack): Promise<ReaperSchedule> {
  const name = `${config.TEMPORAL_TASK_QUEUE_PREFIX}/reap-often`;
  const schedule = await temporal.client.schedule.create({
    scheduleId: name,
    spec: { intervals: [{ every: '2s' }] },
    action: {
      type: 'startWorkflow',
      workflowType: 'reap',
      workflowId: name,
      taskQueue: taskQueues(config.TEMPORAL_TASK_QUEUE_PREFIX).orchestration,
      args: [{ secondPassAfterMs: 500 }],
    },
    state: { paused: true },
  });
  return {
    async run() {
      const before = (await schedule.describe()).info.numActionsTaken;
      await schedule.unpause();
      const started = await waitFor(
        async () => {
          const { info } = await schedule.describe();
          return info.numActionsTaken > before && info.recentActions.at(-1);
        },
        { ...PATIENCE, what: 'the start of the reaper' },
      );
      await schedule.pause();
      const { workflowId } = started.action.workflow;
      return (await temporal.client.workflow.getHandle(workflowId).result()) as ReapResult;
    },
    stop: () => schedule.delete(),
  };
}
