import fc from 'fast-check';
import { createTestDatabase, type TestDatabase } from '#tests/support/database.ts';
import { build, type BuiltUser } from '#tests/support/factories.ts';
import { SEED } from '#tests/support/scale.ts';
import type { Database } from '#platform/db/database.ts';
import {
  countReviews,
  listReviews,
  type ReviewFilters,
  type ReviewListQuery,
} from '#platform/db/repositories/reviewLists.ts';
import { claimReview, setSnapshot } from '#platform/db/repositories/reviews.ts';
import { createSnapshot } from '#platform/db/repositories/snapshots.ts';
import { REVIEW_STATUSES, type ReviewPriority } from '#shared/domain/review.ts';
import { isOverdue, reviewTurn } from '#shared/domain/reviewTurn.ts';

const NO_FILTERS: ReviewFilters = {
  status: null,
  priority: null,
  mine: false,
  overdue: false,
  author: null,
  session: null,
  text: null,
};

let test: TestDatabase;
let database: Database;
let author: BuiltUser;

beforeAll(async () => {
  test = await createTestDatabase();
  database = test.database;
});
afterAll(() => test.drop());
beforeEach(async () => {
  author = await build.user(database);
});

interface Wanted {
  priority?: ReviewPriority;
  title?: string;
  frozen?: boolean;
  submittedBy?: BuiltUser;
}

/** A review of a session of its own, with a snapshot unless told otherwise. */
async function openReview({ priority, title, frozen = true, submittedBy = author }: Wanted = {}): Promise<number> {
  const session = await build.session(database, { userId: submittedBy.id, name: `session of ${title ?? 'nobody'}` });
  const given = { sessionUuid: session.uuid, submittedBy: submittedBy.id, title, priority };
  const { id } = await build.review(database, given);
  if (!frozen) return id;
  const snapshot = await database.transaction((tx) =>
    createSnapshot(database, { sessionId: session.id, createdBy: submittedBy.id }, tx),
  );
  await setSnapshot(database, { reviewId: id, snapshotId: snapshot.id }, null);
  return id;
}

async function idsOf(
  view: ReviewListQuery['view'],
  viewer: BuiltUser,
  filters: Partial<ReviewFilters> = {},
): Promise<number[]> {
  const query = { view, viewer, filters: { ...NO_FILTERS, ...filters }, after: null, limit: 1_000 };
  return (await listReviews(database, query)).map(({ id }) => id);
}

describe('the queue', () => {
  it('shows what the viewer could claim or holds: their turn first, then the urgent, then who waits longest', async () => {
    const expert = await build.user(database, { reviewerLevel: 3 });
    const beginner = await build.user(database, { reviewerLevel: 1 });
    const other = await build.user(database, { reviewerLevel: 3 });
    const ids: Record<string, number> = {};
    for (const priority of ['low', 'urgent', 'medium', 'high'] as const) ids[priority] = await openReview({ priority });
    const later = await openReview({ priority: 'high' });
    const held = await openReview({ priority: 'low' });
    const asked = await openReview({ priority: 'urgent' });
    const taken = await openReview({ priority: 'urgent' });
    const frozen = await openReview({ priority: 'urgent', frozen: false });
    for (const [reviewId, userId] of [
      [held, expert.id],
      [asked, expert.id],
      [taken, other.id],
    ] as const) {
      await claimReview(database, { reviewId, userId, leaseSeconds: 86_400 }, null);
    }
    await database.query(
      `INSERT INTO review_comments (review_request_id, commenter_id, comment_text, published_at) VALUES ($1, $2, 'why?', now())`,
      [asked, expert.id],
    );
    const mine = [...Object.values(ids), later, held, asked, taken, frozen];
    const queueOf = async (viewer: BuiltUser): Promise<number[]> =>
      (await idsOf('queue', viewer)).filter((id) => mine.includes(id));
    expect(await queueOf(expert)).toEqual([held, ids['urgent'], ids['high'], later, ids['medium'], ids['low'], asked]);
    expect(await queueOf(beginner)).toEqual([ids['medium'], ids['low']]);
    expect(await queueOf(author)).toEqual([]);
    expect((await idsOf('submitted', author))[0]).toBe(asked);
  });

  it.each(['queue', 'submitted', 'all'] as const)('comes in pages without gaps or repeats: %s', async (view) => {
    const viewer = view === 'queue' ? await build.user(database, { reviewerLevel: 3 }) : author;
    for (const priority of ['low', 'urgent', 'medium', 'high', 'high', 'low', 'urgent'] as const) {
      await openReview({ priority });
    }
    const seen: number[] = [];
    for (let after: string | null = null, full = true; full;) {
      const page = await listReviews(database, { view, viewer, filters: NO_FILTERS, after, limit: 3 });
      seen.push(...page.map(({ id }) => id));
      full = page.length === 3;
      after = page.at(-1)?.orderKey ?? null;
    }
    expect(seen.length).toBeGreaterThanOrEqual(7);
    expect(seen).toEqual(await idsOf(view, viewer));
  });
});

