import type { PodCause } from '#shared/domain/podCause.ts';
import { isLivePhase, type PhaseReason, type SessionPhase } from '#shared/domain/session.ts';
import type { Database, Tx } from '#platform/db/database.ts';
import { lockSessionById, SESSION_COLUMNS, type SessionRecord } from '#platform/db/repositories/sessions.ts';

/** A stage of an opening; `seconds` until the next one began, or until now. */
export interface StageRecord {
  phase: SessionPhase;
  startedAt: Date;
  seconds: number;
}

/** Publishes the row's phase to the people who watch the session; call after the row was changed, in the same transaction. */
export async function publishPhase(database: Database, session: SessionRecord, tx: Tx): Promise<void> {
  const { phase, phaseReason: reason, phaseCause: cause, generation } = session;
  const payload = { phase, reason, cause, generation };
  await database.query(`SELECT publish_session_event($1, 'phase', $2)`, [session.id, JSON.stringify(payload)], tx);
}

/** A fenced write of phase, reason and cause. */
export interface PhaseWrite {
  sessionId: number;
  generation: number;
  phase: SessionPhase;
  reason: PhaseReason | null;
  cause?: PodCause | null;
}

/**
 * Writes phase, reason and cause with their event, in one transaction, only while the row has that generation. Answers the row,
 * or null when it was superseded, erased, or has ended before. Writing what is there already changes nothing, so a retry
 * is harmless.
 */
export function writePhase(database: Database, write: PhaseWrite): Promise<SessionRecord | null> {
  return database.transaction(async (tx) => {
    const locked = await lockSessionById(database, write.sessionId, tx);
    if (locked === null || locked.generation !== write.generation) return null;
    const { phase, phaseReason, phaseCause } = locked;
    const cause = write.cause ?? null;
    if (phase === write.phase && phaseReason === write.reason && phaseCause === cause) return locked;
    if (!isLivePhase(locked.phase)) return null;
    const rows = await database.query<SessionRecord>(
      `UPDATE sessions SET phase = $3, phase_reason = $4, phase_cause = $5, updated_at = now()
       WHERE id = $1 AND generation = $2 RETURNING ${SESSION_COLUMNS}`,
      [write.sessionId, write.generation, write.phase, write.reason, cause],
      tx,
    );
    const written = rows[0]!;
    await publishPhase(database, written, tx);
    return written;
  });
}

/**
 * Moves requested → provisioning for this generation. Answers null when the run is stale: the row has another generation
 * or is past provisioning. A retried admit passes.
 */
export function admitSession(
  database: Database,
  ref: { sessionId: number; generation: number },
): Promise<SessionRecord | null> {
  return database.transaction(async (tx) => {
    const rows = await database.query<SessionRecord & { previous: SessionPhase }>(
      `UPDATE sessions SET phase = 'provisioning', updated_at = now()
       FROM (SELECT phase AS previous FROM sessions WHERE id = $1 FOR UPDATE) AS old
       WHERE id = $1 AND generation = $2 AND phase IN ('requested', 'provisioning')
       RETURNING old.previous, ${SESSION_COLUMNS}`,
      [ref.sessionId, ref.generation],
      tx,
    );
    const admitted = rows[0];
    if (admitted === undefined) return null;
    if (admitted.previous !== 'provisioning') await publishPhase(database, admitted, tx);
    return admitted;
  });
}

/** The stages of one generation, oldest first, as its `phase` events tell them; none once those are a week old. */
export function listStages(database: Database, sessionId: number, generation: number): Promise<StageRecord[]> {
  return database.query<StageRecord>(
    `SELECT payload ->> 'phase' AS phase, created_at AS "startedAt",
       extract(epoch FROM coalesce(lead(created_at) OVER (ORDER BY change_seq), now()) - created_at)::float8 AS seconds
     FROM events WHERE subject = 'session' AND subject_id = $1 AND kind = 'phase' AND payload @> $2
     ORDER BY change_seq`,
    [sessionId, JSON.stringify({ generation })],
  );
}
