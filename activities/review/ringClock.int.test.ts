import { appendReviewHistory } from '#activities/review/appendReviewHistory.ts';
import { readWithTimes } from '#activities/review/readTimes.ts';
import { ringClock } from '#activities/review/ringClock.ts';
import { claimLimits } from '#platform/config/claimLimits.ts';
import { rearmDue } from '#platform/db/repositories/reviewClocks.ts';
import { insertComment } from '#platform/db/repositories/reviewComments.ts';
import { listHistory, verifyHistory } from '#platform/db/repositories/reviewHistory.ts';
import { findReview } from '#platform/db/repositories/reviews.ts';
import type { ReviewPriority } from '#shared/domain/review.ts';
import type { ClockKind } from '#shared/domain/reviewClocks.ts';
import { createTestDatabase, type TestDatabase } from '#tests/support/database.ts';
import { build, type BuiltUser } from '#tests/support/factories.ts';
import { buildReviewRow, type ReviewRow } from '#tests/support/reviewRow.ts';
import type { TransitionInput, TransitionResult } from '#workflows/review/review.ports.ts';

let test: TestDatabase;
let review: ReviewRow;

beforeAll(async () => {
  test = await createTestDatabase();
});
afterAll(() => test.drop());
beforeEach(async () => {
  // Reviewers of other tests are nobody's choice here.
  await test.database.query('UPDATE users SET disabled_at = now()');
  review = await buildReviewRow(test);
});

const reviewerOf = (reviewerLevel: number): Promise<BuiltUser> => build.user(test.database, { reviewerLevel });
const ring = (kind: ClockKind) => ringClock(test, { reviewId: review.id, kind });

/** Moves what is due, or what a claim has left, so many seconds into the past. */
async function pass(seconds: number): Promise<void> {
  await test.database.query(
    `UPDATE review_requests SET submitted_at = submitted_at - make_interval(secs => $2),
       due_at = due_at - make_interval(secs => $2), claim_expires_at = claim_expires_at - make_interval(secs => $2)
     WHERE id = $1`,
    [review.id, seconds],
  );
}

function act(
  action: TransitionInput['action'],
  by: BuiltUser | null,
  given: Partial<TransitionInput> = {},
): Promise<TransitionResult> {
  const opId = `${action}-${String(Math.random())}`;
  const input = { reviewId: review.id, opId, action, actorId: by?.id ?? null, expectedSnapshotId: null, note: '' };
  return appendReviewHistory(test, { ...input, ...given });
}

async function told(): Promise<Array<{ userId: number; kind: string; theirTurn: boolean; summary: string }>> {
  return test.database.query(
    `SELECT user_id AS "userId", kind, their_turn AS "theirTurn", summary FROM notifications WHERE review_id = $1 ORDER BY id`,
    [review.id],
  );
}

async function rows(): Promise<string[]> {
  return (await listHistory(test.database, review.id)).map((row) => row.description);
}

async function holdAsManyAsAllowed(person: BuiltUser): Promise<void> {
  const limit = claimLimits(test.config)[person.reviewerLevel] ?? 0;
  for (let held = 0; held < limit; held += 1) {
    const { id } = await buildReviewRow(test);
    await test.database.query('UPDATE review_requests SET assigned_to = $2 WHERE id = $1', [id, person.id]);
  }
}

async function setPriority(priority: ReviewPriority): Promise<void> {
  await test.database.query('UPDATE review_requests SET priority = $2 WHERE id = $1', [review.id, priority]);
}

async function comment(by: BuiltUser, published: boolean): Promise<number> {
  return insertComment(
    test.database,
    {
      reviewId: review.id,
      commenterId: by.id,
      workspaceItemId: null,
      snapshotId: review.snapshotId,
      path: null,
      lineNumber: null,
      endLineNumber: null,
      quotedText: null,
      text: 'hm',
      type: 'general',
      parentCommentId: null,
      published,
    },
    null,
  );
}

