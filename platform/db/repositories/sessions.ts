import { randomUUID } from 'node:crypto';
import { AppError } from '#shared/domain/errors.ts';
import type { PodCause } from '#shared/domain/podCause.ts';
import { isLivePhase, type PhaseReason, type SessionKind, type SessionPhase } from '#shared/domain/session.ts';
import type { Database, Tx } from '#platform/db/database.ts';
import { findSessionIntent, insertIntent } from '#platform/db/repositories/intents.ts';

/** A row of `sessions`. */
export interface SessionRecord {
  id: number;
  uuid: string;
  userId: number;
  name: string;
  language: string;
  kind: SessionKind;
  template: string | null;
  sourceSnapshotId: number | null;
  phase: SessionPhase;
  phaseReason: PhaseReason | null;
  /** What holds it up, or made it fail; null when all is well. */
  phaseCause: PodCause | null;
  /** A workflow owns the session. */
  isActive: boolean;
  /** Counts the opens; fences every write of a workflow. */
  generation: number;
  /** Counts the reconciles. */
  syncEpoch: number;
  changeSeq: number;
  lastActivityAt: Date;
  /** Held open without activity until then; null without an extension. */
  expiresAt: Date | null;
  deletedAt: Date | null;
  createdAt: Date;
  updatedAt: Date;
}

/** A stage of an opening; `seconds` until the next one began, or until now. */
export interface StageRecord {
  phase: SessionPhase;
  startedAt: Date;
  seconds: number;
}

/** The columns of `sessions` under the names of SessionRecord. */
export const SESSION_COLUMNS = `id, uuid, user_id AS "userId", name, language, kind, template,
  source_snapshot_id AS "sourceSnapshotId", phase, phase_reason AS "phaseReason", phase_cause AS "phaseCause",
  is_active AS "isActive", generation, sync_epoch AS "syncEpoch", change_seq::float8 AS "changeSeq", last_activity_at AS "lastActivityAt",
  expires_at AS "expiresAt", deleted_at AS "deletedAt", created_at AS "createdAt", updated_at AS "updatedAt"`;

async function selectOne(
  database: Database,
  query: { where: string; bind: unknown[] },
  tx: Tx,
): Promise<SessionRecord | null> {
  const rows = await database.query<SessionRecord>(
    `SELECT ${SESSION_COLUMNS} FROM sessions WHERE ${query.where}`,
    query.bind,
    tx,
  );
  return rows[0] ?? null;
}

/** Inserts a session that was never opened: phase `closed`, generation 0. `uuid` is a warm slot's, or is made. */
export async function insertSession(
  database: Database,
  session: { userId: number; name: string; language: string; uuid?: string },
  tx: Tx = null,
): Promise<SessionRecord> {
  const rows = await database.query<SessionRecord>(
    `INSERT INTO sessions (uuid, user_id, name, language) VALUES (coalesce($1, gen_random_uuid()), $2, $3, $4)
     RETURNING ${SESSION_COLUMNS}`,
    [session.uuid ?? null, session.userId, session.name, session.language],
    tx,
  );
  return rows[0]!;
}

/** A session by uuid; null when there is none or it is in the trash. `uuid` must have a uuid's shape. */
export function findSession(database: Database, uuid: string, tx: Tx = null): Promise<SessionRecord | null> {
  return selectOne(database, { where: 'uuid = $1 AND deleted_at IS NULL', bind: [uuid] }, tx);
}

/** A session by id, in the trash or not; null when there is none. */
export function findSessionById(database: Database, id: number, tx: Tx = null): Promise<SessionRecord | null> {
  return selectOne(database, { where: 'id = $1', bind: [id] }, tx);
}

/** Reads a session and holds its row until the transaction ends; null when there is none or it is in the trash. */
export function lockSession(database: Database, uuid: string, tx: Tx): Promise<SessionRecord | null> {
  return selectOne(database, { where: 'uuid = $1 AND deleted_at IS NULL FOR UPDATE', bind: [uuid] }, tx);
}

/** Reads a session by id, in the trash or not, and holds its row until the transaction ends. */
export function lockSessionById(database: Database, id: number, tx: Tx): Promise<SessionRecord | null> {
  return selectOne(database, { where: 'id = $1 FOR UPDATE', bind: [id] }, tx);
}

/** The person's sessions, newest first, those with an id below `cursor` when one is given. */
export function listSessions(
  database: Database,
  page: { userId: number; cursor: number | null; limit: number },
  tx: Tx = null,
): Promise<SessionRecord[]> {
  return database.query<SessionRecord>(
    `SELECT ${SESSION_COLUMNS} FROM sessions
     WHERE user_id = $1 AND deleted_at IS NULL AND kind = 'workspace' AND ($2::integer IS NULL OR id < $2)
     ORDER BY id DESC LIMIT $3`,
    [page.userId, page.cursor, page.limit],
    tx,
  );
}

/** The person's sessions that a workflow owns, oldest first. */
export function listLiveSessions(database: Database, userId: number, tx: Tx = null): Promise<SessionRecord[]> {
  return database.query<SessionRecord>(
    `SELECT ${SESSION_COLUMNS} FROM sessions WHERE user_id = $1 AND is_active ORDER BY id`,
    [userId],
    tx,
  );
}

