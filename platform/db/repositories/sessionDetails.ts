import type { Database } from '#platform/db/database.ts';
import type { StageRecord } from '#platform/db/repositories/sessions.ts';

/** What a person sees of a session beside its row. */
export interface SessionDetails {
  id: number;
  /** Of the present generation, oldest first. */
  stages: StageRecord[];
  keptVolume: { until: Date | null } | null;
  openReviewId: number | null;
}

interface DetailsRow {
  id: number;
  stages: { phase: StageRecord['phase']; startedAt: string; seconds: number }[];
  keptVolume: { until: string | null } | null;
  openReviewId: number | null;
}

/** The details of several sessions by id, in one statement. */
export async function loadSessionDetails(database: Database, ids: number[]): Promise<Map<number, SessionDetails>> {
  if (ids.length === 0) return new Map();
  const rows = await database.query<DetailsRow>(
    `SELECT s.id,
       (SELECT r.id FROM review_requests r WHERE r.session_id = s.uuid AND r.withdrawn_at IS NULL
          AND r.status IN ('pending', 'in_review') LIMIT 1) AS "openReviewId",
       (SELECT json_build_object('until', v.kept_until) FROM volumes v
          WHERE v.session_id = s.id AND v.state = 'kept') AS "keptVolume",
       coalesce((SELECT json_agg(json_build_object('phase', e.phase, 'startedAt', e.created_at, 'seconds', e.seconds)
                   ORDER BY e.change_seq)
          FROM (SELECT change_seq, created_at, payload ->> 'phase' AS phase,
                  extract(epoch FROM coalesce(lead(created_at) OVER (ORDER BY change_seq), now()) - created_at)::float8 AS seconds
                FROM events WHERE subject = 'session' AND subject_id = s.id AND kind = 'phase'
                  AND payload @> jsonb_build_object('generation', s.generation)) e), '[]') AS stages
     FROM sessions s WHERE s.id = ANY($1::int[])`,
    [ids],
  );
  return new Map(rows.map((row) => [row.id, readDetails(row)]));
}

function readDetails(row: DetailsRow): SessionDetails {
  const { id, openReviewId, keptVolume } = row;
  return {
    id,
    openReviewId,
    keptVolume: keptVolume && { until: keptVolume.until === null ? null : new Date(keptVolume.until) },
    stages: row.stages.map((stage) => ({ ...stage, startedAt: new Date(stage.startedAt) })),
  };
}