describe('a clock', () => {
  it('that is asked too early says how early, and changes nothing', async () => {
    await reviewerOf(1);
    const { earlyByMs, review: row } = await ring('reminder');
    expect(Math.abs(earlyByMs - 18 * 3_600_000)).toBeLessThan(60_000);
    expect(row?.times?.clocks.map(({ kind }) => kind)).toEqual(['reminder', 'escalation']);
    expect([await rows(), await told()]).toEqual([[], []]);
  });

  it('rings once when ten ask at the same time, and not again', async () => {
    const reviewer = await reviewerOf(1);
    await pass(18 * 3_600 + 1);
    await Promise.all(Array.from({ length: 10 }, () => ring('reminder')));
    expect((await ring('reminder')).earlyByMs).toBe(0);
    expect(await told()).toMatchObject([{ userId: reviewer.id, kind: 'reminder', theirTurn: true }]);
    expect(await rows()).toEqual([
      expect.stringMatching(
        new RegExp(`^sla: the first look is due at .* UTC; told: ${reviewer.username} \\(level 1\\)`),
      ),
    ]);
    expect((await verifyHistory(test.database, review.id)).valid).toBe(true);
  });

  it.each<[string, () => Promise<unknown>]>([
    ['was claimed', async () => act('claim', await reviewerOf(1))],
    [
      'was claimed and given back',
      async () => {
        const reviewer = await reviewerOf(1);
        await act('claim', reviewer);
        await act('release', reviewer);
      },
    ],
    ['was withdrawn', () => act('withdraw', review.author)],
    ['got a verdict', async () => act('approve', await reviewerOf(4), { expectedSnapshotId: review.snapshotId })],
  ])('of the first look does not ring for a review that %s', async (_what, happens) => {
    await reviewerOf(2);
    await happens();
    await pass(25 * 3_600);
    const before = await rows();
    for (const kind of ['reminder', 'escalation'] as const) expect((await ring(kind)).earlyByMs).toBe(0);
    expect(await rows()).toEqual(before);
    expect((await told()).filter(({ kind }) => kind === 'reminder' || kind === 'escalation')).toEqual([]);
  });

  it('answers null for a review that is gone', async () => {
    await test.database.query(
      'DELETE FROM sessions WHERE uuid = (SELECT session_id FROM review_requests WHERE id = $1)',
      [review.id],
    );
    expect(await ring('reminder')).toEqual({ review: null, earlyByMs: 0 });
  });
});

describe('the reminder', () => {
  beforeEach(() => pass(19 * 3_600));

  it('goes to the assignee where there is one', async () => {
    const [, assignee] = [await reviewerOf(1), await reviewerOf(1)];
    await test.database.query('UPDATE review_requests SET assigned_to = $2 WHERE id = $1', [review.id, assignee.id]);
    await ring('reminder');
    expect((await told()).map(({ userId }) => userId)).toEqual([assignee.id]);
  });

  it('finds the next one once the time of an assignee who never claimed it has passed', async () => {
    const [other, assignee] = [await reviewerOf(1), await reviewerOf(1)];
    await test.database.query(
      `UPDATE review_requests SET assigned_to = $2, claim_expires_at = now() - interval '1 minute' WHERE id = $1`,
      [review.id, assignee.id],
    );
    await ring('leaseEnd');
    expect(await findReview(test.database, review.id)).toMatchObject({ assignedTo: null, status: 'pending' });
    await test.database.query('UPDATE users SET disabled_at = now() WHERE id = $1', [assignee.id]);
    await ring('reminder');
    expect((await told()).map(({ userId, kind }) => [userId, kind])).toEqual([
      [assignee.id, 'unassigned'],
      [other.id, 'reminder'],
    ]);
  });

  it('goes to somebody whose level is enough for the priority', async () => {
    await setPriority('high');
    await reviewerOf(1);
    const enough = await reviewerOf(2);
    await ring('reminder');
    expect((await told()).map(({ userId }) => userId)).toEqual([enough.id]);
  });

  it('passes over who is at the review already or was told of it today, unless it is urgent', async () => {
    const [busy, other] = [await reviewerOf(3), await reviewerOf(3)];
    await comment(busy, false);
    await ring('reminder');
    expect((await told()).map(({ userId }) => userId)).toEqual([other.id]);
    review = await buildReviewRow(test, { priority: 'urgent' });
    await pass(3_000);
    await test.database.query('UPDATE users SET disabled_at = now() WHERE id = $1', [other.id]);
    await comment(busy, false);
    await ring('reminder');
    expect((await told()).map(({ userId }) => userId)).toEqual([busy.id]);
  });

  it('passes over who holds as many reviews as their level may, for they could not claim it', async () => {
    await holdAsManyAsAllowed(await reviewerOf(1));
    await ring('reminder');
    expect(await told()).toEqual([]);
    expect(await rows()).toEqual([expect.stringContaining('told: nobody, for no reviewer of level 1 is free.')]);
  });

  it('is kept in the history when there is nobody to remind, and not made up for later', async () => {
    await ring('reminder');
    await reviewerOf(1);
    await ring('reminder');
    expect(await told()).toEqual([]);
    expect(await rows()).toEqual([expect.stringContaining('told: nobody, for no reviewer of level 1 is free.')]);
  });
});

