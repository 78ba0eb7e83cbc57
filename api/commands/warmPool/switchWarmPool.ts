import type { ApiDeps } from '#api/deps.ts';
import { appendAudit } from '#platform/db/repositories/auditLog.ts';
import {
  pauseWarmPool,
  readWarmPool,
  resumeWarmPool,
  type WarmPoolRecord,
} from '#platform/db/repositories/warmPool.ts';

/** Who pauses or resumes the pool, and from where. */
export interface PoolSwitch {
  action: 'pause-pool' | 'resume-pool';
  actor: { id: number; username: string };
  address: string;
  requestId: string;
}

/**
 * Pauses the warm pool or ends its pause, and answers the pool. Doing what is done already changes nothing. The policy was
 * asked before.
 */
export function switchWarmPool(
  deps: ApiDeps,
  { action, actor, address, requestId }: PoolSwitch,
): Promise<WarmPoolRecord> {
  return deps.database.transaction(async (tx) => {
    if (action === 'pause-pool') await pauseWarmPool(deps.database, actor.username, tx);
    else await resumeWarmPool(deps.database, tx);
    const entry = { actorId: actor.id, action, target: 'warm-pool', address, requestId };
    await appendAudit(deps.database, { ...entry, outcome: 'done' }, tx);
    return readWarmPool(deps.database, tx);
  });
}
