import type { Database } from '#platform/db/database.ts';
import { personColumn, type PersonRecord } from '#platform/db/repositories/reviews.ts';

/** Some bytes of an item that a reviewer says to have viewed. */
export interface ViewedContent {
  userId: number;
  sessionId: number;
  itemId: number;
  sha256: string;
}

/** Marks the content as viewed. Doing it twice changes nothing. */
export async function markViewed(database: Database, viewed: ViewedContent): Promise<void> {
  await database.query(
    `INSERT INTO review_views (user_id, session_id, item_id, sha256) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING`,
    [viewed.userId, viewed.sessionId, viewed.itemId, viewed.sha256],
  );
}

/** Takes the mark away. */
export async function unmarkViewed(database: Database, viewed: Omit<ViewedContent, 'sessionId'>): Promise<void> {
  await database.query('DELETE FROM review_views WHERE user_id = $1 AND item_id = $2 AND sha256 = $3', [
    viewed.userId,
    viewed.itemId,
    viewed.sha256,
  ]);
}

/** The ids of the snapshot's rows whose present bytes the person has viewed, in whichever round that was. */
export async function listViewedItems(
  database: Database,
  key: { userId: number; snapshotId: number },
): Promise<Set<number>> {
  const rows = await database.query<{ id: number }>(
    `SELECT i.id FROM snapshot_items i
     JOIN review_views v ON v.user_id = $1 AND v.item_id = i.item_id AND v.sha256 = i.sha256
     WHERE i.snapshot_id = $2`,
    [key.userId, key.snapshotId],
  );
  return new Set(rows.map(({ id }) => id));
}

/** A person's look at a frozen file. */
export interface NewOpening {
  reviewId: number;
  userId: number;
  snapshotId: number;
  itemId: number;
  path: string;
  sha256: string;
}

/** Writes down that somebody opened a frozen file; every time, for anybody can become a reviewer. */
export async function recordOpening(database: Database, opening: NewOpening): Promise<void> {
  await database.query(
    `INSERT INTO review_openings (review_request_id, user_id, snapshot_id, item_id, path, sha256)
     VALUES ($1, $2, $3, $4, $5, $6)`,
    [opening.reviewId, opening.userId, opening.snapshotId, opening.itemId, opening.path, opening.sha256],
  );
}

/** Who opened which file: the first and the last time, and how often. */
export interface OpeningRecord {
  user: PersonRecord;
  path: string;
  firstAt: Date;
  lastAt: Date;
  times: number;
}

/** Which files of the review each person opened, the latest first. */
export function listOpenings(database: Database, reviewId: number): Promise<OpeningRecord[]> {
  return database.query<OpeningRecord>(
    `SELECT ${personColumn('u')} AS "user", o.path, min(o.created_at) AS "firstAt", max(o.created_at) AS "lastAt",
       count(*)::int AS times
     FROM review_openings o JOIN users u ON u.id = o.user_id
     WHERE o.review_request_id = $1 GROUP BY u.id, o.path ORDER BY max(o.created_at) DESC, o.path LIMIT 5000`,
    [reviewId],
  );
}