describe('a list', () => {
  it('is narrowed by status, priority, author, session and words, which are taken as they are', async () => {
    const viewer = await build.user(database, { reviewerLevel: 1 });
    const zoe = await build.user(database, { username: `Zoë_${Date.now()}` });
    const percent = await openReview({ title: '100% of %_\\', submittedBy: zoe });
    const plain = await openReview({ title: '100 of them', submittedBy: zoe, priority: 'high' });
    await database.query('UPDATE review_requests SET withdrawn_at = now() WHERE id = $1', [plain]);
    const of = (filters: Partial<ReviewFilters>) =>
      idsOf('all', viewer, { author: zoe.username.toLowerCase(), ...filters });
    expect(await of({})).toEqual([plain, percent]);
    expect(await of({ text: '%_\\' })).toEqual([percent]);
    expect(await of({ text: '100' })).toEqual([plain, percent]);
    expect(await of({ text: "'; DROP TABLE users" })).toEqual([]);
    expect(await of({ priority: 'high' })).toEqual([plain]);
    expect(await of({ status: 'pending' })).toEqual([percent]);
    expect(await of({ status: 'withdrawn' })).toEqual([plain]);
    expect(await of({ session: 'of 100%' })).toEqual([percent]);
    const [{ uuid }] = (await database.query<{ uuid: string }>(
      'SELECT session_id AS uuid FROM review_requests WHERE id = $1',
      [plain],
    )) as [{ uuid: string }];
    expect(await of({ session: uuid })).toEqual([plain]);
    expect(await of({ author: 'nobody of this name' })).toEqual([]);
  });
});

/** What happens to a generated review, in minutes before now; null where it does not. */
const story = fc.record({
  status: fc.constantFrom(...REVIEW_STATUSES),
  assigned: fc.boolean(),
  withdrawn: fc.boolean(),
  frozen: fc.boolean(),
  due: fc.boolean(),
  again: fc.boolean(),
  moves: fc.array(
    fc.record({
      at: fc.integer({ min: 1, max: 50 }),
      verb: fc.constantFrom('claim', 'release', 'assign', 'snapshot', 'resolve'),
    }),
    { maxLength: 4 },
  ),
  comments: fc.array(
    fc.record({
      at: fc.option(fc.integer({ min: 1, max: 50 })),
      by: fc.constantFrom('author', 'holder', 'other'),
      type: fc.constantFrom('general', 'issue', 'approval'),
      resolved: fc.boolean(),
      reply: fc.boolean(),
    }),
    { maxLength: 4 },
  ),
});

