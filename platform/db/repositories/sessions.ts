import { AppError } from '#shared/domain/errors.ts';
import type { PodCause } from '#shared/domain/podCause.ts';
import type { PhaseReason, SessionKind, SessionPhase } from '#shared/domain/session.ts';
import type { Database, Tx } from '#platform/db/database.ts';

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
  /** Of a throw-away copy: the review that it is for; null for a workspace. */
  reviewId: number | null;
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

/** The columns of `sessions` under the names of SessionRecord. */
export const SESSION_COLUMNS = `id, uuid, user_id AS "userId", name, language, kind, template,
  source_snapshot_id AS "sourceSnapshotId", review_request_id AS "reviewId", phase, phase_reason AS "phaseReason", phase_cause AS "phaseCause",
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

/** What a session was made from. */
export interface SessionLineage {
  copiedFromId: number | null;
  templateId: number | null;
}

/** Inserts a session that was never opened: phase `closed`, generation 0. `uuid` is a warm slot's, or is made. */
export async function insertSession(
  database: Database,
  session: { userId: number; name: string; language: string; uuid?: string; lineage?: SessionLineage },
  tx: Tx = null,
): Promise<SessionRecord> {
  const rows = await database.query<SessionRecord>(
    `INSERT INTO sessions (uuid, user_id, name, language, copied_from_id, template_id)
     VALUES (coalesce($1, gen_random_uuid()), $2, $3, $4, $5, $6) RETURNING ${SESSION_COLUMNS}`,
    [
      session.uuid ?? null,
      session.userId,
      session.name,
      session.language,
      session.lineage?.copiedFromId ?? null,
      session.lineage?.templateId ?? null,
    ],
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
export async function lockOrThrow(
  database: Database,
  session: Pick<SessionRecord, 'id'>,
  tx: Tx,
): Promise<SessionRecord> {
  const locked = await lockSessionById(database, session.id, tx);
  if (locked === null) throw new AppError('NOT_FOUND', { detail: 'The session was deleted.' });
  return locked;
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
