import type { WantedRepository } from '#shared/domain/cloneCommand.ts';
import type { RunStatus } from '#shared/domain/run.ts';
import type { Database, Tx } from '#platform/db/database.ts';

/** The repository that a session was made from; `run` is the latest try to clone it while its receipt is kept. */
export interface SessionRepositoryRecord extends WantedRepository {
  run: { id: number; status: RunStatus } | null;
}

/** Notes what a session is made from, with its first try. The caller holds the session's row. */
export async function insertSessionRepository(
  database: Database,
  { sessionId, repository, runId }: { sessionId: number; repository: WantedRepository; runId: number },
  tx: Tx,
): Promise<void> {
  const { url, branch, depth, folder } = repository;
  await database.query(
    `INSERT INTO session_repositories (session_id, url, branch, depth, folder, run_id) VALUES ($1, $2, $3, $4, $5, $6)`,
    [sessionId, url, branch, depth, folder, runId],
    tx,
  );
}

/** Notes another try. The caller holds the session's row. */
export async function setCloneRun(
  database: Database,
  { sessionId, runId }: { sessionId: number; runId: number },
  tx: Tx,
): Promise<void> {
  await database.query(`UPDATE session_repositories SET run_id = $2 WHERE session_id = $1`, [sessionId, runId], tx);
}

/** The repository that a session was made from; null when it was made from something else. */
export async function findSessionRepository(
  database: Database,
  sessionId: number,
  tx: Tx = null,
): Promise<SessionRepositoryRecord | null> {
  const rows = await database.query<SessionRepositoryRecord>(
    `SELECT p.url, p.branch, p.depth, p.folder,
       CASE WHEN r.id IS NULL THEN NULL ELSE json_build_object('id', r.id, 'status', r.status) END AS run
     FROM session_repositories p LEFT JOIN runs r ON r.id = p.run_id WHERE p.session_id = $1`,
    [sessionId],
    tx,
  );
  return rows[0] ?? null;
}
