import { createTestDatabase, type TestDatabase } from '#tests/support/database.ts';
import { build } from '#tests/support/factories.ts';
import type { Database } from '#platform/db/database.ts';
import { insertNotification } from '#platform/db/repositories/notifications.ts';
import { findLeastLoadedReviewer } from '#platform/db/repositories/reviewerLoad.ts';
import { claimReview, insertReview, setSnapshot } from '#platform/db/repositories/reviews.ts';
import { createSnapshot } from '#platform/db/repositories/snapshots.ts';

let test: TestDatabase;
let database: Database;

beforeAll(async () => {
  test = await createTestDatabase();
  database = test.database;
});
afterAll(() => test.drop());

/** A review with a snapshot, by an author of level 3 who could otherwise be asked. */
async function openReview(): Promise<{ id: number; author: number }> {
  const author = await build.user(database, { reviewerLevel: 3 });
  const session = await build.session(database, { userId: author.id });
  await build.file(database, { sessionId: session.id, name: 'main.py' });
  return database.transaction(async (tx) => {
    const id = await insertReview(
      database,
      {
        sessionUuid: session.uuid,
        submittedBy: author.id,
        title: 'Please look',
        description: '',
        priority: 'medium',
        round: 1,
        previousReviewId: null,
        dueSeconds: 86_400,
      },
      tx,
    );
    if (id === null) throw new Error('the session has an open review');
    const { id: snapshotId } = await createSnapshot(database, { sessionId: session.id, createdBy: author.id }, tx);
    await setSnapshot(database, { reviewId: id, snapshotId }, tx);
    return { id, author: author.id };
  });
}

describe('a notification', () => {
  it('reaches each person once, however often it is written, and no disabled account', async () => {
    const { id } = await openReview();
    const people = await Promise.all([build.user(database), build.user(database), build.user(database)]);
    await database.query('UPDATE users SET disabled_at = now() WHERE id = $1', [people[2]!.id]);
    const told = {
      userIds: people.map((person) => person.id),
      kind: 'comments' as const,
      subject: { reviewId: id },
      summary: 'x'.repeat(2_000),
      theirTurn: true,
      batchKey: 'batch-1',
    };
    await insertNotification(database, told, null);
    await insertNotification(database, { ...told, summary: 'again' }, null);
    const rows = await database.query<{ userId: number; length: number }>(
      'SELECT user_id AS "userId", length(summary) FROM notifications WHERE review_id = $1 ORDER BY user_id',
      [id],
    );
    expect(rows).toEqual(people.slice(0, 2).map((person) => ({ userId: person.id, length: 1_000 })));
  });
});

describe('the least loaded reviewer', () => {
  it('has the fewest open reviews, is not away or disabled, and has no part in the review', async () => {
    await database.query('UPDATE users SET disabled_at = now()');
    const [busy, free, away, disabled] = await Promise.all(
      Array.from({ length: 4 }, () => build.user(database, { reviewerLevel: 2 })),
    );
    const { id } = await openReview();
    const held = await openReview();
    await database.query('UPDATE users SET disabled_at = now() WHERE id = ANY($1::int[])', [
      [disabled!.id, held.author],
    ]);
    await database.query(`UPDATE users SET away_until = now() + interval '1 day' WHERE id = $1`, [away!.id]);
    await database.transaction((tx) =>
      claimReview(database, { reviewId: held.id, userId: busy!.id, leaseSeconds: 86_400 }, tx),
    );
    const search = { reviewId: id, minLevel: 2, maxLevel: 3 };
    expect((await findLeastLoadedReviewer(database, search))?.id).toBe(free!.id);
    await database.query('UPDATE users SET disabled_at = now() WHERE id = $1', [free!.id]);
    expect((await findLeastLoadedReviewer(database, search))?.id).toBe(busy!.id);
    await database.query('UPDATE users SET disabled_at = now() WHERE id = $1', [busy!.id]);
    expect(await findLeastLoadedReviewer(database, search)).toBeNull();
    await database.query(`UPDATE users SET away_until = now() - interval '1 second' WHERE id = $1`, [away!.id]);
    expect((await findLeastLoadedReviewer(database, search))?.id).toBe(away!.id);
  });
});
