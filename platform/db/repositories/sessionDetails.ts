import type { Database } from '#platform/db/database.ts';
import { isVolumeInDoubt, type VolumeState } from '#shared/domain/session.ts';
import { findNewestSave, type NewestSave } from '#platform/db/repositories/sessionDiscards.ts';
import type { SessionRepositoryRecord } from '#platform/db/repositories/sessionRepositories.ts';
import type { StageRecord } from '#platform/db/repositories/sessionPhases.ts';
import type { SessionRecord } from '#platform/db/repositories/sessions.ts';

/** What a person sees of a session beside its row. */
export interface SessionDetails {
  id: number;
  /** Of the present generation, oldest first. */
  stages: StageRecord[];
  keptVolume: { until: Date | null } | null;
  /** Set while a person may give the volume up. */
  discardable: { newestSave: NewestSave | null } | null;
  openReviewId: number | null;
  repository: SessionRepositoryRecord | null;
  /** Set for a throw-away copy. */
  runningCopy: { reviewId: number; snapshotId: number; isStale: boolean } | null;
}

interface DetailsRow {
  id: number;
  stages: { phase: StageRecord['phase']; startedAt: string; seconds: number }[];
  volume: { state: VolumeState; keptUntil: string | null } | null;
  openReviewId: number | null;
  repository: SessionRepositoryRecord | null;
  runningCopy: SessionDetails['runningCopy'];
}

/** The details of several sessions by id, in one statement, and one more for each that holds what is in doubt. */
export async function loadSessionDetails(
  database: Database,
  sessions: SessionRecord[],
): Promise<Map<number, SessionDetails>> {
  if (sessions.length === 0) return new Map();
  const rows = await database.query<DetailsRow>(
    `SELECT s.id,
       (SELECT r.id FROM review_requests r WHERE r.session_id = s.uuid AND r.withdrawn_at IS NULL
          AND r.status IN ('pending', 'in_review') LIMIT 1) AS "openReviewId",
       (SELECT json_build_object('url', p.url, 'branch', p.branch, 'depth', p.depth, 'folder', p.folder, 'run',
            CASE WHEN r.id IS NULL THEN NULL ELSE json_build_object('id', r.id, 'status', r.status) END)
          FROM session_repositories p LEFT JOIN runs r ON r.id = p.run_id WHERE p.session_id = s.id) AS repository,
       (SELECT json_build_object('reviewId', r.id, 'snapshotId', own.id, 'isStale', own.manifest_hash <> present.manifest_hash)
          FROM review_requests r JOIN snapshots own ON own.id = s.source_snapshot_id
          JOIN snapshots present ON present.id = r.snapshot_id WHERE r.id = s.review_request_id) AS "runningCopy",
       (SELECT json_build_object('state', v.state, 'keptUntil', v.kept_until) FROM volumes v
          WHERE v.session_id = s.id) AS volume,
       coalesce((SELECT json_agg(json_build_object('phase', e.phase, 'startedAt', e.created_at, 'seconds', e.seconds)
                   ORDER BY e.change_seq)
          FROM (SELECT change_seq, created_at, payload ->> 'phase' AS phase,
                  extract(epoch FROM coalesce(lead(created_at) OVER (ORDER BY change_seq), now()) - created_at)::float8 AS seconds
                FROM events WHERE subject = 'session' AND subject_id = s.id AND kind = 'phase'
                  AND payload @> jsonb_build_object('generation', s.generation)) e), '[]') AS stages
     FROM sessions s WHERE s.id = ANY($1::int[])`,
    [sessions.map((session) => session.id)],
  );
  const byId = new Map(sessions.map((session) => [session.id, session]));
  const details = rows.map((row) => readDetails(database, byId.get(row.id)!, row));
  return new Map((await Promise.all(details)).map((found) => [found.id, found]));
}

async function readDetails(database: Database, session: SessionRecord, row: DetailsRow): Promise<SessionDetails> {
  const { id, openReviewId, repository, runningCopy } = row;
  const keptUntil = row.volume?.keptUntil == null ? null : new Date(row.volume.keptUntil);
  const inDoubt = row.volume !== null && isVolumeInDoubt(session, { state: row.volume.state, keptUntil });
  return {
    id,
    openReviewId,
    repository,
    runningCopy,
    keptVolume: row.volume?.state === 'kept' ? { until: keptUntil } : null,
    discardable: inDoubt ? { newestSave: await findNewestSave(database, id) } : null,
    stages: row.stages.map((stage) => ({ ...stage, startedAt: new Date(stage.startedAt) })),
  };
}
