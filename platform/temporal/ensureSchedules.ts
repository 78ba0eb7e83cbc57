import { ScheduleAlreadyRunning, ScheduleOverlapPolicy, type ScheduleOptions } from '@temporalio/client';
import { taskQueues } from '#shared/domain/queues.ts';
import type { Config } from '#platform/config/config.ts';
import type { Temporal } from '#platform/temporal/client.ts';

/** The recurring workflows: name under `maintenance/`, workflow type, and how often, in seconds. */
const SCHEDULES = [
  { name: 'reap', workflowType: 'reap', everySeconds: 300 },
  { name: 'retain', workflowType: 'retain', everySeconds: 3_600 },
] as const;

/** The ids of the schedules. An installation that shares a namespace has its queues' prefix in front. */
export function scheduleIds(config: Pick<Config, 'TEMPORAL_TASK_QUEUE_PREFIX'>): Record<'reap' | 'retain', string> {
  const prefix = config.TEMPORAL_TASK_QUEUE_PREFIX === 'berth' ? '' : `${config.TEMPORAL_TASK_QUEUE_PREFIX}/`;
  return { reap: `${prefix}maintenance/reap`, retain: `${prefix}maintenance/retain` };
}

/** Makes the schedules that are missing and leaves the others as they are; an operator may have paused one. */
export async function ensureSchedules(
  temporal: Temporal,
  config: Pick<Config, 'TEMPORAL_TASK_QUEUE_PREFIX'>,
): Promise<void> {
  const ids = scheduleIds(config);
  for (const { name, workflowType, everySeconds } of SCHEDULES) {
    const options: ScheduleOptions = {
      scheduleId: ids[name],
      spec: { intervals: [{ every: everySeconds * 1_000 }] },
      action: {
        type: 'startWorkflow',
        workflowType,
        workflowId: ids[name],
        taskQueue: taskQueues(config.TEMPORAL_TASK_QUEUE_PREFIX).orchestration,
        args: [],
      },
      policies: { overlap: ScheduleOverlapPolicy.SKIP, catchupWindow: everySeconds * 1_000 },
      // The first run of the reaper leaves its token before there is anything that it could take for litter.
      state: { triggerImmediately: true },
    };
    try {
      await temporal.client.schedule.create(options);
    } catch (error) {
      if (!(error instanceof ScheduleAlreadyRunning)) throw error;
    }
  }
}
