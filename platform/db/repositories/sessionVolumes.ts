import { AppError } from '#shared/domain/errors.ts';
import type { Database, Tx } from '#platform/db/database.ts';
import { lockSessionById } from '#platform/db/repositories/sessions.ts';
import {
  deleteVolumeRow,
  findVolume,
  insertVolume,
  setVolumeState,
  type VolumeRecord,
} from '#platform/db/repositories/volumes.ts';

/** Names one opening; a volume is only changed while the row has that generation. */
export interface Opening {
  sessionId: number;
  generation: number;
}

/** Locks the session's row. Throws STALE_GENERATION when it has another generation or is gone. */
async function lockOpening(database: Database, opening: Opening, tx: Tx): Promise<void> {
  const session = await lockSessionById(database, opening.sessionId, tx);
  if (session === null || session.generation !== opening.generation) {
    throw new AppError('STALE_GENERATION', {
      detail: `Generation ${opening.generation} of session ${opening.sessionId} is over.`,
    });
  }
}

/** The session's volume row, made when there is none. Throws STALE_GENERATION. */
export function claimVolumeRow(database: Database, opening: Opening): Promise<VolumeRecord> {
  return database.transaction(async (tx) => {
    await lockOpening(database, opening, tx);
    return insertVolume(database, opening.sessionId, tx);
  });
}

/** Forgets a volume row that stands for a volume that is no more, and makes a new one without a base. Throws STALE_GENERATION. */
export function replaceVolumeRow(database: Database, opening: Opening, oldId: number): Promise<VolumeRecord> {
  return database.transaction(async (tx) => {
    await lockOpening(database, opening, tx);
    await deleteVolumeRow(database, oldId, tx);
    return insertVolume(database, opening.sessionId, tx);
  });
}

/** Keeps the volume, `until` null until it is saved or discarded. A superseded run changes nothing. */
export function keepVolumeRow(database: Database, opening: Opening, until: Date | null): Promise<void> {
  return database.transaction(async (tx) => {
    const session = await lockSessionById(database, opening.sessionId, tx);
    const volume = await findVolume(database, opening.sessionId, tx);
    if (session?.generation !== opening.generation || volume === null) return;
    await setVolumeState(database, { id: volume.id, state: 'kept', keptUntil: until }, tx);
    await database.query(`SELECT publish_session_event($1, 'session', '{}')`, [opening.sessionId], tx);
  });
}

/** Ends the keeping of a volume that is open again; any other volume stays as it is. */
export async function resumeKeptVolume(database: Database, opening: Opening): Promise<void> {
  await database.query(
    `UPDATE volumes SET state = 'live', kept_until = NULL, updated_at = now()
     FROM sessions s WHERE s.id = volumes.session_id AND s.id = $1 AND s.generation = $2 AND volumes.state = 'kept'`,
    [opening.sessionId, opening.generation],
  );
}

/**
 * The volume that may be removed, null when it must stay: `drained` and `discarded` always, `new` and `loading` only for the present
 * generation (a newer one may be loading it), any state for a review's throw-away run.
 */
export async function findRemovableVolume(database: Database, opening: Opening): Promise<VolumeRecord | null> {
  return database.transaction(async (tx) => {
    const session = await lockSessionById(database, opening.sessionId, tx);
    const volume = await findVolume(database, opening.sessionId, tx);
    if (session === null || volume === null) return null;
    if (volume.state === 'drained' || volume.state === 'discarded') return volume;
    if (session.generation !== opening.generation) return null;
    const neverLoaded = volume.state === 'new' || volume.state === 'loading';
    return neverLoaded || session.kind === 'review_run' ? volume : null;
  });
}