describe('the turn in SQL', () => {
  it('is the turn of the rule, whatever happened to a review', async () => {
    const [holder, other] = [
      await build.user(database, { reviewerLevel: 3 }),
      await build.user(database, { reviewerLevel: 3 }),
    ];
    const viewer = await build.user(database, { reviewerLevel: 4 });
    const people = { author, holder, other };
    const told = new Set<string>();
    for (const one of fc.sample(story, { seed: SEED, numRuns: 150 })) {
      const id = await openReview({ frozen: one.frozen });
      await database.query(
        `UPDATE review_requests SET submitted_at = now() - interval '55 minutes', assigned_to = $2, withdrawn_at = CASE WHEN $3 THEN now() END,
           due_at = now() + make_interval(mins => $4) WHERE id = $1`,
        [id, one.assigned ? holder.id : null, one.withdrawn, one.due ? -5 : 5],
      );
      for (const status of one.status === 'pending' ? [] : new Set(['in_review', one.status])) {
        await database.query(
          `UPDATE review_requests SET status = $2, reviewed_at = CASE WHEN $2 IN ('approved', 'rejected') THEN now() END WHERE id = $1`,
          [id, status],
        );
      }
      for (const [index, { at, verb }] of one.moves.entries()) {
        await database.query(
          `INSERT INTO review_history (review_request_id, op_id, old_status, new_status, change_description, seq, prev_hash, row_hash, created_at)
           VALUES ($1, $2, 'pending', 'pending', $3, 0, '', '', date_trunc('minute', now()) - make_interval(mins => $4))`,
          [id, `${id}-${index}`, `${verb}: it happened.`, at],
        );
      }
      let root: number | null = null;
      for (const { at, by, type, resolved, reply } of one.comments) {
        const [written]: { id: number }[] = await database.query<{ id: number }>(
          `INSERT INTO review_comments (review_request_id, commenter_id, comment_text, comment_type, is_resolved, parent_comment_id, published_at)
           VALUES ($1, $2, 'words', $3, $4, $5, date_trunc('minute', now()) - make_interval(mins => $6)) RETURNING id`,
          [id, people[by].id, type, resolved, reply ? root : null, at],
        );
        root ??= written?.id ?? null;
      }
      if (one.again) {
        await database.query(
          `INSERT INTO review_requests (session_id, submitted_by, title, status, previous_review_id, round)
           SELECT session_id, submitted_by, 'again', 'approved', id, 2 FROM review_requests WHERE id = $1`,
          [id],
        );
      }
    }
    const all = await listReviews(database, {
      view: 'all',
      viewer,
      filters: { ...NO_FILTERS, author: author.username },
      after: null,
      limit: 1_000,
    });
    const own = await listReviews(database, {
      view: 'submitted',
      viewer: author,
      filters: NO_FILTERS,
      after: null,
      limit: 1_000,
    });
    const reviews = new Map([...all, ...own].map((review) => [review.id, review]));
    for (const review of reviews.values()) told.add(reviewTurn(review).turn);
    expect([...told].sort()).toEqual(['assignee', 'nobody', 'pool', 'submitter']);
    for (const person of Object.values(people)) {
      const byRule = [...reviews.values()].filter((review) => reviewTurn(review).person?.id === person.id);
      const bySql = (await idsOf('all', person, { mine: true })).filter((id) => reviews.has(id));
      expect(bySql).toEqual(byRule.map(({ id }) => id).sort((left, right) => right - left));
      const counts = await countReviews(database, { viewer: person, filters: NO_FILTERS });
      expect(counts).toEqual({
        queue: (await idsOf('queue', person)).length,
        submitted: (await idsOf('submitted', person)).length,
        all: (await idsOf('all', person)).length,
        mine: bySql.length,
      });
    }
    const overdue = all.filter((review) => isOverdue(review, new Date())).map(({ id }) => id);
    expect(overdue.length).toBeGreaterThan(0);
    expect(await idsOf('all', viewer, { author: author.username, overdue: true })).toEqual(overdue);
  });
});
