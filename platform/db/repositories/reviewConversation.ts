import type { ItemEncoding } from '#shared/contracts/item.ts';
import type { Database } from '#platform/db/database.ts';
import { COMMENT_COLUMNS, COMMENT_TABLES, type CommentRecord } from '#platform/db/repositories/reviewComments.ts';
import { personColumn, type PersonRecord } from '#platform/db/repositories/reviews.ts';

/** A comment of this review or of one of its earlier rounds. */
export interface ConversationRecord extends CommentRecord {
  round: number;
  /** The file that it is about, as it was in the comment's own snapshot; null for a comment on the whole. */
  origin: { itemId: number; sha256: string | null; encoding: ItemEncoding; size: number } | null;
  /** As which version its suggestion was brought into the live session; `at` is ISO 8601. */
  applied: { itemId: number; version: number; by: PersonRecord; at: string } | null;
}

/**
 * The review's comments that the viewer may see, oldest first, with the published threads of its earlier rounds that were
 * unresolved when it was submitted: what was settled before is not brought up again. An advisory approval was of its round.
 */
export async function listConversation(
  database: Database,
  query: { reviewId: number; submittedAt: Date; viewerId: number; after: number | null; limit: number },
): Promise<ConversationRecord[]> {
  return database.query<ConversationRecord>(
    `SELECT ${COMMENT_COLUMNS}, r.round,
       CASE WHEN origin.id IS NULL THEN NULL ELSE json_build_object('itemId', origin.item_id, 'sha256', origin.sha256,
         'encoding', origin.encoding, 'size', origin.size) END AS origin,
       CASE WHEN applied.comment_id IS NULL THEN NULL ELSE json_build_object('itemId', applied.item_id,
         'version', applied.version, 'by', ${personColumn('applier')}, 'at', applied.created_at) END AS applied
     FROM ${COMMENT_TABLES}
     JOIN review_requests r ON r.id = c.review_request_id
     JOIN review_comments root ON root.id = coalesce(c.parent_comment_id, c.id)
     LEFT JOIN snapshot_items origin ON origin.snapshot_id = c.snapshot_id AND path_digest(origin.path) = path_digest(c.path)
     LEFT JOIN applied_suggestions applied ON applied.comment_id = c.id
     LEFT JOIN users applier ON applier.id = applied.applied_by
     WHERE (c.review_request_id = $1 AND (c.published_at IS NOT NULL OR c.commenter_id = $3)
         OR c.review_request_id <> $1 AND c.review_request_id IN (SELECT review_chain($1)) AND c.published_at IS NOT NULL
            AND root.comment_type <> 'approval' AND (NOT root.is_resolved OR root.resolved_at > $2))
       AND ($4::integer IS NULL OR c.id > $4)
     ORDER BY c.id LIMIT $5`,
    [query.reviewId, query.submittedAt, query.viewerId, query.after, query.limit],
  );
}
