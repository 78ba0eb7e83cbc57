import { findReview } from '#platform/db/repositories/reviews.ts';
import { reviewWorkflowId } from '#shared/domain/review.ts';
import type { BuiltSession } from '#tests/support/factories.ts';
import { startReviewApi, type ReviewApi } from '#tests/support/reviewApi.ts';
import type { TestAnswer, TestPerson } from '#tests/support/testApi.ts';
import { waitFor } from '#tests/support/waitFor.ts';
import { stateQuery } from '#workflows/review/review.messages.ts';

const REASON = 'Production is down because of this.';
const HOUR = 3_600_000;

let stage: ReviewApi;
let author: TestPerson;
let reviewer: TestPerson;
let session: BuiltSession;

beforeAll(async () => {
  stage = await startReviewApi();
});
afterAll(() => stage.close());
beforeEach(async () => {
  ({ author, reviewer, session } = await stage.newCast());
});

const get = (person: TestPerson, path: string): Promise<TestAnswer> => stage.get(person, path);
const post = (person: TestPerson, path: string, body?: unknown): Promise<TestAnswer> => stage.post(person, path, body);
const submitAndFreeze = (body: Record<string, unknown> = {}) => stage.submitAndFreeze({ author, session, body });
const setPriority = (person: TestPerson, id: number, priority: string, reason = ''): Promise<TestAnswer> =>
  post(person, `/reviews/${id}/priority`, { priority, reason });
const stateOf = (id: number) =>
  stage.api.deps.temporal.client.workflow.getHandle(reviewWorkflowId(id)).query(stateQuery);

