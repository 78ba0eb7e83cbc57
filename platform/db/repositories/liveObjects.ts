import type { Database } from '#platform/db/database.ts';
import { SESSION_COLUMNS, type SessionRecord } from '#platform/db/repositories/sessions.ts';

/** What the rows say must exist, by session. */
export interface LiveObjects {
  /** Sessions that a workflow owns, and warm slots that wait for one: their pods and volumes are in use. */
  active: Set<string>;
  /** Sessions whose volume holds, or may hold, what is nowhere else. */
  held: Set<string>;
  /** The uids of claims that were kept for a time which is over. */
  expired: Set<string>;
}

// Nothing on the volume of a throw-away copy is worth keeping once its session is not live.
const IS_HELD = `(s.kind = 'workspace' AND (v.state = 'live' OR (v.state = 'kept' AND (v.kept_until IS NULL OR v.kept_until > now()))))`;

/** Reads what must not be removed. A kept volume whose time has passed is not held any more. */
export async function readLiveObjects(database: Database): Promise<LiveObjects> {
  const active = await database.query<{ uuid: string }>(
    `SELECT uuid FROM sessions WHERE is_active
     UNION ALL SELECT uuid FROM warm_slots WHERE state IN ('making', 'ready')`,
  );
  const held = await database.query<{ uuid: string }>(
    `SELECT s.uuid FROM volumes v JOIN sessions s ON s.id = v.session_id
     WHERE ${IS_HELD}`,
  );
  const expired = await database.query<{ claimUid: string }>(
    `SELECT claim_uid AS "claimUid" FROM volumes WHERE state = 'kept' AND kept_until <= now() AND claim_uid IS NOT NULL`,
  );
  return {
    active: new Set(active.map((session) => session.uuid)),
    held: new Set(held.map((session) => session.uuid)),
    expired: new Set(expired.map((volume) => volume.claimUid)),
  };
}

/**
 * Sessions that ought to have a workflow: live, unchanged for `ageSeconds`, and with nothing in the outbox that would
 * start one.
 */
export function listSettledLiveSessions(database: Database, ageSeconds: number): Promise<SessionRecord[]> {
  return database.query<SessionRecord>(
    `SELECT ${SESSION_COLUMNS} FROM sessions
     WHERE is_active AND updated_at < now() - make_interval(secs => $1)
       AND NOT EXISTS (SELECT 1 FROM intents i WHERE i.subject = 'session' AND i.subject_id = sessions.id)
     ORDER BY id`,
    [ageSeconds],
  );
}

/**
 * Forgets the row of a volume that is about to be removed: whoever opens the session from then on gets another. False, and
 * nothing is forgotten: the session was opened meanwhile, or the volume holds again what is nowhere else.
 */
export function forgetVolume(database: Database, volume: { uuid: string; claimUid: string }): Promise<boolean> {
  return database.transaction(async (tx) => {
    const given = [volume.uuid, volume.claimUid];
    // An opening locks the row, too.
    await database.query(`SELECT 1 FROM sessions WHERE uuid = $1 FOR UPDATE`, [volume.uuid], tx);
    const inUse = await database.query(
      `SELECT 1 FROM sessions s LEFT JOIN volumes v ON v.session_id = s.id AND v.claim_uid = $2
       WHERE s.uuid = $1 AND (s.is_active OR ${IS_HELD})`,
      given,
      tx,
    );
    if (inUse.length > 0) return false;
    await database.query(
      `DELETE FROM volumes v USING sessions s WHERE s.id = v.session_id AND s.uuid = $1 AND v.claim_uid = $2`,
      given,
      tx,
    );
    return true;
  });
}
