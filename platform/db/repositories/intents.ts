import type { Database, Tx } from '#platform/db/database.ts';

/** Whom an intent is about. */
export type IntentSubject = 'session' | 'review' | 'run';

/** What is to be carried out. */
export type IntentKind = 'open' | 'close' | 'start_review' | 'start_run' | 'cancel_run';

/** A wish that was committed with the row it concerns and that the dispatcher carries to Temporal. */
export interface IntentRecord {
  /** Orders the intents of one subject. */
  id: number;
  subject: IntentSubject;
  subjectId: number;
  /** The session's generation that is meant; 0 for reviews and runs. */
  generation: number;
  kind: IntentKind;
  opId: string;
  payload: Record<string, unknown>;
  attempts: number;
  lastError: string | null;
  /** Seconds since it was sent and accepted; null when it was not. */
  sentSecondsAgo: number | null;
}

/** An intent as written. */
export type NewIntent = Pick<IntentRecord, 'subject' | 'subjectId' | 'generation' | 'kind' | 'opId' | 'payload'>;

const COLUMNS = `id::integer AS id, subject, subject_id AS "subjectId", generation, kind, op_id AS "opId", payload, attempts,
  last_error AS "lastError", CASE WHEN attempts > 0 AND last_error IS NULL
    THEN extract(epoch FROM now() - updated_at)::float8 END AS "sentSecondsAgo"`;

/** Writes an intent in the transaction of the change that it belongs to; listeners of `berth_intents` hear of it at commit. */
export async function insertIntent(database: Database, intent: NewIntent, tx: Tx): Promise<void> {
  await database.query(
    `INSERT INTO intents (subject, subject_id, generation, kind, op_id, payload) VALUES ($1, $2, $3, $4, $5, $6)`,
    [intent.subject, intent.subjectId, intent.generation, intent.kind, intent.opId, JSON.stringify(intent.payload)],
    tx,
  );
}

/** The outstanding intent of that kind and generation of a session, null when there is none. */
export async function findSessionIntent(
  database: Database,
  wanted: { sessionId: number; generation: number; kind: IntentKind },
  tx: Tx = null,
): Promise<IntentRecord | null> {
  const rows = await database.query<IntentRecord>(
    `SELECT ${COLUMNS} FROM intents WHERE subject = 'session' AND subject_id = $1 AND generation = $2 AND kind = $3
     ORDER BY id LIMIT 1`,
    [wanted.sessionId, wanted.generation, wanted.kind],
    tx,
  );
  return rows[0] ?? null;
}

/**
 * Locks the oldest intent of one subject that is due and that no other dispatcher holds; null when there is none. Only a
 * subject's first intent can be taken, so a subject's intents are carried out in order.
 */
export async function takeDueIntent(database: Database, tx: Tx): Promise<IntentRecord | null> {
  const rows = await database.query<IntentRecord>(
    `SELECT ${COLUMNS} FROM intents i
     WHERE next_attempt_at <= now()
       AND NOT EXISTS (SELECT 1 FROM intents earlier
                       WHERE earlier.subject = i.subject AND earlier.subject_id = i.subject_id AND earlier.id < i.id)
     ORDER BY next_attempt_at, id LIMIT 1 FOR UPDATE SKIP LOCKED`,
    [],
    tx,
  );
  return rows[0] ?? null;
}

/** Whether the row of a subject shows the effect of an intent of that kind. */
const DONE: Readonly<Record<IntentKind, string>> = {
  open: `SELECT generation > $2 OR (generation = $2 AND phase <> 'requested') AS done FROM sessions WHERE id = $1`,
  close: `SELECT generation > $2 OR (generation = $2 AND phase IN ('saving', 'closing', 'closed', 'failed')) AS done
    FROM sessions WHERE id = $1`,
  start_review: `SELECT snapshot_id IS NOT NULL OR withdrawn_at IS NOT NULL AS done FROM review_requests WHERE id = $1`,
  start_run: `SELECT status <> 'queued' AS done FROM runs WHERE id = $1`,
  cancel_run: `SELECT ended_at IS NOT NULL AS done FROM runs WHERE id = $1`,
};

/** True for a `start_review` of a workflow that runs already and is to read its row again. */
export function isReviewChange({ kind, payload }: Pick<IntentRecord, 'kind' | 'payload'>): boolean {
  return kind === 'start_review' && payload['changed'] === true;
}

/** True when the row of the intent's subject shows its effect, or makes it pointless. */
export async function intentIsDone(database: Database, intent: IntentRecord, tx: Tx): Promise<boolean> {
  // What tells a review's workflow to read its row again leaves no trace in the row: accepted is done.
  if (isReviewChange(intent)) return intent.sentSecondsAgo !== null;
  const rows = await database.query<{ done: boolean }>(
    DONE[intent.kind],
    intent.subject === 'session' ? [intent.subjectId, intent.generation] : [intent.subjectId],
    tx,
  );
  // A subject that is no longer there needs nothing.
  return rows[0]?.done ?? true;
}

/** Removes an intent whose effect the row shows. */
export async function deleteIntent(database: Database, id: number, tx: Tx = null): Promise<void> {
  await database.query(`DELETE FROM intents WHERE id = $1`, [id], tx);
}

/** Counts an attempt and says when to look again; `lastError` null: it was sent and its effect is awaited. */
export async function postponeIntent(
  database: Database,
  postponed: { id: number; seconds: number; lastError: string | null },
  tx: Tx = null,
): Promise<void> {
  await database.query(
    `UPDATE intents SET attempts = attempts + 1, last_error = $2, next_attempt_at = now() + make_interval(secs => $3),
       updated_at = now() WHERE id = $1`,
    [postponed.id, postponed.lastError, postponed.seconds],
    tx,
  );
}

/** Says when to look for the effect of a sent intent again. */
export async function recheckIntent(
  database: Database,
  recheck: { id: number; seconds: number },
  tx: Tx = null,
): Promise<void> {
  await database.query(
    `UPDATE intents SET next_attempt_at = now() + make_interval(secs => $2) WHERE id = $1`,
    [recheck.id, recheck.seconds],
    tx,
  );
}

/** How many intents wait and how old the oldest is, in seconds; for readiness and metrics. */
export async function intentBacklog(database: Database): Promise<{ waiting: number; oldestSeconds: number }> {
  const rows = await database.query<{ waiting: number; oldestSeconds: number }>(
    `SELECT count(*)::integer AS waiting,
       coalesce(extract(epoch FROM now() - min(created_at)), 0)::float8 AS "oldestSeconds" FROM intents`,
  );
  return rows[0] ?? { waiting: 0, oldestSeconds: 0 };
}
