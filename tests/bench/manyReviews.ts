import type { Database } from '#platform/db/database.ts';
import { countReviews, listReviews } from '#platform/db/repositories/reviewLists.ts';
import { readReviewMetrics } from '#platform/db/repositories/reviewMetrics.ts';
import { createSnapshot } from '#platform/db/repositories/snapshots.ts';
import { printLimit, timed } from '#tests/bench/figures.ts';
import { createTestDatabase } from '#tests/support/database.ts';
import { build, type BuiltUser } from '#tests/support/factories.ts';

const REVIEWS = 10_000;
const YEAR = { from: new Date(Date.UTC(1960, 0, 1)), to: new Date(Date.UTC(1961, 0, 1)) };
const ROUNDS = 5;
const FIGURES_BUDGET_MS = 3_000;
const LISTS_BUDGET_MS = 1_000;

/** The figures of ten thousand reviews, with histories and comments, and a page of the queue out of as many. */
export async function measureManyReviews(): Promise<void> {
  const test = await createTestDatabase();
  try {
    const { database } = test;
    const author = await build.user(database);
    const holder = await build.user(database, { reviewerLevel: 3 });
    await fill(database, { author, holder });
    const [figures, lists]: [number[], number[]] = [[], []];
    for (let round = 0; round < ROUNDS; round += 1) {
      const [all] = await timed(figures, () => readReviewMetrics(database, YEAR));
      if (all?.decided !== REVIEWS) throw new Error(`figures of ${String(all?.decided)} reviews`);
      await timed(lists, () => readQueue(database, holder));
    }
    printLimit(`the figures of ${String(REVIEWS)} reviews`, { times: figures, share: 1, budgetMs: FIGURES_BUDGET_MS });
    const page = `a page of the queue and its counts, of ${String(REVIEWS)} reviews`;
    printLimit(page, { times: lists, share: 1, budgetMs: LISTS_BUDGET_MS });
  } finally {
    await test.drop();
  }
}

async function readQueue(database: Database, { id, reviewerLevel }: BuiltUser): Promise<void> {
  const none = { status: null, priority: null, mine: false, overdue: false, author: null, session: null };
  const asked = { viewer: { id, reviewerLevel }, filters: { ...none, text: 'many' } };
  const page = await listReviews(database, { view: 'all', ...asked, after: null, limit: 50 });
  const counts = await countReviews(database, asked);
  if (page.length !== 50 || counts.all !== REVIEWS) throw new Error(`${page.length} of ${counts.all} reviews`);
}

async function fill(database: Database, { author, holder }: Record<'author' | 'holder', BuiltUser>): Promise<void> {
  const session = await build.session(database, { userId: author.id });
  const snapshot = await database.transaction((tx) =>
    createSnapshot(database, { sessionId: session.id, createdBy: author.id }, tx),
  );
  await database.query(
    `INSERT INTO review_requests (session_id, submitted_by, assigned_to, title, status, submitted_at, reviewed_at, snapshot_id)
     SELECT $1, $2, $3, 'one of many', 'approved', $4::timestamptz + n * interval '1 minute', $4::timestamptz + n * interval '1 minute' + interval '9 hours', $5
     FROM generate_series(1, $6) n`,
    [session.uuid, author.id, holder.id, YEAR.from, snapshot.id, REVIEWS],
  );
  // Triggers make one chain of each review and would take minutes for so many rows; what is measured reads them only.
  await database.transaction(async (tx) => {
    await database.query('ALTER TABLE review_history DISABLE TRIGGER review_history_chain', [], tx);
    await database.query(
      `INSERT INTO review_history (review_request_id, changed_by, op_id, new_status, change_description, seq, prev_hash, row_hash, created_at)
       SELECT r.id, $1, step::text, 'in_review', (ARRAY['submit', 'claim', 'resolve', 'snapshot', 'approve'])[step] || ': it happened.',
         step, '', '', r.submitted_at + step * interval '1 hour'
       FROM review_requests r, generate_series(1, 5) step`,
      [holder.id],
      tx,
    );
    await database.query(
      `INSERT INTO review_comments (review_request_id, commenter_id, comment_text, published_at)
       SELECT r.id, CASE WHEN step % 2 = 0 THEN $1::int ELSE $2::int END, 'words', r.submitted_at + step * interval '50 minutes'
       FROM review_requests r, generate_series(3, 8) step`,
      [holder.id, author.id],
      tx,
    );
  });
  await database.query('ANALYZE');
}