describe('the escalation', () => {
  beforeEach(() => pass(25 * 3_600));

  it('goes to one person of the level above the priority, and changes nobody’s hands', async () => {
    await reviewerOf(4);
    const above = await reviewerOf(2);
    const { review: row } = await ring('escalation');
    expect(await told()).toMatchObject([{ userId: above.id, kind: 'escalation', theirTurn: true }]);
    expect(row).toMatchObject({ assignedTo: null, status: 'pending' });
    expect(row?.times?.escalatedAt).not.toBeNull();
  });

  it('goes higher when that level is away, and to the operators when nobody is left', async () => {
    const away = await reviewerOf(2);
    const higher = await reviewerOf(4);
    await test.database.query(`UPDATE users SET away_until = now() + interval '1 hour' WHERE id = $1`, [away.id]);
    await ring('escalation');
    expect((await told()).map(({ userId }) => userId)).toEqual([higher.id]);
    await test.database.query(`UPDATE users SET away_until = now() + interval '1 hour' WHERE id = $1`, [higher.id]);
    review = await buildReviewRow(test);
    await pass(25 * 3_600);
    const operator = await build.user(test.database, { isOperator: true });
    await ring('escalation');
    expect((await told()).map(({ userId }) => userId)).toEqual([operator.id]);
    expect(await rows()).toEqual([expect.stringContaining('told: the operators, for no reviewer of level 2')]);
  });

  it('goes higher when all of that level hold as many reviews as they may', async () => {
    await holdAsManyAsAllowed(await reviewerOf(2));
    const higher = await reviewerOf(4);
    await ring('escalation');
    expect((await told()).map(({ userId }) => userId)).toEqual([higher.id]);
  });

  it('passes over who was reminded of it today: the next one up may not know yet', async () => {
    const reminded = await reviewerOf(2);
    await ring('reminder');
    const higher = await reviewerOf(3);
    await ring('escalation');
    expect((await told()).map(({ userId, kind }) => [userId, kind])).toEqual([
      [reminded.id, 'reminder'],
      [higher.id, 'escalation'],
    ]);
  });
});

describe('a changed priority', () => {
  it('counts from the submission: raising does not begin the time anew, lowering does not hide what was missed', async () => {
    await reviewerOf(3);
    await pass(2 * 3_600);
    const clocksWith = async (dueSeconds: number) => {
      await test.database.transaction((tx) => rearmDue(test.database, { reviewId: review.id, dueSeconds }, tx));
      const row = await findReview(test.database, review.id);
      expect((row?.dueAt?.getTime() ?? 0) - (row?.submittedAt.getTime() ?? 0)).toBe(dueSeconds * 1_000);
      return (await readWithTimes(test, review.id))?.times?.clocks.map(({ kind }) => kind);
    };
    expect(await clocksWith(3_600)).toEqual(['reminder', 'escalation']);
    await ring('reminder');
    await ring('escalation');
    // Neither rings again in this round, whatever the priority becomes.
    expect(await clocksWith(259_200)).toEqual([]);
    expect((await readWithTimes(test, review.id))?.times?.escalatedAt).not.toBeNull();
  });
});

