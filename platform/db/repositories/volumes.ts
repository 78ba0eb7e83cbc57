import type { VolumeState } from '#shared/domain/session.ts';
import type { Database, Tx } from '#platform/db/database.ts';

/** A row of `volumes`. */
export interface VolumeRecord {
  id: number;
  sessionId: number;
  claimUid: string | null;
  state: VolumeState;
  loadedAt: Date | null;
  keptUntil: Date | null;
}

const COLUMNS = `id, session_id AS "sessionId", claim_uid AS "claimUid", state, loaded_at AS "loadedAt", kept_until AS "keptUntil"`;

/** The session's volume, null when it has none. */
export async function findVolume(database: Database, sessionId: number, tx: Tx = null): Promise<VolumeRecord | null> {
  const rows = await database.query<VolumeRecord>(
    `SELECT ${COLUMNS} FROM volumes WHERE session_id = $1`,
    [sessionId],
    tx,
  );
  return rows[0] ?? null;
}

/** Makes the session's volume row, or returns the one that is there. */
export async function insertVolume(database: Database, sessionId: number, tx: Tx = null): Promise<VolumeRecord> {
  const rows = await database.query<VolumeRecord>(
    `INSERT INTO volumes (session_id) VALUES ($1)
     ON CONFLICT (session_id) DO UPDATE SET updated_at = now() RETURNING ${COLUMNS}`,
    [sessionId],
    tx,
  );
  return rows[0]!;
}

/** Makes the volume row of a session that takes a warm slot: the volume is there, carries this id, and holds nothing. */
export async function insertWarmVolume(
  database: Database,
  volume: { id: number; sessionId: number; claimUid: string },
  tx: Tx,
): Promise<void> {
  await database.query(
    `INSERT INTO volumes (id, session_id, claim_uid) VALUES ($1, $2, $3)`,
    [volume.id, volume.sessionId, volume.claimUid],
    tx,
  );
}

/** Records the uid of the claim that the runtime made for the volume. */
export async function setClaimUid(
  database: Database,
  volume: { id: number; claimUid: string },
  tx: Tx = null,
): Promise<void> {
  await database.query(
    `UPDATE volumes SET claim_uid = $2, updated_at = now() WHERE id = $1 AND claim_uid IS DISTINCT FROM $2`,
    [volume.id, volume.claimUid],
    tx,
  );
}

/** Moves the volume to a state. `live` ends a keeping, and is dated the first time. `keptUntil` belongs to `kept`. */
export async function setVolumeState(
  database: Database,
  volume: { id: number; state: VolumeState; keptUntil?: Date | null },
  tx: Tx = null,
): Promise<void> {
  await database.query(
    `UPDATE volumes SET state = $2, kept_until = $3, updated_at = now(),
       loaded_at = CASE WHEN $2 = 'live' THEN coalesce(loaded_at, now()) ELSE loaded_at END
     WHERE id = $1`,
    [volume.id, volume.state, volume.keptUntil ?? null],
    tx,
  );
}

/** Removes the row; its base goes with it. */
export async function deleteVolumeRow(database: Database, id: number, tx: Tx = null): Promise<void> {
  await database.query(`DELETE FROM volumes WHERE id = $1`, [id], tx);
}
