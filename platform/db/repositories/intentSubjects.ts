import type { Database } from '#platform/db/database.ts';

/** What an operator reads about a session's workflow. */
export interface SessionSubject {
  uuid: string;
  userId: number;
  owner: string;
  language: string;
  name: string;
}

/** What an operator reads about a review's workflow. */
export interface ReviewSubject {
  title: string;
  submitter: string;
}

/** The session behind an intent, in the trash or not; null when it was erased. */
export async function describeSessionSubject(database: Database, id: number): Promise<SessionSubject | null> {
  const rows = await database.query<SessionSubject>(
    `SELECT s.uuid, s.user_id AS "userId", u.username AS owner, s.language, s.name
     FROM sessions s JOIN users u ON u.id = s.user_id WHERE s.id = $1`,
    [id],
  );
  return rows[0] ?? null;
}

/** The review behind an intent; null when it was erased. */
export async function describeReviewSubject(database: Database, id: number): Promise<ReviewSubject | null> {
  const rows = await database.query<ReviewSubject>(
    `SELECT r.title, u.username AS submitter FROM review_requests r JOIN users u ON u.id = r.submitted_by WHERE r.id = $1`,
    [id],
  );
  return rows[0] ?? null;
}

/** What an operator reads about a run's workflow. */
export interface RunSubject {
  sessionUuid: string;
  userId: number;
  owner: string;
  sessionName: string;
  /** The file that is run; null for a command, whose words are nobody else's business. */
  file: string | null;
}

/** The run behind an intent; null when it was erased. */
export async function describeRunSubject(database: Database, id: number): Promise<RunSubject | null> {
  const rows = await database.query<RunSubject>(
    `SELECT s.uuid AS "sessionUuid", s.user_id AS "userId", u.username AS owner, s.name AS "sessionName", r.command->>'file' AS file
     FROM runs r JOIN sessions s ON s.id = r.session_id JOIN users u ON u.id = s.user_id WHERE r.id = $1`,
    [id],
  );
  return rows[0] ?? null;
}
