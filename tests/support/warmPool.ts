import { randomUUID } from 'node:crypto';
import { createSession } from '#api/commands/sessions/createSession.ts';
import type { ApiDeps } from '#api/deps.ts';
import type { CreateSession } from '#shared/contracts/session.ts';
import { taskQueues } from '#shared/domain/queues.ts';
import type { SessionRecord } from '#platform/db/repositories/sessions.ts';
import { build } from '#tests/support/factories.ts';
import type { SessionStack } from '#tests/support/sessionStack.ts';
import type { PoolResult } from '#workflows/maintenance/pool.ports.ts';

/** One run of the pool, as its schedule starts it, with that many slots wanted. */
export async function runPool(stack: Pick<SessionStack, 'config' | 'temporal'>, size: number): Promise<PoolResult> {
  stack.config.BERTH_WARM_POOL_SIZE = size;
  return stack.temporal.client.workflow.execute('pool', {
    taskQueue: taskQueues(stack.config.TEMPORAL_TASK_QUEUE_PREFIX).orchestration,
    workflowId: `pool-${randomUUID()}`,
  }) as Promise<PoolResult>;
}

/** A session of a new person, made and opened at once as the api does it. */
export async function createAndOpen(
  stack: Pick<SessionStack, 'config' | 'database'>,
  wanted: Partial<CreateSession> = {},
): Promise<SessionRecord> {
  const { id: userId } = await build.user(stack.database);
  // All that the command uses of what an api works with.
  const deps = stack as unknown as ApiDeps;
  return createSession(deps, {
    userId,
    source: null,
    wanted: { name: 'fractals', language: 'python', open: true, ...wanted },
  });
}
