import { clockSettings } from '#platform/config/reviewClocks.ts';
import { insertReview, setSnapshot } from '#platform/db/repositories/reviews.ts';
import { createSnapshot } from '#platform/db/repositories/snapshots.ts';
import type { ReviewPriority } from '#shared/domain/review.ts';
import type { TestDatabase } from '#tests/support/database.ts';
import { build, type BuiltUser } from '#tests/support/factories.ts';

/** A review of which there are rows alone: nothing runs for it. */
export interface ReviewRow {
  id: number;
  author: BuiltUser;
  snapshotId: number;
}

/** Submits a session with one file and freezes it, in the database alone. */
export async function buildReviewRow(
  { database, config }: Pick<TestDatabase, 'database' | 'config'>,
  given: { priority?: ReviewPriority; author?: BuiltUser } = {},
): Promise<ReviewRow> {
  const priority = given.priority ?? 'medium';
  const author = given.author ?? (await build.user(database));
  const session = await build.session(database, { userId: author.id });
  await build.file(database, { sessionId: session.id, name: 'main.py' });
  return database.transaction(async (tx) => {
    const review = {
      sessionUuid: session.uuid,
      submittedBy: author.id,
      title: 'fractals',
      description: '',
      priority,
      round: 1,
      previousReviewId: null,
      dueSeconds: clockSettings(config).dueSeconds[priority],
    };
    const id = await insertReview(database, review, tx);
    if (id === null) throw new Error('the session has an open review');
    const { id: snapshotId } = await createSnapshot(database, { sessionId: session.id, createdBy: author.id }, tx);
    await setSnapshot(database, { reviewId: id, snapshotId }, tx);
    return { id, author, snapshotId };
  });
}
