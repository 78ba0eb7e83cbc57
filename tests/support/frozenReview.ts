import { randomUUID } from 'node:crypto';
import { appendReviewHistory } from '#activities/review/appendReviewHistory.ts';
import { openRunningCopy } from '#api/commands/reviews/runningCopies.ts';
import type { Config } from '#platform/config/config.ts';
import type { Database } from '#platform/db/database.ts';
import type { SessionRecord } from '#platform/db/repositories/sessions.ts';
import { createSnapshot } from '#platform/db/repositories/snapshots.ts';
import { build, type BuiltUser } from '#tests/support/factories.ts';

/** A review with a snapshot that somebody holds; nothing runs for it. */
export interface FrozenReview {
  id: number;
  snapshotId: number;
  holder: BuiltUser;
}

/** Makes a session of one file, its snapshot, and a review that a reviewer of level 1 holds. */
export async function buildFrozenReview(database: Database): Promise<FrozenReview> {
  const holder = await build.user(database, { reviewerLevel: 1 });
  const session = await build.session(database);
  await build.file(database, { sessionId: session.id, name: 'main.py', content: "print('frozen')\n" });
  const frozen = await database.transaction(async (tx) => {
    await database.query('SELECT 1 FROM sessions WHERE id = $1 FOR UPDATE', [session.id], tx);
    return createSnapshot(database, { sessionId: session.id, createdBy: session.userId }, tx);
  });
  const given = { sessionUuid: session.uuid, submittedBy: session.userId, snapshotId: frozen.id };
  const { id } = await build.review(database, given);
  await database.query(
    `UPDATE review_requests SET status = 'in_review', assigned_to = $2, claim_expires_at = now() + interval '1 day' WHERE id = $1`,
    [id, holder.id],
  );
  return { id, snapshotId: frozen.id, holder };
}

/** Asks for the holder's throw-away copy as the api does. */
export function openHoldersCopy(
  deps: { database: Database; config: Config },
  { id, holder }: FrozenReview,
): Promise<SessionRecord> {
  return openRunningCopy(deps, { caller: holder, reviewId: id }, { replace: false });
}

/** Writes the holder's verdict as the review's workflow does. */
export async function decideFrozenReview(
  deps: { database: Database; config: Config },
  review: FrozenReview,
): Promise<void> {
  const { id: reviewId, holder, snapshotId } = review;
  const decided = await appendReviewHistory(deps, {
    reviewId,
    opId: randomUUID(),
    action: 'approve',
    actorId: holder.id,
    expectedSnapshotId: snapshotId,
    note: '',
  });
  if (decided.refused !== null) throw new Error(decided.detail);
}
