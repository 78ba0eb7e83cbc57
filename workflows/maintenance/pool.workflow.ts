import {
  ActivityCancellationType,
  isCancellation,
  proxyActivities,
  setCurrentDetails,
  upsertSearchAttributes,
  uuid4,
  workflowInfo,
  type ActivityOptions,
} from '@temporalio/workflow';
import { defineSearchAttributeKey, SearchAttributeType } from '@temporalio/common';
import { taskQueues } from '#shared/domain/queues.ts';
import type { PoolActivities, PoolResult, PoolSurvey } from '#workflows/maintenance/pool.ports.ts';

const NEEDS_ATTENTION = defineSearchAttributeKey('NeedsAttention', SearchAttributeType.BOOL);
/** Slots that are made at once: a cluster that starts pods for people must not wait for the pool's. */
const SLOTS_AT_ONCE = 4;
/** So often a run fills up; with SLOTS_AT_ONCE the most that one run makes. */
const ROUNDS = 5;

/** Keeps the pool as the workers' configuration wants it: makes what is missing at a bounded pace, removes what is retired. */
export async function pool(): Promise<PoolResult> {
  const { short, long } = proxies();
  const last = workflowInfo().lastResult as PoolResult | undefined;
  const done = { made: 0, removed: 0, problem: null as string | null };
  let stuck: string | null = null;
  // A pod that does not go, on a lost node say, must not keep the pool from being filled.
  const remove = async (): Promise<void> => {
    try {
      done.removed += (await long.removeRetired.executeWithOptions({ summary: 'retired slots' }, [])).removed;
    } catch (error) {
      if (isCancellation(error)) throw error;
      stuck = `a retired slot could not be removed: ${explain(error)}`;
    }
  };

  let survey = await short.surveyPool.executeWithOptions({ summary: 'survey' }, [{ unfinished: true }]);
  for (let round = 1; round <= ROUNDS && survey.missing > 0 && done.problem === null; round += 1) {
    show(survey, done);
    // After a failure one slot is tried, not a flock of them, until it works again.
    const count = Math.min(survey.missing, last?.problem != null && done.made === 0 ? 1 : SLOTS_AT_ONCE);
    const [made] = await Promise.all([makeSlots(long, count), survey.retiring > 0 ? remove() : null]);
    done.made += made.count;
    done.problem = made.problem;
    survey = await short.surveyPool.executeWithOptions({ summary: 'survey' }, [{ unfinished: true }]);
  }
  if (survey.retiring > 0) await remove();
  done.problem ??= stuck;
  await short.recordPoolRun.executeWithOptions({ summary: 'end of the run' }, [{ problem: done.problem }]);
  if (done.problem !== null) upsertSearchAttributes([{ key: NEEDS_ATTENTION, value: true }]);
  show(survey, done);
  return { size: survey.size, ready: survey.ready, ...done };
}

type Proxies = ReturnType<typeof proxies>;

/** Every attempt of a step is bounded, so that a killed worker heals within a minute. */
function proxies() {
  const options: ActivityOptions = {
    taskQueue: taskQueues(workflowInfo().taskQueue.replace(/-orchestration$/, '')).runtime,
    startToCloseTimeout: '20s',
    cancellationType: ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
    retry: { initialInterval: '500ms', maximumInterval: '10s', maximumAttempts: 5 },
  };
  return {
    short: proxyActivities<PoolActivities>(options),
    long: proxyActivities<PoolActivities>({
      ...options,
      startToCloseTimeout: '3m',
      heartbeatTimeout: '15s',
      retry: { ...options.retry, maximumAttempts: 3 },
    }),
  };
}

async function makeSlots(long: Proxies['long'], count: number): Promise<{ count: number; problem: string | null }> {
  const uuids = Array.from({ length: count }, () => uuid4());
  const results = await Promise.allSettled(
    uuids.map((uuid) => long.makeSlot.executeWithOptions({ summary: `slot ${uuid}` }, [{ uuid }])),
  );
  const failed = results.filter((result) => result.status === 'rejected').map(({ reason }) => reason as unknown);
  const cancelled = failed.find((reason) => isCancellation(reason));
  if (cancelled !== undefined) throw cancelled;
  return {
    count: results.filter((result) => result.status === 'fulfilled' && result.value.ready).length,
    problem: failed.length === 0 ? null : explain(failed[0]),
  };
}

function show(survey: PoolSurvey, done: { made: number; removed: number; problem: string | null }): void {
  const lines = [
    `**${survey.ready} of ${survey.size} ready.** Made ${done.made}, removed ${done.removed} in this run.`,
    ...(survey.paused ? ['Paused by an operator; `berth admin resume-pool` ends that.'] : []),
    ...(done.problem === null
      ? []
      : [`**Something is wrong:** ${done.problem}. New sessions start cold when no slot is ready.`]),
  ];
  setCurrentDetails(lines.join('\n\n'));
}

/** The innermost message of a failure, which says what went wrong. */
function explain(error: unknown): string {
  let innermost = error;
  while (innermost instanceof Error && innermost.cause instanceof Error) innermost = innermost.cause;
  return innermost instanceof Error ? innermost.message : String(innermost);
}
