import { reviewWorkflowId } from '#shared/domain/review.ts';
import { build, type BuiltSession } from '#tests/support/factories.ts';
import { startReviewApi, type ReviewApi } from '#tests/support/reviewApi.ts';
import type { TestAnswer, TestPerson } from '#tests/support/testApi.ts';

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

describe('the whole way of a review', () => {
  it('goes from submission to approval, and the author sees verdict, comments and history', async () => {
    const { id, snapshotId } = await submitAndFreeze();
    const queue = await get(reviewer, '/reviews');
    expect(queue.body.items.map((review: { id: number }) => review.id)).toContain(id);
    expect((await get(reviewer, `/reviews/${id}`)).body.actions).toEqual(['claim']);
    const claimed = await post(reviewer, `/reviews/${id}/claim`);
    expect(claimed.status).toBe(200);
    expect(claimed.body).toMatchObject({ status: 'in_review', assignedTo: { id: reviewer.id } });

    const items = (await get(reviewer, `/reviews/${id}/items`)).body.items;
    expect(items).toMatchObject([{ path: 'main.py', type: 'file', size: 14 }]);
    const file = await get(reviewer, `/reviews/${id}/items/${items[0].id}`);
    expect(file.body.content).toBe('one\ntwo\nthree\n');

    const draft = await post(reviewer, `/reviews/${id}/comments`, {
      text: 'why two?',
      type: 'issue',
      snapshotItemId: items[0].id,
      lineNumber: 2,
    });
    expect(draft.status).toBe(201);
    expect(draft.body).toMatchObject({ quotedText: 'two', path: 'main.py', lineNumber: 2, publishedAt: null });
    expect((await get(author, `/reviews/${id}/comments`)).body.items).toEqual([]);
    await post(reviewer, `/reviews/${id}/comments`, { text: 'fine otherwise' });
    expect((await post(reviewer, `/reviews/${id}/comments/publish`)).body.items).toHaveLength(2);
    expect((await get(author, `/reviews/${id}/comments`)).body.items).toHaveLength(2);

    const blocked = await post(reviewer, `/reviews/${id}/approve`, { expectedSnapshotId: snapshotId });
    expect(blocked).toMatchObject({ status: 409, body: { code: 'REVIEW_OPEN_ISSUES' } });
    const resolving = `/reviews/${id}/comments/${draft.body.id}/resolve`;
    expect((await post(author, resolving)).status).toBe(403);
    expect((await post(reviewer, resolving)).body).toMatchObject({ isResolved: true, resolvedBy: { id: reviewer.id } });
    const approved = await post(reviewer, `/reviews/${id}/approve`, {
      expectedSnapshotId: snapshotId,
      summary: 'Good.',
    });
    expect(approved).toMatchObject({ status: 200, body: { status: 'approved', actions: [] } });

    expect((await get(author, `/reviews/${id}`)).body.status).toBe('approved');
    const comments = (await get(author, `/reviews/${id}/comments`)).body.items;
    expect(comments.at(-1)).toMatchObject({ type: 'approval', text: 'Good.', author: { id: reviewer.id } });
    const history = (await get(author, `/reviews/${id}/history`)).body.items;
    expect(history.map((row: { description: string }) => row.description.split(':')[0])).toEqual([
      'submit',
      'claim',
      'resolve',
      'approve',
    ]);
    expect(history.map((row: { newStatus: string }) => row.newStatus)).toEqual([
      'pending',
      'in_review',
      'in_review',
      'approved',
    ]);
    const verified = await get(author, `/reviews/${id}/history/verify`);
    expect(verified.body).toEqual({ valid: true, rows: 4, firstBadSeq: null });
    const outcome = await stage.api.deps.temporal.client.workflow.getHandle(reviewWorkflowId(id)).result();
    expect(outcome).toEqual({ outcome: 'approved' });
  });

  it('rejects with a summary, and the next round refers to it', async () => {
    const { id, snapshotId } = await submitAndFreeze();
    await post(reviewer, `/reviews/${id}/claim`);
    const short = await post(reviewer, `/reviews/${id}/reject`, { expectedSnapshotId: snapshotId, summary: 'no' });
    expect(short).toMatchObject({ status: 422, body: { code: 'REVIEW_REASON_REQUIRED' } });
    const summary = 'The loop never ends; please bound it.';
    const rejected = await post(reviewer, `/reviews/${id}/reject`, { expectedSnapshotId: snapshotId, summary });
    expect(rejected.body.status).toBe('rejected');
    expect((await get(author, `/reviews/${id}/comments`)).body.items.at(-1)).toMatchObject({ text: summary });
    const next = await post(author, `/sessions/${session.uuid}/reviews`, { title: 'Again', previousReviewId: id });
    expect(next.body).toMatchObject({ round: 2, previousReviewId: id, status: 'pending' });
  });
});