describe('a claim', () => {
  let holder: BuiltUser;
  beforeEach(async () => {
    holder = await reviewerOf(1);
    await act('claim', holder);
  });

  it('lasts as long as the configuration says', async () => {
    const short = { ...test, config: { ...test.config, REVIEW_CLAIM_SECONDS: 60 } };
    await act('release', holder);
    const opId = 'a short claim';
    const words = { expectedSnapshotId: null, note: '' };
    await appendReviewHistory(short, { reviewId: review.id, opId, action: 'claim', actorId: holder.id, ...words });
    const end = (await findReview(test.database, review.id))?.claimExpiresAt?.getTime() ?? 0;
    expect(Math.abs(end - Date.now() - 60_000)).toBeLessThan(20_000);
  });

  it('warns its holder once before it ends', async () => {
    expect((await ring('leaseWarning')).earlyByMs).toBeGreaterThan(0);
    await pass(18 * 3_600 + 1);
    await Promise.all([ring('leaseWarning'), ring('leaseWarning'), ring('leaseWarning')]);
    expect(await told()).toMatchObject([{ userId: holder.id, kind: 'reminder', theirTurn: true }]);
    expect((await rows()).filter((row) => row.startsWith('sla:'))).toHaveLength(1);
  });

  it('ends once: its holder is told, drafts stay, the review is back in the queue', async () => {
    const draft = await comment(holder, false);
    await pass(24 * 3_600 + 1);
    await Promise.all([ring('leaseEnd'), ring('leaseEnd'), act('leaseEnded', null, { opId: 'of an older run' })]);
    expect(await findReview(test.database, review.id)).toMatchObject({ assignedTo: null, status: 'in_review' });
    expect((await rows()).filter((row) => row.startsWith('release:'))).toEqual([
      `release: the claim of ${holder.username} ended without a verdict.`,
    ]);
    expect(await told()).toMatchObject([{ userId: holder.id, kind: 'unassigned', theirTurn: false }]);
    expect(
      await test.database.query('SELECT 1 FROM review_comments WHERE id = $1 AND published_at IS NULL', [draft]),
    ).toHaveLength(1);
    expect((await readWithTimes(test, review.id))?.times?.clocks).toEqual([]);
  });

  it('that has lapsed is taken over by the next one in one step, also while no timer has come', async () => {
    await pass(24 * 3_600 + 1);
    const next = await reviewerOf(1);
    const answers = await Promise.all([act('claim', next), act('claim', holder), ring('leaseEnd')]);
    const [byNext, byHolder] = answers.slice(0, 2) as TransitionResult[];
    expect([byNext?.refused, byHolder?.refused].sort()).toEqual(['REVIEW_ALREADY_CLAIMED', null].sort());
    const winner = byNext?.refused === null ? next : holder;
    expect((await findReview(test.database, review.id))?.assignedTo?.id).toBe(winner.id);
    expect((await rows()).map((row) => row.split(' until')[0])).toEqual([
      `claim: ${holder.username} took the review`,
      `release: the claim of ${holder.username} ended without a verdict.`,
      `claim: ${winner.username} took the review`,
    ]);
    expect((await verifyHistory(test.database, review.id)).valid).toBe(true);
  });

  it('that has lapsed still carries a verdict of its holder that comes first', async () => {
    await pass(24 * 3_600 + 1);
    const approved = await act('approve', holder, { expectedSnapshotId: review.snapshotId });
    expect(approved.refused).toBeNull();
    await ring('leaseEnd');
    const row = await findReview(test.database, review.id);
    expect([row?.status, row?.assignedTo?.id]).toEqual(['approved', holder.id]);
    expect((await told()).filter(({ kind }) => kind === 'unassigned')).toEqual([]);
  });
});