/** How many of the person's sessions a workflow owns. */
export async function countLiveSessions(database: Database, userId: number, tx: Tx = null): Promise<number> {
  const rows = await database.query<{ live: number }>(
    `SELECT count(*)::integer AS live FROM sessions WHERE user_id = $1 AND is_active`,
    [userId],
    tx,
  );
  return rows[0]?.live ?? 0;
}

/** Locks the row, or throws NOT_FOUND: a session that was erased cannot be changed. */
async function lockOrThrow(database: Database, session: Pick<SessionRecord, 'id'>, tx: Tx): Promise<SessionRecord> {
  const locked = await lockSessionById(database, session.id, tx);
  if (locked === null) throw new AppError('NOT_FOUND', { detail: 'The session was deleted.' });
  return locked;
}

/** Publishes the row's phase to the people who watch the session; call after the row was changed, in the same transaction. */
async function publishPhase(database: Database, session: SessionRecord, tx: Tx): Promise<void> {
  const { phase, phaseReason: reason, phaseCause: cause, generation } = session;
  const payload = { phase, reason, cause, generation };
  await database.query(`SELECT publish_session_event($1, 'phase', $2)`, [session.id, JSON.stringify(payload)], tx);
}

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
 * Writes intent and event in `tx`.
 */
export async function insertOpening(
  database: Database,
  locked: Pick<SessionRecord, 'id'>,
  tx: Tx,
): Promise<{ opId: string; session: SessionRecord }> {
  const rows = await database.query<SessionRecord>(
    `UPDATE sessions SET generation = generation + 1, phase = 'requested', phase_reason = NULL, phase_cause = NULL, expires_at = NULL,
       last_activity_at = now(), updated_at = now() WHERE id = $1 RETURNING ${SESSION_COLUMNS}`,
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

/** Gives the session another name and tells those who watch it. Throws NOT_FOUND. */
export async function renameSession(
  database: Database,
  renamed: { id: number; name: string },
  tx: Tx,
): Promise<SessionRecord> {
  await lockOrThrow(database, renamed, tx);
  await database.query(
    `UPDATE sessions SET name = $2, updated_at = now() WHERE id = $1`,
    [renamed.id, renamed.name],
    tx,
  );
  await database.query(`SELECT publish_session_event($1, 'session', '{}')`, [renamed.id], tx);
  return (await findSessionById(database, renamed.id, tx))!;
}

/**
 * Puts the session into the trash, and asks for its close when it is live. Its volume, files and versions stay. Throws
 * NOT_FOUND, and SESSION_HAS_OPEN_REVIEW while a review of it is open.
 */
export async function trashSession(
  database: Database,
  session: Pick<SessionRecord, 'id'> & { actor: string },
  tx: Tx,
): Promise<void> {
  const locked = await lockOrThrow(database, session, tx);
  const reviews = await database.query<{ id: number }>(
    `SELECT id FROM review_requests WHERE session_id = $1 AND withdrawn_at IS NULL AND status IN ('pending', 'in_review')`,
    [locked.uuid],
    tx,
  );
  if (reviews[0] !== undefined) {
    throw new AppError('SESSION_HAS_OPEN_REVIEW', {
      detail: `Review ${reviews[0].id} of this session is open. Withdraw it first, or wait for its verdict.`,
      data: { reviewId: reviews[0].id },
    });
  }
  if (locked.isActive) await requestClose(database, locked, { actor: session.actor, reason: 'user' }, tx);
  await database.query(`UPDATE sessions SET deleted_at = now(), updated_at = now() WHERE id = $1`, [locked.id], tx);
  await database.query(`SELECT publish_session_event($1, 'session', '{}')`, [locked.id], tx);
}

/** Notes that somebody is at work. Writes at most once in five seconds a session, for keystrokes call it often. */
export async function touchActivity(database: Database, uuid: string): Promise<void> {
  await database.query(
    `UPDATE sessions SET last_activity_at = now() WHERE uuid = $1 AND last_activity_at < now() - interval '5 seconds'`,
    [uuid],
  );
}

/** Holds the session open without activity until that time, fenced, with an event. False: superseded. */
export function extendSession(
  database: Database,
  extension: { sessionId: number; generation: number; until: Date },
): Promise<boolean> {
  return database.transaction(async (tx) => {
    const rows = await database.query<{ id: number }>(
      `UPDATE sessions SET expires_at = $3, updated_at = now() WHERE id = $1 AND generation = $2 RETURNING id`,
      [extension.sessionId, extension.generation, extension.until],
      tx,
    );
    if (rows.length === 0) return false;
    await database.query(`SELECT publish_session_event($1, 'session', '{}')`, [extension.sessionId], tx);
    return true;
  });
}

/** Tells those who watch the session that it will close, and when. Payload: `closingSoon` of the events' contract. */
export async function publishClosingSoon(
  database: Database,
  warning: { sessionId: number; at: Date; reason: PhaseReason },
): Promise<void> {
  const payload = { at: warning.at.toISOString(), reason: warning.reason };
  await database.query(`SELECT publish_session_event($1, 'closingSoon', $2)`, [
    warning.sessionId,
    JSON.stringify(payload),
  ]);
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