describe('a claim', () => {
  it('is won by one of fifty at once; the other 49 are told who won', async () => {
    const { id } = await submitAndFreeze();
    const people = await Promise.all(Array.from({ length: 50 }, () => stage.api.person({ reviewerLevel: 1 })));
    const answers = await Promise.all(people.map((person) => post(person, `/reviews/${id}/claim`)));
    const winners = people.filter((_, index) => answers[index]?.status === 200);
    expect(winners).toHaveLength(1);
    const losers = answers.filter((answer) => answer.status !== 200);
    expect(losers).toHaveLength(49);
    for (const loser of losers) {
      expect(loser).toMatchObject({ status: 409, body: { code: 'REVIEW_ALREADY_CLAIMED' } });
      expect(loser.body.detail).toContain(winners[0]?.username);
      expect(loser.body.data.holder.id).toBe(winners[0]?.id);
    }
    const history = (await get(author, `/reviews/${id}/history`)).body.items;
    expect(history).toHaveLength(2);
  });

  it('is one claim for one Idempotency-Key, however often it is sent', async () => {
    const { id } = await submitAndFreeze();
    const send = () =>
      stage.api.send('POST', `/api/v1/reviews/${id}/claim`, {
        as: reviewer,
        headers: { 'idempotency-key': 'the-same' },
      });
    const [first, second] = await Promise.all([send(), send()]);
    const third = await send();
    expect([first.status, second.status, third.status]).toEqual([200, 200, 200]);
    expect((await get(author, `/reviews/${id}/history`)).body.items).toHaveLength(2);
  });

  it('is refused to who edited the session, whatever their level, and to a level below the priority', async () => {
    const editor = await stage.api.person({ reviewerLevel: 4 });
    await stage.api.database.query('UPDATE file_versions SET created_by = $2 WHERE session_id = $1', [
      session.id,
      editor.id,
    ]);
    const { id } = await submitAndFreeze({ priority: 'high' });
    expect(await post(editor, `/reviews/${id}/claim`)).toMatchObject({
      status: 403,
      body: { code: 'REVIEW_OWN_WORK' },
    });
    expect(await post(reviewer, `/reviews/${id}/claim`)).toMatchObject({
      status: 403,
      body: { code: 'REVIEW_LEVEL_TOO_LOW', data: { needed: 2 } },
    });
    expect((await get(reviewer, '/reviews')).body.items.map((review: { id: number }) => review.id)).not.toContain(id);
    expect((await get(reviewer, `/reviews/${id}`)).body.actions).toEqual([]);
  });

  it('can be given back and taken by another', async () => {
    const { id } = await submitAndFreeze();
    await post(reviewer, `/reviews/${id}/claim`);
    const other = await stage.api.person({ reviewerLevel: 1 });
    expect((await post(other, `/reviews/${id}/release`)).body.code).toBe('REVIEW_NOT_CLAIMED');
    const released = await post(reviewer, `/reviews/${id}/release`);
    expect(released.body).toMatchObject({ status: 'in_review', assignedTo: null });
    expect((await post(other, `/reviews/${id}/claim`)).body.assignedTo.id).toBe(other.id);
  });
});

