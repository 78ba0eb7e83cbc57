import { reviewWorkflowId } from '#shared/domain/review.ts';
import { build, type BuiltSession } from '#tests/support/factories.ts';
import { startReviewApi, type ReviewApi } from '#tests/support/reviewApi.ts';
import type { TestAnswer, TestPerson } from '#tests/support/testApi.ts';
import { waitFor } from '#tests/support/waitFor.ts';

let stage: ReviewApi;
let author: TestPerson;
let reviewer: TestPerson;
let session: BuiltSession;
/** An api of its own: a review that waits half a minute for its session there, while the other rules are tested. */
let quiet: { stage: ReviewApi; author: TestPerson; id: number };

beforeAll(async () => {
  stage = await startReviewApi();
  quiet = await submitToSilentSession(await startReviewApi());
});
afterAll(async () => {
  await quiet?.stage.close();
  await stage?.close();
});
beforeEach(async () => {
  ({ author, reviewer, session } = await stage.newCast());
});

const get = (person: TestPerson, path: string): Promise<TestAnswer> => stage.get(person, path);
const post = (person: TestPerson, path: string, body?: unknown): Promise<TestAnswer> => stage.post(person, path, body);
const submitAndFreeze = (body: Record<string, unknown> = {}) => stage.submitAndFreeze({ author, session, body });

/** A review of an open session whose workflow nobody has ever started. */
async function submitToSilentSession(quietStage: ReviewApi): Promise<typeof quiet> {
  const cast = await quietStage.newCast();
  await quietStage.api.database.query(`UPDATE sessions SET phase = 'running', generation = 1 WHERE id = $1`, [
    cast.session.id,
  ]);
  return { stage: quietStage, author: cast.author, id: await quietStage.submit(cast) };
}

describe('a run that was terminated from outside', () => {
  it('is started again by the next decision, which it then carries out', async () => {
    const { id, snapshotId } = await submitAndFreeze();
    await post(reviewer, `/reviews/${id}/claim`);
    await stage.api.deps.temporal.client.workflow.getHandle(reviewWorkflowId(id)).terminate('by a test');
    const approved = await post(reviewer, `/reviews/${id}/approve`, { expectedSnapshotId: snapshotId });
    expect(approved).toMatchObject({ status: 200, body: { status: 'approved' } });
    expect((await get(author, `/reviews/${id}/history/verify`)).body).toMatchObject({ valid: true, rows: 3 });
  });
});

describe('a decision that no worker answers', () => {
  it('is accepted with 202 after ten seconds, and carried out once a worker is there', async () => {
    const { id } = await submitAndFreeze();
    await stage.stopWorkers();
    // Whatever is answered, the tests after this one need workers.
    const claimed = await post(reviewer, `/reviews/${id}/claim`).finally(() => stage.startWorkers());
    expect(claimed).toMatchObject({ status: 202, body: { status: 'pending', assignedTo: null } });
    await waitFor(async () => (await get(author, `/reviews/${id}`)).body.assignedTo?.id === reviewer.id, {
      deadlineMs: 30_000,
      what: 'the claim',
    });
    expect((await get(author, `/reviews/${id}/history`)).body.items).toHaveLength(2);
  });
});

describe('bad input', () => {
  it.each([
    ['GET', '/reviews/abc', undefined],
    ['GET', '/reviews/0', undefined],
    ['GET', '/reviews/-1', undefined],
    ['GET', '/reviews/99999999999', undefined],
    ['GET', '/reviews?view=everything', undefined],
    ['GET', '/reviews?limit=0', undefined],
    ['GET', '/reviews?cursor=%00', undefined],
    ['GET', '/reviews?cursor=bm9uc2Vuc2U', undefined],
    ['POST', '/sessions/not-a-uuid/reviews', { title: 'x' }],
    ['POST', '/reviews/1/approve', { expectedSnapshotId: 'seven' }],
    ['POST', '/reviews/1/approve', {}],
    ['POST', '/reviews/1/approve', []],
    ['POST', '/reviews/1/override', { expectedSnapshotId: 1, reason: 'short' }],
    ['POST', '/reviews/1/comments', { text: 'a\u0000b' }],
    ['PATCH', '/reviews/1/comments/1', { text: 7 }],
  ])('%s %s with %j is refused with INVALID_INPUT', async (method, path, body) => {
    const answer = await stage.api.send(method, `/api/v1${path}`, {
      as: reviewer,
      ...(body === undefined ? {} : { body }),
    });
    expect(answer).toMatchObject({ status: 422, body: { code: 'INVALID_INPUT' } });
    expect(answer.body.errors.length).toBeGreaterThan(0);
  });

  it('that is too long is refused with INVALID_INPUT', async () => {
    const answer = await post(reviewer, '/reviews/1/comments', { text: 'x'.repeat(20_001) });
    expect(answer).toMatchObject({ status: 422, body: { code: 'INVALID_INPUT', errors: [{ path: 'text' }] } });
  });
});

