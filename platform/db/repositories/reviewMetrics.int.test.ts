import { createTestDatabase, type TestDatabase } from '#tests/support/database.ts';
import { build, type BuiltUser } from '#tests/support/factories.ts';
import type { Database } from '#platform/db/database.ts';
import { readReviewMetrics } from '#platform/db/repositories/reviewMetrics.ts';
import { createSnapshot } from '#platform/db/repositories/snapshots.ts';

const HOUR = 3_600;
/** The tests' reviews are submitted at hour 0; each group in a year of its own, so that no test counts another's. */
const start = (year: number): Date => new Date(Date.UTC(year, 0, 1));
const yearOf = (year: number) => ({ from: start(year), to: start(year + 1) });

let test: TestDatabase;
let database: Database;
let author: BuiltUser;
let holder: BuiltUser;

beforeAll(async () => {
  test = await createTestDatabase();
  database = test.database;
  author = await build.user(database);
  holder = await build.user(database, { reviewerLevel: 3 });
});
afterAll(() => test.drop());

interface Story {
  year: number;
  priority?: string;
  round?: number;
  claimedAt?: number;
  decidedAt?: number;
  verdict?: 'approved' | 'rejected';
  /** Hour, who, and the hour at which it was resolved. */
  comments?: Array<[number, BuiltUser, number?]>;
  moves?: Array<[number, string]>;
  openedAt?: number;
  nudgedAt?: number;
  withdrawn?: boolean;
}

/** A review to which things happened at so many hours after its submission. */
async function tell(story: Story): Promise<number> {
  const session = await build.session(database, { userId: author.id });
  const { id } = await build.review(database, { sessionUuid: session.uuid, submittedBy: author.id });
  const at = (hour: number): Date => new Date(start(story.year).getTime() + hour * HOUR * 1_000);
  const snapshot = await database.transaction((tx) =>
    createSnapshot(database, { sessionId: session.id, createdBy: author.id }, tx),
  );
  await database.query(
    `UPDATE review_requests SET submitted_at = $2, snapshot_id = $3, priority = $4, round = $5, assigned_to = $6,
       withdrawn_at = CASE WHEN $7 THEN now() END WHERE id = $1`,
    [
      id,
      at(0),
      snapshot.id,
      story.priority ?? 'medium',
      story.round ?? 1,
      story.claimedAt === undefined ? null : holder.id,
      story.withdrawn ?? false,
    ],
  );
  const claim: Array<[number, string]> = story.claimedAt === undefined ? [] : [[story.claimedAt, 'claim']];
  for (const [hour, verb] of [...claim, ...(story.moves ?? [])]) {
    await database.query(
      `INSERT INTO review_history (review_request_id, changed_by, op_id, new_status, change_description, seq, prev_hash, row_hash, created_at)
       VALUES ($1, $2, $3, 'in_review', $4, 0, '', '', $5)`,
      [id, holder.id, `${verb}-${hour}`, `${verb}: it happened.`, at(hour)],
    );
  }
  for (const [hour, by, resolved] of story.comments ?? []) {
    await database.query(
      `INSERT INTO review_comments (review_request_id, commenter_id, comment_text, published_at, is_resolved, resolved_at)
       VALUES ($1, $2, 'words', $3, $4, $5)`,
      [id, by.id, at(hour), resolved !== undefined, resolved === undefined ? null : at(resolved)],
    );
  }
  if (story.openedAt !== undefined) {
    await database.query(
      `INSERT INTO review_openings (review_request_id, user_id, snapshot_id, item_id, path, sha256, created_at)
       VALUES ($1, $2, $3, 1, 'main.py', 'x', $4)`,
      [id, holder.id, snapshot.id, at(story.openedAt)],
    );
  }
  if (story.nudgedAt !== undefined) {
    await database.query(
      `INSERT INTO notifications (user_id, kind, review_id, summary, their_turn, batch_key, created_at)
       VALUES ($1, 'reminder', $2, 'It is due.', true, concat('due/', $2::int), $3), ($4, 'reminder', $2, 'It is due.', true, concat('due/', $2::int), $3)`,
      [holder.id, id, at(story.nudgedAt), author.id],
    );
  }
  for (const status of story.verdict === undefined ? [] : ['in_review', story.verdict]) {
    await database.query(
      `UPDATE review_requests SET status = $2, reviewed_at = CASE WHEN $2 = 'in_review' THEN NULL ELSE $3::timestamptz END WHERE id = $1`,
      [id, status, at(story.decidedAt ?? 0)],
    );
  }
  return id;
}

