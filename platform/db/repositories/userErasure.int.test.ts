import { appendReviewHistory } from '#activities/review/appendReviewHistory.ts';
import { submitReview } from '#api/commands/reviews/submitReview.ts';
import { purgeTrash } from '#activities/maintenance/retainFiles.ts';
import { insertComment } from '#platform/db/repositories/reviewComments.ts';
import { verifyHistory } from '#platform/db/repositories/reviewHistory.ts';
import { findReview } from '#platform/db/repositories/reviews.ts';
import { eraseUser, findErasureObstacles } from '#platform/db/repositories/userErasure.ts';
import { lockUser } from '#platform/db/repositories/users.ts';
import { createLog } from '#platform/observability/log.ts';
import { createTestDatabase, type TestDatabase } from '#tests/support/database.ts';
import { build, type BuiltUser } from '#tests/support/factories.ts';
import { buildFrozenReview, decideFrozenReview, type FrozenReview } from '#tests/support/frozenReview.ts';
import { waitFor } from '#tests/support/waitFor.ts';

let test: TestDatabase;
beforeAll(async () => {
  test = await createTestDatabase();
});
afterAll(() => test.drop());

const erase = ({ id: userId }: Pick<BuiltUser, 'id'>) =>
  test.database.transaction((tx) => eraseUser(test.database, { userId, actor: 'the command line' }, tx));
const obstacles = ({ id }: Pick<BuiltUser, 'id'>) => findErasureObstacles(test.database, id, null);

async function submitterOf({ id }: FrozenReview): Promise<{ id: number; username: string }> {
  const review = await findReview(test.database, id);
  if (review === null) throw new Error('the review is gone');
  return review.submittedBy;
}

async function comment(review: FrozenReview, published: boolean): Promise<number> {
  const place = { workspaceItemId: null, snapshotId: review.snapshotId, path: null, lineNumber: null };
  const said = { text: 'Bound the loop.', type: 'general' as const, parentCommentId: null, quotedText: null };
  const by = { reviewId: review.id, commenterId: review.holder.id, endLineNumber: null, published };
  return test.database.transaction((tx) => insertComment(test.database, { ...place, ...said, ...by }, tx));
}

describe('erasing an account', () => {
  it('waits for the open reviews that somebody has to end or take over', async () => {
    const review = await buildFrozenReview(test.database);
    const author = await submitterOf(review);
    expect(await obstacles(author)).toEqual({ submitted: [review.id], held: [] });
    expect(await obstacles(review.holder)).toEqual({ submitted: [], held: [review.id] });
    await decideFrozenReview(test, review);
    expect(await obstacles(author)).toEqual({ submitted: [], held: [] });
    expect(await obstacles(review.holder)).toEqual({ submitted: [], held: [] });
  });

  it('leaves of the person what reviews need, without their name, and deletes the rest', async () => {
    const review = await buildFrozenReview(test.database);
    const [published, draft] = [await comment(review, true), await comment(review, false)];
    await decideFrozenReview(test, review);
    const author = await submitterOf(review);
    const plain = await build.session(test.database, { userId: author.id });
    await build.file(test.database, { sessionId: plain.id, name: 'diary.txt' });
    expect(await erase(author)).toEqual({ sessions: 2 });
    await erase(review.holder);
    await purgeTrash({ ...test, log: createLog(test.config, 'test') });

    const kept = await findReview(test.database, review.id);
    expect(kept).toMatchObject({
      status: 'approved',
      snapshotId: review.snapshotId,
      submittedBy: { id: author.id, username: `erased ${author.id}` },
      assignedTo: { username: `erased ${review.holder.id}`, reviewerLevel: 0 },
    });
    expect((await verifyHistory(test.database, review.id)).valid).toBe(true);
    const rows = async (sql: string, bind: unknown[]) => (await test.database.query(sql, bind)).length;
    expect(await rows('SELECT 1 FROM review_comments WHERE id = $1', [published])).toBe(1);
    expect(await rows('SELECT 1 FROM review_comments WHERE id = $1', [draft])).toBe(0);
    expect(await rows('SELECT 1 FROM sessions WHERE id = $1', [plain.id])).toBe(0);
    const [session] = await test.database.query<{ purged: boolean }>(
      'SELECT purged_at IS NOT NULL AS purged FROM sessions WHERE uuid = $1',
      [kept?.sessionUuid],
    );
    expect(session).toEqual({ purged: true });
    const left = await test.database.query<Record<string, unknown>>(
      'SELECT username, email, password_hash, disabled_at IS NOT NULL AS disabled FROM users WHERE id = $1',
      [author.id],
    );
    const name = `erased ${author.id}`;
    expect(left).toEqual([{ username: name, email: name, password_hash: 'erased', disabled: true }]);
  });

  describe('while the person', () => {
    /** Erases as the command does, and does the other thing once the account is held; answers with how that ended. */
    async function meanwhile<T>(person: { id: number }, act: () => Promise<T>): Promise<T> {
      let begun: Promise<T> | undefined;
      await test.database.transaction(async (tx) => {
        await lockUser(test.database, person.id, tx);
        expect(await findErasureObstacles(test.database, person.id, tx)).toEqual({ submitted: [], held: [] });
        begun = act();
        // Looked at again below, once the account is erased.
        begun.catch(() => undefined);
        const blocked = `SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`;
        await waitFor(async () => (await test.database.query(blocked)).length > 0, { what: 'the other to wait' });
        await eraseUser(test.database, { userId: person.id, actor: 'the command line' }, tx);
      });
      return begun!;
    }

    it('submits a session leaves no review of theirs', async () => {
      const author = await build.user(test.database);
      const session = await build.session(test.database, { userId: author.id });
      await build.file(test.database, { sessionId: session.id, name: 'main.py' });
      const body = { title: 'Late', description: '', priority: 'low' as const };
      const submit = () => submitReview(test, { caller: author, sessionUuid: session.uuid, body });
      await expect(meanwhile(author, submit)).rejects.toMatchObject({ code: 'NOT_AUTHENTICATED' });
      expect(await obstacles(author)).toEqual({ submitted: [], held: [] });
    });

    it('claims a review leaves it to others', async () => {
      const { id: reviewId, holder } = await buildFrozenReview(test.database);
      await test.database.query(
        `UPDATE review_requests SET assigned_to = NULL, claim_expires_at = NULL WHERE id = $1`,
        [reviewId],
      );
      const claim = {
        reviewId,
        opId: 'late',
        action: 'claim',
        actorId: holder.id,
        note: '',
        expectedSnapshotId: null,
      } as const;
      const result = await meanwhile(holder, () => appendReviewHistory(test, claim));
      expect(result).toMatchObject({ refused: 'FORBIDDEN' });
      expect(await obstacles(holder)).toEqual({ submitted: [], held: [] });
    });
  });

  it('can be repeated', async () => {
    const person = await build.user(test.database);
    await erase(person);
    expect(await erase(person)).toEqual({ sessions: 0 });
  });
});
