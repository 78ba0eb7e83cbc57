import { ScheduleAlreadyRunning, ScheduleOverlapPolicy, type ScheduleOptions } from '@temporalio/client';
import type { Duration } from '@temporalio/common';
import { taskQueues } from '#shared/domain/queues.ts';
import type { Config } from '#platform/config/config.ts';
import type { Temporal } from '#platform/temporal/client.ts';

type ScheduleName = 'reap' | 'retain' | 'pool';
type ScheduleConfig = Pick<Config, 'TEMPORAL_TASK_QUEUE_PREFIX' | 'BERTH_WARM_POOL_SIZE'>;

/** The recurring workflows: name under `maintenance/`, which is the workflow's type too, and how often, in seconds. */
function schedulesOf(config: ScheduleConfig): { name: ScheduleName; everySeconds: number; runTimeout?: Duration }[] {
  return [
    { name: 'reap', everySeconds: 300 },
    { name: 'retain', everySeconds: 3_600 },
    // A pool that is off has nothing to do but to remove, once, what is left of it.
    // A run that hangs would keep every later one from starting; those begin with what it left.
    { name: 'pool', everySeconds: config.BERTH_WARM_POOL_SIZE > 0 ? 30 : 3_600, runTimeout: '15m' },
  ];
}

/** The ids of the schedules. An installation that shares a namespace has its queues' prefix in front. */
export function scheduleIds(config: Pick<Config, 'TEMPORAL_TASK_QUEUE_PREFIX'>): Record<ScheduleName, string> {
  const prefix = config.TEMPORAL_TASK_QUEUE_PREFIX === 'berth' ? '' : `${config.TEMPORAL_TASK_QUEUE_PREFIX}/`;
  return {
    reap: `${prefix}maintenance/reap`,
    retain: `${prefix}maintenance/retain`,
    pool: `${prefix}maintenance/pool`,
  };
}

/**
 * Makes the schedules that are missing. Of the others only the pace is brought up to date, with a run at once; what an
 * operator has paused stays paused.
 */
export async function ensureSchedules(temporal: Temporal, config: ScheduleConfig): Promise<void> {
  const ids = scheduleIds(config);
  for (const { name, everySeconds, runTimeout } of schedulesOf(config)) {
    const every = everySeconds * 1_000;
    const options: ScheduleOptions = {
      scheduleId: ids[name],
      spec: { intervals: [{ every }] },
      action: {
        type: 'startWorkflow',
        workflowType: name,
        workflowId: ids[name],
        taskQueue: taskQueues(config.TEMPORAL_TASK_QUEUE_PREFIX).orchestration,
        args: [],
        workflowRunTimeout: runTimeout,
      },
      policies: { overlap: ScheduleOverlapPolicy.SKIP, catchupWindow: every },
      // The first run of the reaper leaves its token before there is anything that it could take for litter.
      state: { triggerImmediately: true },
    };
    try {
      await temporal.client.schedule.create(options);
    } catch (error) {
      if (!(error instanceof ScheduleAlreadyRunning)) throw error;
      await keepPace(temporal, ids[name], every);
    }
  }
}

async function keepPace(temporal: Temporal, scheduleId: string, every: number): Promise<void> {
  const schedule = temporal.client.schedule.getHandle(scheduleId);
  const { spec, state } = await schedule.describe();
  if (spec.intervals?.length === 1 && spec.intervals[0]?.every === every) return;
  await schedule.update((present) => ({
    ...present,
    spec: { intervals: [{ every }] },
    policies: { ...present.policies, catchupWindow: every },
  }));
  if (!state.paused) await schedule.trigger();
}