describe('the priority', () => {
  it('is raised by the submitter with a reason until somebody claims, and lowered at any time', async () => {
    const { id } = await submitAndFreeze({ priority: 'low' });
    expect((await setPriority(author, id, 'high')).body.code).toBe('REVIEW_REASON_REQUIRED');
    expect((await setPriority(author, id, 'high', REASON)).body).toMatchObject({ priority: 'high' });
    expect((await setPriority(author, id, 'medium')).body).toMatchObject({ priority: 'medium' });
    await post(reviewer, `/reviews/${id}/claim`);
    expect((await setPriority(author, id, 'high', REASON)).body.code).toBe('FORBIDDEN');
    expect((await setPriority(author, id, 'low')).body).toMatchObject({ priority: 'low' });
    expect((await setPriority(reviewer, id, 'medium', REASON)).body).toMatchObject({
      code: 'REVIEW_LEVEL_TOO_LOW',
      data: { needed: 3 },
    });
    const { items } = (await get(author, `/reviews/${id}/history`)).body;
    const told = items.map((row: { description: string }) => row.description);
    expect(told.filter((line: string) => line.startsWith('priority: '))).toEqual([
      `priority: ${author.username} changed the priority from low to high. Reason: ${REASON}`,
      `priority: ${author.username} changed the priority from high to medium.`,
      `priority: ${author.username} changed the priority from medium to low.`,
    ]);
    expect((await get(author, `/reviews/${id}/history/verify`)).body.valid).toBe(true);
  });

  it('counts what is due from the submission, so that raising resets no clock and lowering hides no breach', async () => {
    const { id } = await submitAndFreeze({ priority: 'low' });
    const submitted = new Date(Date.now() - 10 * HOUR);
    await stage.api.database.query('UPDATE review_requests SET submitted_at = $2 WHERE id = $1', [id, submitted]);
    for (const [priority, hours] of [
      ['urgent', 1],
      ['medium', 24],
      ['high', 4],
      ['low', 72],
    ] as const) {
      const { body } = await setPriority(author, id, priority, REASON);
      expect(Date.parse(body.dueAt) - Date.parse(body.submittedAt)).toBe(hours * HOUR);
    }
  });

  it('the same again changes nothing', async () => {
    const { id } = await submitAndFreeze({ priority: 'low' });
    const before = (await get(author, `/reviews/${id}`)).body;
    expect((await setPriority(author, id, 'low')).body).toEqual(before);
    expect((await get(author, `/reviews/${id}/history`)).body.items).toHaveLength(1);
  });

  it('is urgent for one open review of a submitter, also when two are submitted or raised at one moment', async () => {
    const other = await stage.newCast();
    await stage.api.database.query('UPDATE sessions SET user_id = $2 WHERE id = $1', [other.session.id, author.id]);
    const submit = (uuid: string) => post(author, `/sessions/${uuid}/reviews`, { title: 'Now!', priority: 'urgent' });
    const answers = await Promise.all([submit(session.uuid), submit(other.session.uuid)]);
    expect(answers.map(({ status }) => status).sort()).toEqual([202, 409]);
    const won = answers.find(({ status }) => status === 202)!.body;
    expect(answers.find(({ status }) => status === 409)?.body).toMatchObject({
      code: 'REVIEW_URGENT_LIMIT',
      data: { reviewId: won.id },
    });
    const free = won.sessionUuid === session.uuid ? other.session : session;
    const { id } = await stage.submitAndFreeze({ author, session: free, body: { priority: 'high' } });
    expect((await setPriority(author, id, 'urgent', REASON)).body.code).toBe('REVIEW_URGENT_LIMIT');
    await post(author, `/reviews/${won.id}/withdraw`);
    expect((await setPriority(author, id, 'urgent', REASON)).body.priority).toBe('urgent');
  });

  it('set by level 3 above the holder’s level ends the claim, and both people are told', async () => {
    const { id } = await submitAndFreeze({ priority: 'low' });
    const [leader, expert] = [
      await stage.api.person({ reviewerLevel: 3 }),
      await stage.api.person({ reviewerLevel: 3 }),
    ];
    await post(reviewer, `/reviews/${id}/claim`);
    expect((await setPriority(leader, id, 'medium', REASON)).body.assignedTo.id).toBe(reviewer.id);
    const raised = await setPriority(leader, id, 'urgent', REASON);
    expect(raised.body).toMatchObject({ status: 'in_review', assignedTo: null, claimExpiresAt: null });
    const notices = await stage.api.database.query<{ userId: number; kind: string }>(
      `SELECT user_id AS "userId", kind FROM notifications WHERE review_id = $1 ORDER BY id`,
      [id],
    );
    expect(notices.filter(({ userId }) => userId === reviewer.id).map(({ kind }) => kind)).toEqual([
      'priority',
      'unassigned',
    ]);
    expect(notices.filter(({ userId }) => userId === author.id).map(({ kind }) => kind)).toEqual([
      'priority',
      'priority',
    ]);
    const last = (await get(author, `/reviews/${id}/history`)).body.items.at(-1);
    expect(last).toMatchObject({ changedBy: { id: leader.id }, newStatus: 'in_review' });
    expect(last.description).toContain(
      `${reviewer.username} does not hold the review any more; priority urgent needs level 3`,
    );
    // The workflow hears of it by the outbox, and then lets somebody else claim.
    await waitFor(async () => (await stateOf(id)).assigneeId === null, { what: 'a free review' });
    expect((await post(expert, `/reviews/${id}/claim`)).status).toBe(200);
    expect((await post(reviewer, `/reviews/${id}/claim`)).body.code).toBe('REVIEW_LEVEL_TOO_LOW');
  });

  it('reaches the workflow although no worker and no dispatcher ran when it was changed', async () => {
    const { id } = await submitAndFreeze({ priority: 'low' });
    await post(reviewer, `/reviews/${id}/claim`);
    const leader = await stage.api.person({ reviewerLevel: 3 });
    await stage.stopWorkers();
    await setPriority(leader, id, 'urgent', REASON);
    await stage.startWorkers();
    await waitFor(async () => (await stateOf(id)).assigneeId === null, { deadlineMs: 20_000, what: 'a free review' });
    const intents = () => stage.api.database.query('SELECT 1 FROM intents WHERE subject_id = $1', [id]);
    await waitFor(async () => (await intents()).length === 0, { what: 'an empty outbox' });
    expect((await findReview(stage.api.database, id))?.priority).toBe('urgent');
  });

  it('cannot be changed once the review has ended, nor by a stranger', async () => {
    const { id } = await submitAndFreeze();
    expect((await setPriority(await stage.api.person(), id, 'low')).status).toBe(404);
    await post(author, `/reviews/${id}/withdraw`);
    expect((await setPriority(author, id, 'low')).body.code).toBe('REVIEW_ALREADY_DECIDED');
  });
});