describe('who may not read', () => {
  it('gets 404 on every route of the review, and the same for one that does not exist', async () => {
    const { id, snapshotId } = await submitAndFreeze();
    const stranger = await stage.api.person();
    const item = (await get(author, `/reviews/${id}/items`)).body.items[0].id;
    const words = { expectedSnapshotId: snapshotId, summary: '', text: 'x' };
    const comment = (await post(author, `/reviews/${id}/comments`, { text: 'hello', publish: true })).body.id;
    for (const review of [id, 2_147_483_000]) {
      const answers = await Promise.all([
        ...['', '/items', `/items/${item}`, '/comments', '/history', '/history/verify'].map((path) =>
          get(stranger, `/reviews/${review}${path}`),
        ),
        ...['claim', 'release', 'withdraw', 'refresh-snapshot', 'comments/publish', `comments/${comment}/resolve`].map(
          (path) => post(stranger, `/reviews/${review}/${path}`),
        ),
        post(stranger, `/reviews/${review}/approve`, { expectedSnapshotId: snapshotId }),
        post(stranger, `/reviews/${review}/reject`, { expectedSnapshotId: snapshotId }),
        post(stranger, `/reviews/${review}/override`, {
          expectedSnapshotId: snapshotId,
          reason: words.summary.padEnd(20, 'x'),
        }),
        post(stranger, `/reviews/${review}/comments`, { text: 'x' }),
        stage.api.send('PATCH', `/api/v1/reviews/${review}/comments/${comment}`, { as: stranger, body: { text: 'x' } }),
        stage.api.send('DELETE', `/api/v1/reviews/${review}/comments/${comment}`, { as: stranger }),
      ]);
      for (const answer of answers) expect(answer).toMatchObject({ status: 404, body: { code: 'NOT_FOUND' } });
    }
    expect((await get(stranger, '/reviews?view=all')).body.items).toEqual([]);
    expect((await post(stranger, `/sessions/${session.uuid}/reviews`, { title: 'x' })).status).toBe(404);
  });
});

describe('submitting', () => {
  it('refuses an empty session, and a previous review of another session', async () => {
    const empty = await build.session(stage.api.database, { userId: author.id });
    const refused = await post(author, `/sessions/${empty.uuid}/reviews`, { title: 'x' });
    expect(refused).toMatchObject({ status: 409, body: { code: 'REVIEW_EMPTY' } });
    const { id } = await submitAndFreeze();
    await build.file(stage.api.database, { sessionId: empty.id, name: 'a.py' });
    const foreign = await post(author, `/sessions/${empty.uuid}/reviews`, { title: 'x', previousReviewId: id });
    expect(foreign).toMatchObject({ status: 422, body: { code: 'INVALID_INPUT' } });
  });

  it('freezes what PostgreSQL holds and says so when the open session does not answer', async () => {
    const read = async (path: string) => (await quiet.stage.get(quiet.author, `/reviews/${quiet.id}${path}`)).body;
    const snapshotId = await waitFor(async () => (await read('')).snapshotId, {
      deadlineMs: 80_000,
      what: 'the snapshot without a sync',
    });
    expect(snapshotId).toBeGreaterThan(0);
    const [first] = (await read('/history')).items;
    expect(first.description).toContain('did not answer in time');
  }, 120_000);
});
