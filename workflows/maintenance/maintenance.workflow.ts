import {
  ActivityCancellationType,
  proxyActivities,
  setCurrentDetails,
  sleep,
  upsertSearchAttributes,
  uuid4,
  workflowInfo,
} from '@temporalio/workflow';
import { defineSearchAttributeKey, SearchAttributeType } from '@temporalio/common';
import { taskQueues } from '#shared/domain/queues.ts';
import type { MaintenanceActivities, ReapResult, RetainResult } from '#workflows/maintenance/maintenance.ports.ts';

/** Bounds that tests shorten. */
export interface ReapInput {
  /** Milliseconds between the two passes; two minutes by default. */
  secondPassAfterMs?: number;
}

const NEEDS_ATTENTION = defineSearchAttributeKey('NeedsAttention', SearchAttributeType.BOOL);
const SECOND_PASS_AFTER_MS = 120_000;

function activities() {
  return proxyActivities<MaintenanceActivities>({
    taskQueue: taskQueues(workflowInfo().taskQueue.replace(/-orchestration$/, '')).runtime,
    startToCloseTimeout: '5m',
    heartbeatTimeout: '30s',
    cancellationType: ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
    retry: { initialInterval: '1s', maximumInterval: '30s', maximumAttempts: 5 },
  });
}

/**
 * Removes pods and volumes that no row stands for and closes sessions that no workflow owns. Removes nothing, and raises
 * an alarm, when the database is not the one that the last completed run served.
 */
export async function reap(input: ReapInput = {}): Promise<ReapResult> {
  const { findOrphans, removeOrphans, recordHeartbeat } = activities();
  const last = workflowInfo().lastResult as ReapResult | undefined;
  const lastToken = last?.token ?? null;
  const first = await findOrphans.executeWithOptions({ summary: 'first pass' }, [{ lastToken }]);
  if (first.alarm !== null) {
    upsertSearchAttributes([{ key: NEEDS_ATTENTION, value: true }]);
    setCurrentDetails(`**Nothing was removed.** ${first.alarm}`);
    // The token stays as it is, so that the alarm is raised on every run until an operator settles it.
    return { token: lastToken, removed: 0, closing: first.closing, alarm: first.alarm };
  }
  let removed = 0;
  if (first.orphans.length > 0) {
    await sleep(input.secondPassAfterMs ?? SECOND_PASS_AFTER_MS, { summary: 'before the second pass' });
    const summary = `${first.orphans.length} objects`;
    ({ removed } = await removeOrphans.executeWithOptions({ summary }, [{ orphans: first.orphans }]));
  }
  const token = first.token ?? uuid4();
  await recordHeartbeat.executeWithOptions({ summary: 'heartbeat' }, [{ token }]);
  setCurrentDetails(`Removed ${removed} objects; asked ${first.closing.length} sessions to close.`);
  return { token, removed, closing: first.closing, alarm: null };
}

/** Removes rows that are past their time. */
export async function retain(): Promise<RetainResult> {
  const result = await activities().retain.executeWithOptions({ summary: 'rows past their time' }, []);
  setCurrentDetails(
    `Removed ${result.events} events, ${result.idempotencyKeys} idempotency keys, ${result.webSessions} web sessions, ${result.versions} versions, ${result.runs ?? 0} runs, ${result.sessions} sessions in the trash, ${result.blobs} blobs.`,
  );
  return result;
}
