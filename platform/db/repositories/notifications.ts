import type { NotificationKind } from '#shared/domain/notification.ts';
import type { Database, Tx } from '#platform/db/database.ts';

/** Something to tell people. */
export interface NewNotification {
  userIds: readonly number[];
  kind: NotificationKind;
  subject: { reviewId: number } | { sessionId: number };
  /** One sentence, at most 1,000 characters. */
  summary: string;
  /** Whether they are who must act now: who wants to hear of their turn alone is told only of these. */
  theirTurn: boolean;
  /** What happened, as a key: nobody is told twice of the same, whoever writes it again. */
  batchKey: string;
}

/** Tells each of the people once, in the transaction of what they are told. Disabled accounts are left out. */
export async function insertNotification(
  database: Database,
  { userIds, kind, subject, summary, theirTurn, batchKey }: NewNotification,
  tx: Tx,
): Promise<void> {
  await database.query(
    `INSERT INTO notifications (user_id, kind, review_id, session_id, summary, their_turn, batch_key)
     SELECT u.id, $2, $3::int, $4::int, left($5, 1000), $6, $7 FROM users u
     WHERE u.id = ANY($1::int[]) AND u.disabled_at IS NULL ORDER BY u.id
     ON CONFLICT (user_id, batch_key) DO NOTHING`,
    [
      userIds,
      kind,
      'reviewId' in subject ? subject.reviewId : null,
      'sessionId' in subject ? subject.sessionId : null,
      summary,
      theirTurn,
      batchKey,
    ],
    tx,
  );
}
