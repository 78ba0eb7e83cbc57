import type { NotificationKind } from '#shared/domain/notification.ts';
import type { Database } from '#platform/db/database.ts';
import { TURN_PERSON, TURN_TABLES } from '#platform/db/repositories/turnFacts.ts';

/** What a person was told. Exactly one of review and session is not null. */
export interface NotificationRecord {
  id: number;
  kind: NotificationKind;
  review: { id: number; title: string } | null;
  session: { uuid: string; name: string } | null;
  summary: string;
  theirTurn: boolean;
  readAt: Date | null;
  createdAt: Date;
}

const COLUMNS = `
  n.id, n.kind, n.summary, n.their_turn AS "theirTurn", n.read_at AS "readAt", n.created_at AS "createdAt",
  CASE WHEN n.review_id IS NOT NULL THEN json_build_object('id', r.id, 'title', r.title) END AS review,
  CASE WHEN n.session_id IS NOT NULL THEN json_build_object('uuid', s.uuid, 'name', s.name) END AS session`;
const TABLES = `
  notifications n LEFT JOIN review_requests r ON r.id = n.review_id LEFT JOIN sessions s ON s.id = n.session_id`;

// Who wants to hear of their turn alone is told of nothing else; the rows stay, for a person may change their mind.
const TOLD = `n.user_id = $1 AND (n.their_turn OR NOT (SELECT notify_only_my_turn FROM users WHERE id = $1))`;

/** A page of what the person was told, newest first, as far as they want to hear it. */
export function listNotifications(
  database: Database,
  query: { userId: number; unread: boolean; after: number | null; limit: number },
): Promise<NotificationRecord[]> {
  return database.query<NotificationRecord>(
    `SELECT ${COLUMNS} FROM ${TABLES}
     WHERE ${TOLD} AND (NOT $2::boolean OR n.read_at IS NULL) AND ($3::integer IS NULL OR n.id < $3)
     ORDER BY n.id DESC LIMIT $4`,
    [query.userId, query.unread, query.after, query.limit],
  );
}

/** How many of them are unread. */
export async function countUnread(database: Database, userId: number): Promise<number> {
  const rows = await database.query<{ unread: number }>(
    `SELECT count(*)::int AS unread FROM notifications n WHERE ${TOLD} AND n.read_at IS NULL`,
    [userId],
  );
  return rows[0]?.unread ?? 0;
}

/** Marks one as read, and tells the person's other pages. False: the person has no such notification. */
export async function readNotification(
  database: Database,
  key: { userId: number; notificationId: number },
): Promise<boolean> {
  const rows = await database.query(
    `UPDATE notifications SET read_at = coalesce(read_at, now()) WHERE user_id = $1 AND id = $2
     RETURNING pg_notify('berth_notifications', json_build_object('userId', user_id)::text)`,
    [key.userId, key.notificationId],
  );
  return rows.length === 1;
}

/** Marks all up to this one as read, and tells the person's other pages. */
export async function readNotificationsUpTo(database: Database, key: { userId: number; upTo: number }): Promise<void> {
  await database.query(
    `WITH done AS (
       UPDATE notifications SET read_at = now() WHERE user_id = $1 AND id <= $2 AND read_at IS NULL RETURNING user_id)
     SELECT pg_notify('berth_notifications', json_build_object('userId', user_id)::text) FROM done GROUP BY user_id`,
    [key.userId, key.upTo],
  );
}

/** A notification that is worth telling later, with whether it is the person's turn in its review now. */
export interface DigestRecord extends NotificationRecord {
  yourTurn: boolean;
}

/**
 * The unread notifications since a moment that still matter, newest first: of a review that has ended only its end; a
 * reminder while nobody has begun, and an assignment while it stands.
 */
export function listDigest(
  database: Database,
  query: { userId: number; since: Date; limit: number },
): Promise<DigestRecord[]> {
  return database.query<DigestRecord>(
    `SELECT ${COLUMNS}, coalesce((${TURN_PERSON}) = $1, false) AS "yourTurn"
     FROM ${TABLES} ${TURN_TABLES}
     WHERE ${TOLD} AND n.read_at IS NULL AND n.created_at >= $2
       AND (n.review_id IS NULL OR n.kind IN ('verdict', 'withdrawn')
         OR (r.withdrawn_at IS NULL AND r.status IN ('pending', 'in_review')
           AND (n.kind NOT IN ('reminder', 'escalation') OR r.status = 'pending' OR r.assigned_to IS NULL)
           AND (n.kind <> 'assigned' OR r.assigned_to = $1)))
     ORDER BY n.id DESC LIMIT $3`,
    [query.userId, query.since, query.limit],
  );
}

/** Notifications are kept for ninety days. Resolves with how many went. */
export async function removeOldNotifications(database: Database): Promise<number> {
  const rows = await database.query<{ removed: number }>(
    `WITH gone AS (DELETE FROM notifications WHERE created_at < now() - interval '90 days' RETURNING 1)
     SELECT count(*)::int AS removed FROM gone`,
  );
  return rows[0]?.removed ?? 0;
}
