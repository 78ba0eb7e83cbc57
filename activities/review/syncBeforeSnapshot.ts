import { heartbeat, sleep } from '@temporalio/activity';
import { isReachablePhase } from '#shared/domain/session.ts';
import type { Database } from '#platform/db/database.ts';
import { findSession } from '#platform/db/repositories/sessions.ts';
import type { ReviewActivityDeps } from '#activities/review/reviewActivities.ts';
import { syncNow } from '#activities/session/syncNow.ts';

/** How long a submission waits for the open session to save what was made in its terminals. */
const SYNC_WAIT_MS = 30_000;
const LOOK_EVERY_MS = 500;
const HEARTBEAT_EVERY_MS = 3_000;

/** Which session is to be synced, and for which operation. */
export interface SyncRequest {
  reviewId: number;
  sessionUuid: string;
  opId: string;
}

/**
 * Has a live session save what is only on its volume, and waits up to 30 s. `synced` true means that PostgreSQL holds
 * everything that the session had when this began: the sync answered, or nothing lives and no unsaved volume is left.
 * The update `syncNow` goes through the same queue as the signal `requestSync`; unlike that it tells when it is done.
 */
export async function syncBeforeSnapshot(
  deps: Pick<ReviewActivityDeps, 'database' | 'temporal' | 'log'>,
  request: SyncRequest,
): Promise<{ synced: boolean }> {
  const beat = setInterval(() => heartbeat(), HEARTBEAT_EVERY_MS);
  try {
    return { synced: await waitForSync(deps, request, Date.now() + SYNC_WAIT_MS) };
  } finally {
    clearInterval(beat);
  }
}

async function waitForSync(
  deps: Pick<ReviewActivityDeps, 'database' | 'temporal' | 'log'>,
  request: SyncRequest,
  deadline: number,
): Promise<boolean> {
  while (Date.now() < deadline) {
    const session = await findSession(deps.database, request.sessionUuid);
    if (session === null || !session.isActive) return everythingIsSaved(deps.database, request.sessionUuid);
    if (isReachablePhase(session.phase) && (await syncNow(deps, request, deadline))) return true;
    await sleep(LOOK_EVERY_MS);
  }
  deps.log.warn({ reviewId: request.reviewId, sessionUuid: request.sessionUuid }, 'no sync before the snapshot');
  return false;
}

/** False when the session ended with something on its volume that is in no other place. */
async function everythingIsSaved(database: Database, sessionUuid: string): Promise<boolean> {
  const rows = await database.query(
    `SELECT 1 FROM volumes v JOIN sessions s ON s.id = v.session_id
     WHERE s.uuid = $1 AND (v.state = 'live' OR (v.state = 'kept' AND v.kept_until IS NULL))`,
    [sessionUuid],
  );
  return rows.length === 0;
}
