import type { WarmPool } from '#shared/contracts/warmPool.ts';
import type { WarmPoolRecord } from '#platform/db/repositories/warmPool.ts';

/** The warm pool as operators see it. */
export function presentWarmPool({ pausedAt, pausedBy, ranAt, ...pool }: WarmPoolRecord): WarmPool {
  return {
    ...pool,
    ranAt: ranAt?.toISOString() ?? null,
    paused: pausedAt === null ? null : { at: pausedAt.toISOString(), by: pausedBy ?? '' },
  };
}
