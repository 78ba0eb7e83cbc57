import { MAX_EVENT_PATHS, MAX_NOT_SAVED_ENTRIES } from '#shared/domain/limits.ts';
import type { Database, Tx } from '#platform/db/database.ts';
import { publishSessionEvent } from '#platform/db/repositories/events.ts';

/** Something on a volume that is not saved, and why. */
export interface NotSavedRecord {
  path: string;
  reason: string;
}

/** Tells that items changed, in the transaction that changes them; `source` says who did it. */
export async function publishItems(
  database: Database,
  change: { sessionId: number; paths: string[]; source: string },
  tx: Tx,
): Promise<void> {
  const payload = {
    paths: change.paths.slice(0, MAX_EVENT_PATHS),
    truncated: change.paths.length > MAX_EVENT_PATHS,
    source: change.source,
  };
  await publishSessionEvent(database, { sessionId: change.sessionId, kind: 'items', payload }, tx);
}

/** Tells that the pod's version of a path is kept beside it. */
export async function publishConflict(
  database: Database,
  conflict: { sessionId: number; path: string; copy: string },
  tx: Tx,
): Promise<void> {
  const payload = { path: conflict.path, copy: conflict.copy };
  await publishSessionEvent(database, { sessionId: conflict.sessionId, kind: 'conflict', payload }, tx);
}

/** Tells what is not saved, when that differs from what was told last. */
export async function publishNotSaved(
  database: Database,
  found: { sessionId: number; entries: NotSavedRecord[] },
  tx: Tx,
): Promise<void> {
  const entries = found.entries.slice(0, MAX_NOT_SAVED_ENTRIES).map(({ path, reason }) => ({ path, reason }));
  const told = await readNotSaved(database, found.sessionId, tx);
  if (JSON.stringify(told) === JSON.stringify(entries)) return;
  await publishSessionEvent(database, { sessionId: found.sessionId, kind: 'notSaved', payload: { entries } }, tx);
}

/** What was last told to be on the volume but not saved. */
export async function readNotSaved(database: Database, sessionId: number, tx: Tx = null): Promise<NotSavedRecord[]> {
  const rows = await database.query<{ payload: { entries: NotSavedRecord[] } }>(
    `SELECT payload FROM events WHERE subject = 'session' AND subject_id = $1 AND kind = 'notSaved'
     ORDER BY change_seq DESC LIMIT 1`,
    [sessionId],
    tx,
  );
  return (rows[0]?.payload.entries ?? []).map(({ path, reason }) => ({ path, reason }));
}
