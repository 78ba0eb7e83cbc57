import type { RecordingEnd } from '#shared/domain/recording.ts';
import type { Database, Tx } from '#platform/db/database.ts';

/** A row of `recordings` without its content. `size` in bytes and `seconds` are null while it is under way, and when it is lost. */
export interface RecordingRecord {
  id: string;
  terminalId: string;
  terminalName: string;
  withInput: boolean;
  startedAt: Date;
  endedAt: Date | null;
  endReason: RecordingEnd | null;
  seconds: number | null;
  size: number | null;
}

const COLUMNS = `id, terminal_id AS "terminalId", terminal_name AS "terminalName", with_input AS "withInput",
  started_at AS "startedAt", ended_at AS "endedAt", end_reason AS "endReason", seconds, octet_length(content) AS size`;

/** The session's recordings, newest first. */
export function listRecordings(database: Database, sessionId: number): Promise<RecordingRecord[]> {
  return database.query(`SELECT ${COLUMNS} FROM recordings WHERE session_id = $1 ORDER BY started_at DESC, id`, [
    sessionId,
  ]);
}

/** One recording of the session, null when there is none. */
export async function findRecording(
  database: Database,
  { sessionId, id }: { sessionId: number; id: string },
): Promise<RecordingRecord | null> {
  const sql = `SELECT ${COLUMNS} FROM recordings WHERE session_id = $1 AND id = $2`;
  return (await database.query<RecordingRecord>(sql, [sessionId, id]))[0] ?? null;
}

/** The content of one that has ended, null when there is none. */
export async function readRecording(
  database: Database,
  { sessionId, id }: { sessionId: number; id: string },
): Promise<Buffer | null> {
  const sql = 'SELECT content FROM recordings WHERE session_id = $1 AND id = $2';
  return (await database.query<{ content: Buffer | null }>(sql, [sessionId, id]))[0]?.content ?? null;
}

/** Those that have not ended, with how many seconds ago they were begun. */
export function listUnderWay(database: Database, sessionId: number): Promise<{ id: string; ageSeconds: number }[]> {
  return database.query(
    `SELECT id, EXTRACT(EPOCH FROM now() - started_at)::float8 AS "ageSeconds" FROM recordings
     WHERE session_id = $1 AND ended_at IS NULL`,
    [sessionId],
  );
}

/** How many recordings the session has; `tx` holds the session's row. */
export async function countRecordings(database: Database, sessionId: number, tx: Tx): Promise<number> {
  const sql = 'SELECT count(*)::int AS count FROM recordings WHERE session_id = $1';
  return (await database.query<{ count: number }>(sql, [sessionId], tx))[0]!.count;
}

/** Begins one. False when the terminal has one under way. */
export async function insertRecording(
  database: Database,
  recording: {
    id: string;
    sessionId: number;
    startedBy: number;
    terminalId: string;
    terminalName: string;
    withInput: boolean;
  },
  tx: Tx,
): Promise<boolean> {
  const { id, sessionId, startedBy, terminalId, terminalName, withInput } = recording;
  const rows = await database.query(
    `INSERT INTO recordings (id, session_id, started_by, terminal_id, terminal_name, with_input)
     VALUES ($1, $2, $3, $4, $5, $6)
     ON CONFLICT (session_id, terminal_id) WHERE ended_at IS NULL DO NOTHING RETURNING id`,
    [id, sessionId, startedBy, terminalId, terminalName, withInput],
    tx,
  );
  return rows.length > 0;
}

/** Ends one that is under way; one that has ended stays as it is. A lost one has no content. */
export async function endRecording(
  database: Database,
  end: { id: string; reason: RecordingEnd; content: { bytes: Buffer; seconds: number } | null },
): Promise<void> {
  await database.query(
    `UPDATE recordings SET ended_at = now(), end_reason = $2, content = $3, seconds = $4 WHERE id = $1 AND ended_at IS NULL`,
    [end.id, end.reason, end.content?.bytes ?? null, end.content?.seconds ?? null],
  );
}

/** Ends those under way whose session is closed and has no volume any more that could hold them. */
export async function endRecordingsWithoutVolume(database: Database, sessionId: number): Promise<void> {
  await database.query(
    `UPDATE recordings r SET ended_at = now(), end_reason = 'lost' FROM sessions s
     WHERE r.session_id = $1 AND r.ended_at IS NULL AND s.id = r.session_id AND s.phase IN ('closed', 'failed')
       AND NOT EXISTS (SELECT 1 FROM volumes v WHERE v.session_id = s.id AND v.state IN ('live', 'kept'))`,
    [sessionId],
  );
}

/** Removes one. False when there was none. */
export async function deleteRecording(
  database: Database,
  { sessionId, id }: { sessionId: number; id: string },
): Promise<boolean> {
  const sql = 'DELETE FROM recordings WHERE session_id = $1 AND id = $2 RETURNING id';
  return (await database.query(sql, [sessionId, id])).length > 0;
}
