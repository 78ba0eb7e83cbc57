import { randomUUID } from 'node:crypto';
import { isLivePhase, type PhaseReason } from '#shared/domain/session.ts';
import type { Database, Tx } from '#platform/db/database.ts';
import { findSessionIntent, insertIntent } from '#platform/db/repositories/intents.ts';
import { publishPhase } from '#platform/db/repositories/sessionPhases.ts';
import {
  findSessionById,
  lockOrThrow,
  SESSION_COLUMNS,
  type SessionRecord,
} from '#platform/db/repositories/sessions.ts';

/**
 * Asks for an opening: next generation, phase `requested`, an intent and a `phase` event, all in `tx`. A session that is
 * open and not asked to close stays as it is, and no intent is written. Throws NOT_FOUND.
 */
export async function requestOpen(
  database: Database,
  session: Pick<SessionRecord, 'id'>,
  tx: Tx,
): Promise<{ opId: string; session: SessionRecord }> {
  const locked = await lockOrThrow(database, session, tx);
  const here = { sessionId: locked.id, generation: locked.generation };
  const ending = !isLivePhase(locked.phase) || locked.phase === 'saving' || locked.phase === 'closing';
  if (!ending && (await findSessionIntent(database, { ...here, kind: 'close' }, tx)) === null) {
    const pending = await findSessionIntent(database, { ...here, kind: 'open' }, tx);
    return { opId: pending?.opId ?? randomUUID(), session: locked };
  }
  return insertOpening(database, locked, tx);
}

/**
 * Begins the next generation of a session whose row is locked, whatever its phase: the run of the one before gives way.
 * Writes intent and event in `tx`. While the run of the one before waits for a lost node so does this one, and the cause
 * stays: by it people are offered to give the volume up, unless they have.
 */
export async function insertOpening(
  database: Database,
  locked: Pick<SessionRecord, 'id'>,
  tx: Tx,
): Promise<{ opId: string; session: SessionRecord }> {
  const rows = await database.query<SessionRecord>(
    `UPDATE sessions SET generation = generation + 1, phase = 'requested', phase_reason = NULL,
       phase_cause = CASE WHEN is_active AND phase_cause = 'node-lost' AND NOT EXISTS (
         SELECT 1 FROM volumes WHERE session_id = sessions.id AND state = 'discarded') THEN phase_cause END,
       expires_at = NULL, last_activity_at = now(), updated_at = now() WHERE id = $1 RETURNING ${SESSION_COLUMNS}`,
    [locked.id],
    tx,
  );
  const opened = rows[0]!;
  const opId = randomUUID();
  await insertIntent(
    database,
    { subject: 'session', subjectId: opened.id, generation: opened.generation, kind: 'open', opId, payload: {} },
    tx,
  );
  await publishPhase(database, opened, tx);
  return { opId, session: (await findSessionById(database, opened.id, tx)) ?? opened };
}

/**
 * Asks for an orderly close by an intent in `tx`. A session that is closed or closing stays as it is, and a second
 * request answers with the first one's opId. Throws NOT_FOUND.
 */
export async function requestClose(
  database: Database,
  session: Pick<SessionRecord, 'id'>,
  request: { actor: string; reason: PhaseReason },
  tx: Tx,
): Promise<{ opId: string; session: SessionRecord }> {
  const locked = await lockOrThrow(database, session, tx);
  const pending = await findSessionIntent(
    database,
    { sessionId: locked.id, generation: locked.generation, kind: 'close' },
    tx,
  );
  if (pending !== null) return { opId: pending.opId, session: locked };
  const opId = randomUUID();
  if (!isLivePhase(locked.phase) || locked.phase === 'saving' || locked.phase === 'closing') {
    return { opId, session: locked };
  }
  await insertIntent(
    database,
    {
      subject: 'session',
      subjectId: locked.id,
      generation: locked.generation,
      kind: 'close',
      opId,
      payload: { actor: request.actor, reason: request.reason },
    },
    tx,
  );
  return { opId, session: locked };
}

/**
 * Closes a session whose run is gone; `session` as it was found then. A close that had begun cannot be asked for again: an
 * opening that is closed at once saves what is on the volume. Does nothing when the session was opened meanwhile. Throws
 * NOT_FOUND.
 */
export async function closeAbandonedSession(
  database: Database,
  session: Pick<SessionRecord, 'id' | 'generation'>,
  request: { actor: string; reason: PhaseReason },
  tx: Tx,
): Promise<void> {
  const locked = await lockOrThrow(database, session, tx);
  if (locked.generation !== session.generation) return;
  if (locked.phase === 'saving' || locked.phase === 'closing') await insertOpening(database, locked, tx);
  await requestClose(database, locked, request, tx);
}
