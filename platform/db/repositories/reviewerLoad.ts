import type { ClaimLimits } from '#shared/domain/reviewAssignment.ts';
import type { Database, Tx } from '#platform/db/database.ts';
import { personColumn, type PersonRecord } from '#platform/db/repositories/reviews.ts';

/** Whom to look for: reviewers of these levels who may decide the review. */
export interface ReviewerSearch {
  reviewId: number;
  minLevel: number;
  maxLevel: number;
  /** How many open reviews each level, 0 to 4, may hold; who holds as many is left out. */
  limits?: ClaimLimits;
  /** People who are not wanted, whatever their load. */
  except?: readonly number[];
}

/**
 * The reviewer with the fewest open reviews; of several the one whose last claim is longest ago, then the oldest
 * account. Left out are people who are away or disabled, and the review's submitter, editors and holder. Null: nobody.
 */
export async function findLeastLoadedReviewer(
  database: Database,
  search: ReviewerSearch,
  tx: Tx = null,
): Promise<PersonRecord | null> {
  const rows = await database.query<{ person: PersonRecord }>(
    `SELECT ${personColumn('u')} AS person
     FROM users u JOIN review_requests wanted ON wanted.id = $1
     LEFT JOIN LATERAL (
       SELECT count(*) AS held FROM review_requests r
       WHERE r.assigned_to = u.id AND r.withdrawn_at IS NULL AND r.status IN ('pending', 'in_review')) load ON true
     LEFT JOIN LATERAL (
       SELECT max(h.created_at) AS at FROM review_history h
       WHERE h.changed_by = u.id AND h.change_description LIKE 'claim:%') claimed ON true
     WHERE u.reviewer_level BETWEEN $2 AND $3 AND u.id <> ALL($4::int[]) AND u.disabled_at IS NULL AND coalesce(u.away_until, '-infinity') <= now()
       AND u.id <> wanted.submitted_by AND u.id IS DISTINCT FROM wanted.assigned_to
       AND NOT EXISTS (
         SELECT 1 FROM snapshot_editors e WHERE e.snapshot_id = wanted.snapshot_id AND e.user_id = u.id)
       AND load.held < coalesce(($5::int[])[u.reviewer_level + 1], 2147483647)
     ORDER BY load.held, claimed.at NULLS FIRST, u.id LIMIT 1`,
    [search.reviewId, search.minLevel, search.maxLevel, search.except ?? [], search.limits ?? []],
    tx,
  );
  return rows[0]?.person ?? null;
}
