import { readConversation, type PlacedComment } from '#api/commands/reviews/readConversation.ts';
import { portComments } from '#api/commands/reviews/portComments.ts';
import { findReview } from '#platform/db/repositories/reviews.ts';
import { listConversation } from '#platform/db/repositories/reviewConversation.ts';
import { BIG_COMMENTS, bigFile, COMMENTED_LINE, makeBigReview, type BigReview } from '#tests/support/bigReview.ts';
import { createTestDatabase, type TestDatabase } from '#tests/support/database.ts';

let test: TestDatabase;
let big: BigReview;

beforeAll(async () => {
  test = await createTestDatabase();
  big = await makeBigReview(test.database);
});
afterAll(() => test.drop());

async function placed(): Promise<PlacedComment[]> {
  const review = await findReview(test.database, big.secondReviewId);
  return readConversation(test, review!, { viewerId: big.authorId, after: null, limit: 2_000 });
}

describe('five hundred comments over a thousand files', () => {
  it('stand in the next round where their text is, and are outdated only where it changed', async () => {
    const all = await placed();
    expect(all).toHaveLength(BIG_COMMENTS);
    const states = { exact: 0, shifted: 0, outdated: 0 };
    for (const { comment, place } of all) {
      const index = Number(comment.path?.split('-')[1]);
      const lines = bigFile(index, 2).split('\n');
      const at = lines.indexOf(`file-${index} line ${COMMENTED_LINE}`) + 1;
      expect(place).toMatchObject({
        state: at === 0 ? 'outdated' : at === COMMENTED_LINE ? 'exact' : 'shifted',
        path: comment.path,
        lineNumber: at === 0 ? null : at,
      });
      states[place.state] += 1;
    }
    expect(states).toEqual({ exact: 72, shifted: 343, outdated: 85 });
  });

  it('never change themselves', async () => {
    const { database } = test;
    const text = 'SELECT md5(string_agg(c::text, chr(10) ORDER BY id)) AS sum FROM review_comments c';
    const before = await database.query(text);
    await placed();
    expect(await database.query(text)).toEqual(before);
  });

  it('fall back to their file where the texts are too large to be compared', async () => {
    const query = { reviewId: big.secondReviewId, submittedAt: new Date(0), viewerId: big.authorId };
    const comments = await listConversation(test.database, { ...query, after: null, limit: 2_000 });
    const monstrous = comments.map((comment) => ({
      ...comment,
      origin: comment.origin && { ...comment.origin, size: 100_000_000 },
    }));
    const places = await portComments(test.database, big.secondSnapshotId, monstrous);
    const changed = monstrous.filter(({ id }) => places.get(id)?.state === 'outdated');
    expect(changed).toHaveLength(343 + 85);
    expect(changed.every(({ id, path }) => places.get(id)?.path === path)).toBe(true);
  });
});