describe('a verdict', () => {
  it('is about the snapshot that the reviewer saw: after a refresh the older one is refused', async () => {
    const { id, snapshotId } = await submitAndFreeze();
    await post(reviewer, `/reviews/${id}/claim`);
    const refreshed = await post(author, `/reviews/${id}/refresh-snapshot`);
    expect(refreshed.status).toBe(200);
    expect(refreshed.body.snapshotId).toBeGreaterThan(snapshotId);
    const old = await post(reviewer, `/reviews/${id}/approve`, { expectedSnapshotId: snapshotId });
    expect(old).toMatchObject({ status: 409, body: { code: 'REVIEW_SNAPSHOT_CHANGED' } });
    const present = refreshed.body.snapshotId;
    expect((await post(reviewer, `/reviews/${id}/approve`, { expectedSnapshotId: present })).status).toBe(200);
  });

  it('is one, when approve and reject race', async () => {
    const { id, snapshotId } = await submitAndFreeze();
    await post(reviewer, `/reviews/${id}/claim`);
    const words = { expectedSnapshotId: snapshotId, summary: 'This is long enough as a summary.' };
    const answers = await Promise.all([
      post(reviewer, `/reviews/${id}/approve`, words),
      post(reviewer, `/reviews/${id}/reject`, words),
    ]);
    expect(answers.map((answer) => answer.status).sort()).toEqual([200, 409]);
    const history = (await get(author, `/reviews/${id}/history`)).body.items;
    expect(history).toHaveLength(3);
    const won = answers.find((answer) => answer.status === 200);
    expect((await get(author, `/reviews/${id}`)).body.status).toBe(won?.body.status);
  });

  it('and an issue that race never both succeed', async () => {
    for (let round = 0; round < 6; round += 1) {
      session = await build.session(stage.api.database, { userId: author.id });
      await build.file(stage.api.database, { sessionId: session.id, name: 'main.py' });
      const { id, snapshotId } = await submitAndFreeze();
      await post(reviewer, `/reviews/${id}/claim`);
      const approving = post(reviewer, `/reviews/${id}/approve`, { expectedSnapshotId: snapshotId });
      // Later from round to round, so that the issue comes before, during and after the approval.
      await new Promise((resolve) => setTimeout(resolve, round * 12));
      const raising = post(reviewer, `/reviews/${id}/comments`, { text: 'stop', type: 'issue', publish: true });
      const [approved, raised] = await Promise.all([approving, raising]);
      const outcome = `${approved.status} ${approved.body.code ?? ''} / ${raised.status} ${raised.body.code ?? ''}`;
      expect(['200  / 409 REVIEW_ALREADY_DECIDED', '409 REVIEW_OPEN_ISSUES / 201 ']).toContain(outcome);
    }
  });

  it('by level 4 over open issues needs a reason and is a row of its own', async () => {
    const { id, snapshotId } = await submitAndFreeze();
    await post(reviewer, `/reviews/${id}/claim`);
    await post(reviewer, `/reviews/${id}/comments`, { text: 'no', type: 'issue', publish: true });
    const chief = await stage.api.person({ reviewerLevel: 4 });
    const reason = 'The release cannot wait; the issue is tracked.';
    const low = await post(reviewer, `/reviews/${id}/override`, { expectedSnapshotId: snapshotId, reason });
    expect(low).toMatchObject({ status: 403, body: { code: 'REVIEW_LEVEL_TOO_LOW' } });
    const done = await post(chief, `/reviews/${id}/override`, { expectedSnapshotId: snapshotId, reason });
    expect(done.body).toMatchObject({ status: 'approved', assignedTo: { id: chief.id } });
    const history = (await get(author, `/reviews/${id}/history`)).body.items;
    expect(history.slice(-2).map((row: { description: string }) => row.description)).toEqual([
      expect.stringContaining('took the review over'),
      expect.stringContaining(reason),
    ]);
    expect((await get(author, `/reviews/${id}/history/verify`)).body.valid).toBe(true);
  });
});

