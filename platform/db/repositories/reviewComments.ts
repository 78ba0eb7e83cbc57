import type { CommentType } from '#shared/domain/review.ts';
import type { Database, Tx } from '#platform/db/database.ts';
import { personColumn, type PersonRecord } from '#platform/db/repositories/reviews.ts';

/** A comment. A draft (publishedAt null) is its author's alone. */
export interface CommentRecord {
  id: number;
  reviewId: number;
  author: PersonRecord;
  snapshotId: number | null;
  path: string | null;
  lineNumber: number | null;
  endLineNumber: number | null;
  quotedText: string | null;
  text: string;
  type: CommentType;
  parentCommentId: number | null;
  isResolved: boolean;
  resolvedBy: PersonRecord | null;
  resolvedAt: Date | null;
  publishedAt: Date | null;
  /** How often its text was saved while it was a draft. */
  revision: number;
  createdAt: Date;
}

/** A comment to write. `published` false makes a draft. */
export interface NewComment {
  reviewId: number;
  commenterId: number;
  workspaceItemId: number | null;
  snapshotId: number | null;
  path: string | null;
  lineNumber: number | null;
  endLineNumber: number | null;
  quotedText: string | null;
  text: string;
  type: CommentType;
  parentCommentId: number | null;
  published: boolean;
}

/** The columns of a comment under the names of CommentRecord, without the tables. */
export const COMMENT_COLUMNS = `
  c.id, c.review_request_id AS "reviewId", ${personColumn('author')} AS author, c.snapshot_id AS "snapshotId", c.path,
    c.line_number AS "lineNumber", c.end_line_number AS "endLineNumber", c.quoted_text AS "quotedText", c.comment_text AS text,
    c.comment_type AS type, c.parent_comment_id AS "parentCommentId", c.is_resolved AS "isResolved",
    ${personColumn('resolver')} AS "resolvedBy", c.resolved_at AS "resolvedAt", c.published_at AS "publishedAt", c.revision, c.created_at AS "createdAt"`;
/** The tables of COMMENT_COLUMNS. */
export const COMMENT_TABLES = `
  review_comments c JOIN users author ON author.id = c.commenter_id LEFT JOIN users resolver ON resolver.id = c.resolved_by`;
const COMMENT_SELECT = `SELECT ${COMMENT_COLUMNS} FROM ${COMMENT_TABLES}`;

/** Inserts a comment and resolves with its id. The live item is linked only while it still exists. */
export async function insertComment(database: Database, comment: NewComment, tx: Tx): Promise<number> {
  const rows = await database.query<{ id: number }>(
    `INSERT INTO review_comments (review_request_id, commenter_id, workspace_item_id, snapshot_id, path, line_number,
       end_line_number, quoted_text, comment_text, comment_type, parent_comment_id, published_at)
     VALUES ($1, $2, (SELECT id FROM workspace_items WHERE id = $3::integer), $4, $5, $6, $7, $8, $9, $10, $11,
       CASE WHEN $12::boolean THEN now() END) RETURNING id`,
    [
      comment.reviewId,
      comment.commenterId,
      comment.workspaceItemId,
      comment.snapshotId,
      comment.path,
      comment.lineNumber,
      comment.endLineNumber,
      comment.quotedText,
      comment.text,
      comment.type,
      comment.parentCommentId,
      comment.published,
    ],
    tx,
  );
  const inserted = rows[0];
  if (inserted === undefined) throw new Error('the comment was not inserted');
  return inserted.id;
}

/**
 * A comment of this review that the viewer may see (published, or their own draft), or a published one of its earlier
 * rounds; null otherwise.
 */
export async function findComment(
  database: Database,
  key: { reviewId: number; commentId: number; viewerId: number },
  tx: Tx = null,
): Promise<CommentRecord | null> {
  const rows = await database.query<CommentRecord>(
    `${COMMENT_SELECT} WHERE c.id = $2 AND c.review_request_id IN (SELECT review_chain($1))
       AND (c.published_at IS NOT NULL OR (c.commenter_id = $3 AND c.review_request_id = $1))`,
    [key.reviewId, key.commentId, key.viewerId],
    tx,
  );
  return rows[0] ?? null;
}

