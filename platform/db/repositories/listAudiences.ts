import type { Database } from '#platform/db/database.ts';

/** Whose lists an event changes. */
export interface ListAudience {
  subject: 'session' | 'review';
  userIds: number[];
}

/** Kinds of session events that a list of sessions shows. */
const LISTED_KINDS = ['phase', 'session', 'review'];

/** Whose lists the events change: a session's owner, a review's submitter and holder. Events that no list shows are left out. */
export function findListAudiences(
  database: Database,
  events: { subject: 'session' | 'review'; id: number; seq: number }[],
): Promise<ListAudience[]> {
  return database.query<ListAudience>(
    `WITH told AS (
       SELECT * FROM unnest($1::text[], $2::int[], $3::bigint[]) AS t (subject, subject_id, change_seq))
     SELECT 'session' AS subject, ARRAY[s.user_id] AS "userIds"
     FROM told JOIN events e USING (subject, subject_id, change_seq) JOIN sessions s ON s.id = e.subject_id
     WHERE told.subject = 'session' AND e.kind = ANY($4::text[])
     UNION ALL
     SELECT 'review', array_remove(ARRAY[r.submitted_by, r.assigned_to], NULL)
     FROM told JOIN review_requests r ON r.id = told.subject_id WHERE told.subject = 'review'`,
    [events.map((one) => one.subject), events.map((one) => one.id), events.map((one) => one.seq), LISTED_KINDS],
  );
}
