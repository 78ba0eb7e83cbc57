import type { PodCause } from '#shared/domain/podCause.ts';
import type { Database } from '#platform/db/database.ts';

/** Names one opening; a cause is only written while the row has that generation. */
interface Opening {
  sessionId: number;
  generation: number;
}

/**
 * Writes what a live session waits for, null when it waits no more, and tells those who watch it. A superseded or ended
 * one stays as it is. The phase and its stages do not change.
 */
export function writeWaitingCause(database: Database, opening: Opening, cause: PodCause | null): Promise<void> {
  return update(database, opening, { cause, where: 'is_active AND phase_cause IS DISTINCT FROM $3' });
}

/**
 * Writes that a running session's disk is full, or has room again. A graver cause stays, and so does any that another
 * part of Berth wrote.
 */
export function writeDiskFull(database: Database, opening: Opening, full: boolean): Promise<void> {
  const found = full ? 'phase_cause IS NULL' : `phase_cause = 'disk-full'`;
  return update(database, opening, { cause: full ? 'disk-full' : null, where: `phase = 'running' AND ${found}` });
}

async function update(
  database: Database,
  { sessionId, generation }: Opening,
  { cause, where }: { cause: PodCause | null; where: string },
): Promise<void> {
  await database.transaction(async (tx) => {
    const rows = await database.query<{ id: number }>(
      `UPDATE sessions SET phase_cause = $3 WHERE id = $1 AND generation = $2 AND ${where} RETURNING id`,
      [sessionId, generation, cause],
      tx,
    );
    if (rows.length > 0) await database.query(`SELECT publish_session_event($1, 'session', '{}')`, [sessionId], tx);
  });
}
