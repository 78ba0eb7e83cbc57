import type { Database, Tx } from '#platform/db/database.ts';
import type { EventRecord } from '#platform/events/listener.ts';

interface EventRow {
  subject: EventRecord['subject'];
  subject_id: number;
  change_seq: string;
  kind: string;
  payload: unknown;
  created_at: Date;
}

/** The newest event number of a session or review, null when there is no such row. */
export async function readChangeSeq(
  database: Database,
  subject: EventRecord['subject'],
  id: number,
): Promise<number | null> {
  const sql =
    subject === 'session'
      ? 'SELECT change_seq FROM sessions WHERE id = $1'
      : 'SELECT change_seq FROM review_requests WHERE id = $1';
  const [row] = await database.query<{ change_seq: string }>(sql, [id]);
  return row ? Number(row.change_seq) : null;
}

/** The events of a session or review after a number, oldest first, at most `limit`. */
export async function readEvents(
  database: Database,
  { subject, id, afterSeq, limit }: { subject: EventRecord['subject']; id: number; afterSeq: number; limit: number },
): Promise<EventRecord[]> {
  const rows = await database.query<EventRow>(
    `SELECT subject, subject_id, change_seq, kind, payload, created_at FROM events
     WHERE subject = $1 AND subject_id = $2 AND change_seq > $3 ORDER BY change_seq LIMIT $4`,
    [subject, id, afterSeq, limit],
  );
  return rows.map((row) => ({
    subject: row.subject,
    subjectId: row.subject_id,
    seq: Number(row.change_seq),
    kind: row.kind,
    payload: row.payload,
    createdAt: row.created_at,
  }));
}

/** Tells everybody who watches a session, in the transaction that changes it. */
export async function publishSessionEvent(
  database: Database,
  event: { sessionId: number; kind: string; payload: unknown },
  tx: Tx = null,
): Promise<void> {
  await database.query(
    'SELECT publish_session_event($1, $2, $3::jsonb)',
    [event.sessionId, event.kind, JSON.stringify(event.payload)],
    tx,
  );
}
