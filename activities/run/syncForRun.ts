import { randomUUID } from 'node:crypto';
import { findRunById, writeRunManifest } from '#platform/db/repositories/runs.ts';
import { lockSessionById } from '#platform/db/repositories/sessions.ts';
import { manifestHash, readManifest } from '#platform/db/repositories/snapshots.ts';
import type { ActivityDeps } from '#activities/session/deps.ts';
import { syncNow } from '#activities/session/syncNow.ts';

/** How long a run waits for the session to bring its volume and the saved files together. */
const SYNC_WAIT_MS = 30_000;

/**
 * Brings database and volume together and notes the digest of the files as they are saved then. When no sync comes, the run
 * is begun all the same, and its receipt says nothing about files: what it found is not known.
 */
export async function syncForRun(
  deps: Pick<ActivityDeps, 'database' | 'temporal' | 'log'>,
  runId: number,
): Promise<{ synced: boolean }> {
  const { database } = deps;
  const run = await findRunById(database, runId);
  if (run === null) return { synced: false };
  const { sessionId, sessionUuid } = run;
  const synced = await syncNow(deps, { sessionUuid, opId: randomUUID() }, Date.now() + SYNC_WAIT_MS);
  await database.transaction(async (tx) => {
    await lockSessionById(database, sessionId, tx);
    const manifestSha256 = synced ? manifestHash(await readManifest(database, sessionId, tx)) : null;
    await writeRunManifest(database, { id: runId, manifestSha256 }, tx);
  });
  return { synced };
}
