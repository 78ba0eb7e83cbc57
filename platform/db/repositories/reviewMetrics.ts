import type { ReviewPriority } from '#shared/domain/review.ts';
import type { Database } from '#platform/db/database.ts';

/** Figures of the reviews of one priority, or of all (`priority` null). Times in seconds; null where there is nothing to tell. */
export interface MetricsRecord {
  priority: ReviewPriority | null;
  /** Submitted in the time and not withdrawn. */
  reviews: number;
  /** Those of them that have a verdict. */
  decided: number;
  firstActionP50: number | null;
  firstActionP75: number | null;
  inReviewP50: number | null;
  inReviewP75: number | null;
  /** Of all reviews, those on which the reviewers' clock ran for more than a day, and for more than three; open ones up to now. */
  over24Hours: number;
  over3Days: number;
  /** Approved reviews, their rounds together. */
  approved: number;
  rounds: number;
  /** Verdicts of people who had opened no file of the review. */
  unopenedVerdicts: number;
  /** Reminders and escalations of unclaimed reviews, and those after which a claim came within a day. */
  nudges: number;
  usefulNudges: number;
}

/** A claim so long after a nudge counts as its effect. */
const NUDGE_WINDOW = `interval '24 hours'`;

/**
 * The reviewers' clock stands while it is the submitter's turn: from each comment of who held the review to the next
 * answer (comment or files of the submitter, a claim, a release), or to the moment at which it was resolved. What
 * overlaps counts once.
 */
const STATEMENT = `
  WITH chosen AS MATERIALIZED (
    SELECT r.id, r.priority, r.status, r.submitted_by, r.assigned_to, r.submitted_at, r.reviewed_at, r.round,
      coalesce(r.reviewed_at, now()) AS until
    FROM review_requests r
    WHERE r.submitted_at >= $1 AND r.submitted_at < $2 AND r.withdrawn_at IS NULL AND r.snapshot_id IS NOT NULL),
  moves AS MATERIALIZED (
    SELECT h.review_request_id AS id, h.created_at AS at, h.changed_by, split_part(h.change_description, ':', 1) AS verb
    FROM review_history h JOIN chosen c ON c.id = h.review_request_id
    WHERE h.change_description ~ '^(claim|assign|release|snapshot):'),
  claims AS (SELECT id, min(at) AS first FROM moves WHERE verb = 'claim' GROUP BY id),
  holders AS (
    SELECT id, changed_by AS user_id FROM moves WHERE verb = 'claim' AND changed_by IS NOT NULL
    UNION SELECT id, assigned_to FROM chosen WHERE assigned_to IS NOT NULL),
  steps AS (
    SELECT id, at, true AS answer, NULL::timestamptz AS resolved_at FROM moves
    UNION ALL
    SELECT c.id, m.published_at, m.commenter_id = c.submitted_by, coalesce(root.resolved_at, m.resolved_at)
    FROM chosen c JOIN review_comments m ON m.review_request_id = c.id LEFT JOIN review_comments root ON root.id = m.parent_comment_id
    WHERE m.published_at < c.until AND (m.commenter_id = c.submitted_by OR (m.comment_type <> 'approval'
      AND EXISTS (SELECT 1 FROM holders h WHERE h.id = c.id AND h.user_id = m.commenter_id)))),
  waits AS (
    SELECT id, at, answer, resolved_at, min(at) FILTER (WHERE answer) OVER (
      PARTITION BY id ORDER BY at ROWS BETWEEN 1 FOLLOWING AND UNBOUNDED FOLLOWING) AS answered_at
    FROM steps),
  stood AS (
    SELECT id, sum(upper(span) - lower(span)) AS time FROM (
      SELECT w.id, unnest(range_agg(tstzrange(w.at, greatest(w.at, least(w.answered_at, w.resolved_at, c.until))))) AS span
      FROM waits w JOIN chosen c ON c.id = w.id WHERE NOT w.answer GROUP BY w.id) spans
    GROUP BY id),
  nudges AS (
    SELECT n.review_id AS id, count(*) AS sent, count(*) FILTER (WHERE claims.first <= n.at + ${NUDGE_WINDOW}) AS useful
    FROM (
      SELECT review_id, batch_key, min(created_at) AS at FROM notifications
      WHERE kind IN ('reminder', 'escalation') AND review_id IN (SELECT id FROM chosen) GROUP BY review_id, batch_key) n
    LEFT JOIN claims ON claims.id = n.review_id
    WHERE claims.first IS NULL OR claims.first > n.at GROUP BY n.review_id),
  figures AS (
    SELECT c.priority, c.status, c.round, c.status IN ('approved', 'rejected') AS decided,
      extract(epoch FROM claims.first - c.submitted_at)::float8 AS first_action,
      extract(epoch FROM c.until - c.submitted_at - coalesce(stood.time, interval '0'))::float8 AS clock,
      c.status IN ('approved', 'rejected') AND NOT EXISTS (
        SELECT 1 FROM review_openings o
        WHERE o.review_request_id = c.id AND o.user_id = c.assigned_to AND o.created_at <= c.reviewed_at) AS unopened,
      coalesce(nudges.sent, 0) AS nudges, coalesce(nudges.useful, 0) AS useful
    FROM chosen c LEFT JOIN claims ON claims.id = c.id LEFT JOIN stood ON stood.id = c.id LEFT JOIN nudges ON nudges.id = c.id)
  SELECT priority, count(*)::int AS reviews, (count(*) FILTER (WHERE decided))::int AS decided,
    percentile_cont(0.5) WITHIN GROUP (ORDER BY first_action) AS "firstActionP50",
    percentile_cont(0.75) WITHIN GROUP (ORDER BY first_action) AS "firstActionP75",
    percentile_cont(0.5) WITHIN GROUP (ORDER BY clock) FILTER (WHERE decided) AS "inReviewP50",
    percentile_cont(0.75) WITHIN GROUP (ORDER BY clock) FILTER (WHERE decided) AS "inReviewP75",
    (count(*) FILTER (WHERE clock > 86400))::int AS "over24Hours",
    (count(*) FILTER (WHERE clock > 259200))::int AS "over3Days",
    (count(*) FILTER (WHERE status = 'approved'))::int AS approved,
    coalesce(sum(round) FILTER (WHERE status = 'approved'), 0)::int AS rounds,
    (count(*) FILTER (WHERE unopened))::int AS "unopenedVerdicts",
    coalesce(sum(nudges), 0)::int AS nudges, coalesce(sum(useful), 0)::int AS "usefulNudges"
  FROM figures GROUP BY GROUPING SETS ((), (priority))
  ORDER BY array_position(ARRAY['urgent', 'high', 'medium', 'low'], priority) NULLS FIRST`;

/** The figures of the reviews that were submitted between two moments: all first, then each priority that there is, urgent first. */
export function readReviewMetrics(database: Database, time: { from: Date; to: Date }): Promise<MetricsRecord[]> {
  return database.query<MetricsRecord>(STATEMENT, [time.from, time.to]);
}
