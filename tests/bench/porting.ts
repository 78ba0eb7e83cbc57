import { diffIndices } from 'node-diff3';
import { readConversation } from '#api/commands/reviews/readConversation.ts';
import type { Database } from '#platform/db/database.ts';
import { findReview } from '#platform/db/repositories/reviews.ts';
import { printLimit, printPairs, printTimes, timed } from '#tests/bench/figures.ts';
import { BIG_COMMENTS, BIG_FILES, makeBigReview, type BigReview } from '#tests/support/bigReview.ts';
import { createTestDatabase } from '#tests/support/database.ts';

const ROUNDS = 15;
const BUDGET_MS = 2_000;

/**
 * The comments of a round at their places in the next one, beside a bare reference: one statement that reads both texts of
 * every changed file, and a difference of each, without rules, rights or fallbacks.
 */
export async function comparePorting(): Promise<void> {
  const test = await createTestDatabase();
  try {
    const big = await makeBigReview(test.database);
    const [ours, theirs]: [number[], number[]] = [[], []];
    for (let round = 0; round < ROUNDS; round += 1) {
      await timed(ours, () => ported(test.database, big));
      await timed(theirs, () => bareDifferences(test.database, big));
    }
    const what = `${String(BIG_COMMENTS)} comments over ${String(BIG_FILES)} files to the next round`;
    printTimes(what, ours);
    printTimes('the bare differences of the same files', theirs);
    printLimit(`${what}, p95`, { times: ours, share: 0.95, budgetMs: BUDGET_MS });
    printPairs(`${what}, beside the bare differences`, { ours, theirs, budget: 1.5 });
  } finally {
    await test.drop();
  }
}

async function ported(database: Database, { secondReviewId, authorId }: BigReview): Promise<void> {
  const review = await findReview(database, secondReviewId);
  if (review === null) throw new Error('there is no second round');
  const placed = await readConversation({ database }, review, { viewerId: authorId, after: null, limit: 2_000 });
  if (placed.length !== BIG_COMMENTS) throw new Error(`${String(placed.length)} comments were placed`);
}

async function bareDifferences(database: Database, { firstReviewId, secondSnapshotId }: BigReview): Promise<void> {
  const rows = await database.query<{ before: Buffer; after: Buffer }>(
    `SELECT was.bytes AS before, now.bytes AS after
     FROM review_comments c
     JOIN snapshot_items b ON b.snapshot_id = c.snapshot_id AND path_digest(b.path) = path_digest(c.path)
     JOIN snapshot_items a ON a.snapshot_id = $2 AND path_digest(a.path) = path_digest(b.path) AND a.sha256 <> b.sha256
     JOIN blobs was ON was.sha256 = b.sha256 JOIN blobs now ON now.sha256 = a.sha256
     WHERE c.review_request_id = $1`,
    [firstReviewId, secondSnapshotId],
  );
  for (const { before, after } of rows) diffIndices(before.toString().split('\n'), after.toString().split('\n'));
}