type Clock = Omit<Story, 'year' | 'comments'> & {
  comments?: Array<[number, 'holder' | 'author' | 'bystander', number?]>;
};
const CLOCK_STORIES: Array<[string, Clock, number]> = [
  ['runs from submission to verdict', {}, 40],
  [
    'stands from a question to its answer',
    {
      comments: [
        [10, 'holder'],
        [30, 'author'],
      ],
    },
    20,
  ],
  ['stands until the verdict where nothing was answered', { comments: [[10, 'holder']] }, 10],
  [
    'stands once for questions that overlap',
    {
      comments: [
        [10, 'holder'],
        [20, 'holder'],
        [30, 'author'],
      ],
    },
    20,
  ],
  ['goes on when what was asked is resolved', { comments: [[10, 'holder', 15]] }, 35],
  ['goes on with new files', { comments: [[10, 'holder']], moves: [[12, 'snapshot']] }, 38],
  ['goes on when it is given back', { comments: [[10, 'holder']], moves: [[11, 'release']] }, 39],
  ['does not stand for who never held it', { comments: [[10, 'bystander']] }, 40],
];

describe("the reviewers' clock", () => {
  it.each(CLOCK_STORIES)('%s', async (name, story, hours) => {
    const bystander = await build.user(database, { reviewerLevel: 3 });
    const people = { holder, author, bystander };
    const year = 1980 + CLOCK_STORIES.findIndex(([one]) => one === name);
    const comments = (story.comments ?? []).map(([hour, by, resolved]): [number, BuiltUser, number?] => [
      hour,
      people[by],
      resolved,
    ]);
    await tell({ ...story, comments, year, claimedAt: 2, decidedAt: 40, verdict: 'approved' });
    const [all] = await readReviewMetrics(database, yearOf(year));
    expect([all?.firstActionP50, all?.inReviewP50]).toEqual([2 * HOUR, hours * HOUR]);
  });
});

describe('a review that was assigned', () => {
  it('has its first action when its assignee claims it', async () => {
    await tell({ year: 1990, moves: [[2, 'assign']], nudgedAt: 3, claimedAt: 5, decidedAt: 9, verdict: 'approved' });
    const [all] = await readReviewMetrics(database, yearOf(1990));
    expect(all).toMatchObject({ firstActionP50: 5 * HOUR, nudges: 1, usefulNudges: 1 });
  });
});

describe('the figures of a time', () => {
  it('are of all and of each priority, and leave out what was withdrawn and what is not of the time', async () => {
    const year = 1970;
    const story = { year, decidedAt: 10, verdict: 'approved' as const };
    await tell({ ...story, claimedAt: 1, openedAt: 3, nudgedAt: 0.5 });
    await tell({ ...story, claimedAt: 3, round: 3, decidedAt: 30 });
    await tell({
      ...story,
      claimedAt: 90,
      openedAt: 101,
      decidedAt: 100,
      verdict: 'rejected',
      priority: 'urgent',
      nudgedAt: 1,
    });
    await tell({ ...story, claimedAt: 1, withdrawn: true });
    await tell({ year: 1971, claimedAt: 1, decidedAt: 2, verdict: 'approved' });
    const [all, urgent, medium, ...rest] = await readReviewMetrics(database, yearOf(year));
    expect(rest).toEqual([]);
    expect(all).toEqual({
      priority: null,
      reviews: 3,
      decided: 3,
      firstActionP50: 3 * HOUR,
      firstActionP75: 46.5 * HOUR,
      inReviewP50: 30 * HOUR,
      inReviewP75: 65 * HOUR,
      over24Hours: 2,
      over3Days: 1,
      approved: 2,
      rounds: 4,
      unopenedVerdicts: 2,
      nudges: 2,
      usefulNudges: 1,
    });
    expect(urgent).toMatchObject({ priority: 'urgent', reviews: 1, unopenedVerdicts: 1, nudges: 1, usefulNudges: 0 });
    expect(medium).toMatchObject({ priority: 'medium', reviews: 2, rounds: 4 });
  });

  it('of nothing are nothing', async () => {
    expect(await readReviewMetrics(database, yearOf(1950))).toMatchObject([
      { priority: null, reviews: 0, firstActionP50: null, inReviewP75: null, rounds: 0, nudges: 0 },
    ]);
  });
});