describe('what pages are told', () => {
  it('counts up without gaps, one event for a whole batch of comments', async () => {
    const { id } = await submitAndFreeze();
    await post(reviewer, `/reviews/${id}/claim`);
    for (const text of ['one', 'two', 'three']) await post(reviewer, `/reviews/${id}/comments`, { text });
    await post(reviewer, `/reviews/${id}/comments/publish`);
    const events = await stage.api.database.query<{ seq: number; kind: string }>(
      `SELECT change_seq::int AS seq, kind FROM events WHERE subject = 'review' AND subject_id = $1 ORDER BY change_seq`,
      [id],
    );
    expect(events.map((event) => event.seq)).toEqual(events.map((_, index) => index + 1));
    expect(events.map((event) => event.kind)).toEqual(['review', 'review', 'history', 'review', 'history', 'comments']);
    expect((await get(author, `/reviews/${id}`)).body.changeSeq).toBe(events.length);
  });
});

describe('withdrawing', () => {
  it('ends the review without a verdict, and the session can be submitted again', async () => {
    const { id } = await submitAndFreeze();
    expect((await post(reviewer, `/reviews/${id}/withdraw`)).status).toBe(403);
    const again = await post(author, `/sessions/${session.uuid}/reviews`, { title: 'Second' });
    expect(again).toMatchObject({ status: 409, body: { code: 'REVIEW_OPEN_EXISTS', data: { reviewId: id } } });
    const withdrawn = await post(author, `/reviews/${id}/withdraw`);
    expect(withdrawn.body).toMatchObject({ status: 'pending', actions: [] });
    expect(withdrawn.body.withdrawnAt).not.toBeNull();
    expect((await post(reviewer, `/reviews/${id}/claim`)).body.code).toBe('REVIEW_ALREADY_DECIDED');
    await stage.submit({ author, session, body: { title: 'Second' } });
  });
});

describe('comments', () => {
  it('cannot be changed or deleted once published, nor placed where the snapshot has nothing', async () => {
    const { id } = await submitAndFreeze();
    await post(reviewer, `/reviews/${id}/claim`);
    const item = (await get(reviewer, `/reviews/${id}/items`)).body.items[0].id;
    const draft = (await post(reviewer, `/reviews/${id}/comments`, { text: 'a', snapshotItemId: item, lineNumber: 1 }))
      .body;
    const path = `/api/v1/reviews/${id}/comments/${draft.id}`;
    expect(
      (await stage.api.send('PATCH', path, { as: reviewer, body: { text: 'b', type: 'question' } })).body,
    ).toMatchObject({
      text: 'b',
      type: 'question',
    });
    expect((await stage.api.send('PATCH', path, { as: author, body: { text: 'c' } })).status).toBe(404);
    await post(reviewer, `/reviews/${id}/comments/publish`);
    expect((await stage.api.send('PATCH', path, { as: reviewer, body: { text: 'c' } })).body.code).toBe(
      'COMMENT_PUBLISHED',
    );
    expect((await stage.api.send('DELETE', path, { as: reviewer })).body.code).toBe('COMMENT_PUBLISHED');
    for (const wrong of [
      { text: 'x', snapshotItemId: item, lineNumber: 99 },
      { text: 'x', snapshotItemId: 2_147_483_000 },
      { text: 'x', parentCommentId: 2_147_483_000 },
      { text: '' },
      { text: 'x', type: 'shout' },
      { text: 'x', lineNumber: 1 },
    ]) {
      expect(await post(reviewer, `/reviews/${id}/comments`, wrong)).toMatchObject({
        status: 422,
        body: { code: 'INVALID_INPUT' },
      });
    }
    const reply = await post(author, `/reviews/${id}/comments`, {
      text: 'done',
      parentCommentId: draft.id,
      publish: true,
    });
    const answer = await post(reviewer, `/reviews/${id}/comments`, {
      text: 'ok',
      parentCommentId: reply.body.id,
      publish: true,
    });
    expect([reply.body.parentCommentId, answer.body.parentCommentId]).toEqual([draft.id, draft.id]);
    expect((await post(author, `/reviews/${id}/comments`, { text: 'x', type: 'approval' })).status).toBe(403);
  });
});