/** The review's comments that the viewer may see, oldest first, at most `limit` after the comment `after`. */
export async function listComments(
  database: Database,
  query: { reviewId: number; viewerId: number; after: number | null; limit: number },
): Promise<CommentRecord[]> {
  return database.query<CommentRecord>(
    `${COMMENT_SELECT} WHERE c.review_request_id = $1 AND (c.published_at IS NOT NULL OR c.commenter_id = $2)
       AND ($3::integer IS NULL OR c.id > $3) ORDER BY c.id LIMIT $4`,
    [query.reviewId, query.viewerId, query.after, query.limit],
  );
}

/** Changes a draft and counts its revision. False: it was published meanwhile, or is gone. */
export async function updateDraft(
  database: Database,
  draft: { commentId: number; text: string; type: CommentType },
  tx: Tx,
): Promise<boolean> {
  const rows = await database.query(
    `UPDATE review_comments SET comment_text = $2, comment_type = $3, revision = revision + 1, updated_at = now()
     WHERE id = $1 AND published_at IS NULL RETURNING id`,
    [draft.commentId, draft.text, draft.type],
    tx,
  );
  return rows.length === 1;
}

/** Deletes a draft. False: it was published meanwhile, or is gone. */
export async function deleteDraft(database: Database, commentId: number, tx: Tx): Promise<boolean> {
  const rows = await database.query(
    'DELETE FROM review_comments WHERE id = $1 AND published_at IS NULL RETURNING id',
    [commentId],
    tx,
  );
  return rows.length === 1;
}

/** Publishes all drafts of one person in this review at one moment, or one of them; resolves with what was published. */
export async function publishDrafts(
  database: Database,
  drafts: { reviewId: number; commenterId: number; commentId?: number },
  tx: Tx,
): Promise<CommentRecord[]> {
  const rows = await database.query<{ id: number }>(
    `UPDATE review_comments SET published_at = now(), updated_at = now()
     WHERE review_request_id = $1 AND commenter_id = $2 AND published_at IS NULL
       AND ($3::integer IS NULL OR id = $3) RETURNING id`,
    [drafts.reviewId, drafts.commenterId, drafts.commentId ?? null],
    tx,
  );
  return database.query<CommentRecord>(
    `${COMMENT_SELECT} WHERE c.id = ANY($1::integer[]) ORDER BY c.id`,
    [rows.map((row) => row.id)],
    tx,
  );
}

/** Whether the person's drafts contain one of this kind. */
export async function hasDraftOfType(
  database: Database,
  drafts: { reviewId: number; commenterId: number; type: CommentType; commentId?: number },
  tx: Tx,
): Promise<boolean> {
  const rows = await database.query(
    `SELECT 1 FROM review_comments
     WHERE review_request_id = $1 AND commenter_id = $2 AND comment_type = $3 AND published_at IS NULL
       AND ($4::integer IS NULL OR id = $4) LIMIT 1`,
    [drafts.reviewId, drafts.commenterId, drafts.type, drafts.commentId ?? null],
    tx,
  );
  return rows.length === 1;
}

/** Resolves a published comment, or opens it again. False: it was so already. */
export async function setResolved(
  database: Database,
  change: { commentId: number; resolved: boolean; userId: number },
  tx: Tx,
): Promise<boolean> {
  const rows = await database.query(
    `UPDATE review_comments SET is_resolved = $2::boolean, resolved_by = CASE WHEN $2::boolean THEN $3::integer END,
       resolved_at = CASE WHEN $2::boolean THEN now() END, updated_at = now()
     WHERE id = $1 AND published_at IS NOT NULL AND is_resolved <> $2::boolean RETURNING id`,
    [change.commentId, change.resolved, change.userId],
    tx,
  );
  return rows.length === 1;
}

/** Who wrote the comments that these reply to. */
export async function findThreadAuthors(database: Database, commentIds: readonly number[], tx: Tx): Promise<number[]> {
  const rows = await database.query<{ id: number }>(
    `SELECT DISTINCT root.commenter_id AS id FROM review_comments c JOIN review_comments root ON root.id = c.parent_comment_id
     WHERE c.id = ANY($1::integer[])`,
    [commentIds],
    tx,
  );
  return rows.map(({ id }) => id);
}
