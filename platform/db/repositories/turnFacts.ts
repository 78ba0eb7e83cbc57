/** What a review's turn is computed from beside its own row. */
export interface TurnFactsRecord {
  holderChangedAt: Date | null;
  answeredAt: Date | null;
  askedAt: Date | null;
  asked: number;
  nextReviewId: number | null;
}

/** The columns of TurnFactsRecord, for a statement over TURN_TABLES. */
export const TURN_COLUMNS = `
  moves.holder_changed_at AS "holderChangedAt", answer.at AS "answeredAt", ask.at AS "askedAt", ask.comments AS asked,
  next_round.id AS "nextReviewId"`;

/**
 * Joins the facts to `review_requests r`. A reply is as resolved as the comment that it answers. What an approval says
 * asks for nothing.
 */
export const TURN_TABLES = `
  LEFT JOIN LATERAL (
    SELECT max(h.created_at) FILTER (WHERE h.change_description ~ '^(claim|assign|release):') AS holder_changed_at,
      max(h.created_at) FILTER (WHERE h.change_description LIKE 'snapshot:%') AS refreshed_at
    FROM review_history h WHERE h.review_request_id = r.id) moves ON true
  LEFT JOIN LATERAL (
    SELECT greatest(max(c.published_at), moves.refreshed_at) AS at FROM review_comments c
    WHERE c.review_request_id = r.id AND c.commenter_id = r.submitted_by) answer ON true
  LEFT JOIN LATERAL (
    SELECT min(c.published_at) AS at, count(*)::int AS comments
    FROM review_comments c LEFT JOIN review_comments root ON root.id = c.parent_comment_id
    WHERE c.review_request_id = r.id AND c.commenter_id = r.assigned_to AND c.comment_type <> 'approval'
      AND NOT coalesce(root.is_resolved, c.is_resolved)
      AND c.published_at > greatest(moves.holder_changed_at, answer.at, r.submitted_at)) ask ON true
  LEFT JOIN LATERAL (
    SELECT max(n.id) AS id FROM review_requests n WHERE n.previous_review_id = r.id) next_round ON true`;

/**
 * The person whose turn it is by the same rule as reviewTurn, or null (the pool, nobody), for ordering and filtering in
 * SQL. A test holds the two together.
 */
export const TURN_PERSON = `
  CASE WHEN r.withdrawn_at IS NOT NULL OR r.status = 'approved' THEN NULL
    WHEN r.status = 'rejected' THEN CASE WHEN next_round.id IS NULL THEN r.submitted_by END
    WHEN r.snapshot_id IS NULL THEN NULL
    WHEN r.assigned_to IS NOT NULL AND ask.at IS NOT NULL THEN r.submitted_by
    ELSE r.assigned_to END`;
