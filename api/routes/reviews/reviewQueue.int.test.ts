import { startReviewApi, type ReviewApi, type ReviewCast } from '#tests/support/reviewApi.ts';
import type { TestPerson } from '#tests/support/testApi.ts';

let stage: ReviewApi;
let cast: ReviewCast;

beforeAll(async () => {
  stage = await startReviewApi();
});
afterAll(() => stage.close());
beforeEach(async () => {
  cast = await stage.newCast();
});

const get = (person: TestPerson, path: string) => stage.get(person, path);
const post = (person: TestPerson, path: string, body?: unknown) => stage.post(person, path, body);
const send = (method: string, path: string, as: TestPerson, body?: unknown) =>
  stage.api.send(method, `/api/v1${path}`, { as, ...(body === undefined ? {} : { body }) });
const submitAndFreeze = (body: Record<string, unknown> = {}) => stage.submitAndFreeze({ ...cast, body });

describe('whose turn it is', () => {
  it('follows what people really do, and is the same in the list', async () => {
    const { author, reviewer } = cast;
    const { id } = await submitAndFreeze();
    const turns: string[] = [];
    const look = async (): Promise<void> => {
      const { turn } = (await get(author, `/reviews/${id}`)).body;
      const listed = (await get(author, '/reviews?view=submitted')).body.items;
      expect(listed.find((review: { id: number }) => review.id === id).turn).toEqual(turn);
      turns.push(`${turn.turn}: ${turn.why.replaceAll(author.username, 'A').replaceAll(reviewer.username, 'R')}`);
      expect(turn.person?.id).toBe({ submitter: author.id, assignee: reviewer.id }[turn.turn as string]);
    };
    const comment = (person: TestPerson, text: string, more = {}) =>
      post(person, `/reviews/${id}/comments`, { text, publish: true, ...more });

    await look();
    await post(reviewer, `/reviews/${id}/claim`);
    await look();
    await post(reviewer, `/reviews/${id}/comments`, { text: 'a draft moves nothing' });
    await comment(reviewer, 'Looks right.', { type: 'approval' });
    await look();
    const question = await comment(reviewer, 'Why two?', { type: 'question' });
    await look();
    await comment(author, 'Because.', { parentCommentId: question.body.id });
    await look();
    const other = await comment(reviewer, 'And three?');
    await look();
    for (const one of [other, question]) await post(author, `/reviews/${id}/comments/${one.body.id}/resolve`);
    await look();
    await comment(reviewer, 'The name is wrong.', { type: 'issue' });
    await post(author, `/reviews/${id}/refresh-snapshot`);
    await look();
    await post(reviewer, `/reviews/${id}/release`);
    await look();
    await post(reviewer, `/reviews/${id}/claim`);
    const { snapshotId } = (await get(author, `/reviews/${id}`)).body;
    const verdict = { expectedSnapshotId: snapshotId, summary: 'The name is still wrong, I am afraid.' };
    await post(reviewer, `/reviews/${id}/reject`, verdict);
    await look();
    const next = await stage.submit({ ...cast, body: { previousReviewId: id } });
    await look();
    expect(turns).toEqual([
      'pool: It waits for a reviewer of level 1 or above to claim it.',
      'assignee: R holds it, and reads.',
      'assignee: R holds it, and reads.',
      'submitter: R left a comment for A to answer or resolve.',
      'assignee: A has answered, and R looks again.',
      'submitter: R left a comment for A to answer or resolve.',
      'assignee: A has answered, and R looks again.',
      'assignee: A has answered, and R looks again.',
      'pool: It was given back, and waits for a reviewer of level 1 or above to claim it.',
      'submitter: It was rejected: A changes it and submits again.',
      `nobody: It was rejected, and goes on as review ${next}.`,
    ]);
  });
});

describe('the queue', () => {
  it('narrows, counts, and refuses what it does not know', async () => {
    const { author, reviewer } = cast;
    const { id } = await submitAndFreeze({ title: 'Fractals, slowly', priority: 'low' });
    const mine = `author=${author.username}`;
    const ids = async (query: string): Promise<number[]> =>
      (await get(reviewer, `/reviews?view=all&${mine}&${query}`)).body.items.map((one: { id: number }) => one.id);
    expect(await ids('text=fractals&priority=low&status=pending')).toEqual([id]);
    expect(await ids('overdue=true')).toEqual([]);
    expect(await ids('mine=true')).toEqual([]);
    await post(reviewer, `/reviews/${id}/claim`);
    expect(await ids('mine=true')).toEqual([id]);
    expect((await get(reviewer, `/reviews/counts?${mine}`)).body).toEqual({ queue: 1, submitted: 0, all: 1, mine: 1 });
    for (const query of [
      'mine=yes',
      'status=lost',
      'author=',
      'cursor=bm9uc2Vuc2U',
      `cursor=${Buffer.from('0:1:2:3;').toString('base64url')}`,
      'unknown=1',
    ]) {
      expect([query, (await get(reviewer, `/reviews?${query}`)).body.code]).toEqual([query, 'INVALID_INPUT']);
    }
    expect(
      (await get(reviewer, `/reviews?view=all&cursor=${Buffer.from('0:0:0:-99').toString('base64url')}`)).status,
    ).toBe(200);
  });

  it('offers the next best review after one is done, and nothing that waits for others', async () => {
    const expert = await stage.api.person({ reviewerLevel: 3 });
    const done = await submitAndFreeze({ priority: 'urgent' });
    cast = await stage.newCast();
    const waiting = await submitAndFreeze({ priority: 'urgent' });
    const next = async (after = ''): Promise<number | undefined> =>
      (await get(expert, `/reviews/next${after}`)).body.review?.id;
    await post(expert, `/reviews/${done.id}/claim`);
    expect(await next()).toBe(done.id);
    expect(await next(`?after=${done.id}`)).toBe(waiting.id);
    await post(expert, `/reviews/${waiting.id}/claim`);
    await post(expert, `/reviews/${waiting.id}/comments`, { text: 'Why?', publish: true });
    expect(await next(`?after=${done.id}`)).not.toBe(waiting.id);
    expect((await get(cast.author, '/reviews/next')).body).toEqual({ review: null });
  });
});

describe('a viewed file', () => {
  it('stays viewed by that person until that file changes, in this round and the next', async () => {
    const { author, reviewer } = cast;
    const { id } = await submitAndFreeze();
    const other = await stage.api.person({ reviewerLevel: 1 });
    const files = async (
      person: TestPerson,
      review: number,
    ): Promise<Array<{ id: number; viewed: boolean; itemId: number }>> =>
      (await get(person, `/reviews/${review}/items`)).body.items;
    const [file] = (await files(reviewer, id)) as [{ id: number; itemId: number; viewed: boolean }];
    expect(file.viewed).toBe(false);
    const path = `/reviews/${id}/items/${file.id}/viewed`;
    for (let time = 0; time < 2; time += 1) {
      expect((await send('PUT', path, reviewer)).body).toMatchObject({ id: file.id, viewed: true });
    }
    expect((await get(reviewer, `/reviews/${id}/items/${file.id}`)).body.viewed).toBe(true);
    expect((await files(other, id))[0]?.viewed).toBe(false);
    await post(author, `/reviews/${id}/refresh-snapshot`);
    expect((await files(reviewer, id)).map(({ viewed }) => viewed)).toEqual([true]);
    await post(author, `/reviews/${id}/withdraw`);
    const second = await stage.submitAndFreeze({ ...cast, body: { previousReviewId: id } });
    expect((await files(reviewer, second.id)).map(({ viewed }) => viewed)).toEqual([true]);
    const saving = await stage.api.send('PUT', `/api/v1/sessions/${cast.session.uuid}/items/${file.itemId}/content`, {
      as: author,
      body: { content: 'changed\n' },
      headers: { 'if-match': '"1"' },
    });
    expect(saving.status).toBe(200);
    await post(author, `/reviews/${second.id}/refresh-snapshot`);
    const [changed] = await files(reviewer, second.id);
    expect(changed?.viewed).toBe(false);
    await send('PUT', `/reviews/${second.id}/items/${changed?.id}/viewed`, reviewer);
    expect((await send('DELETE', `/reviews/${second.id}/items/${changed?.id}/viewed`, reviewer)).body.viewed).toBe(
      false,
    );
    expect((await send('PUT', path.replace(`/${id}/`, `/${second.id}/`), reviewer)).status).toBe(404);
  });

  it('that a reviewer opens is written down, whoever asks; the submitter is not watched', async () => {
    const { author, reviewer } = cast;
    const { id } = await submitAndFreeze();
    const [file] = (await get(reviewer, `/reviews/${id}/items`)).body.items;
    for (const person of [reviewer, author, reviewer]) await get(person, `/reviews/${id}/items/${file.id}`);
    expect((await get(author, `/reviews/${id}/openings`)).body.items).toMatchObject([
      { user: { id: reviewer.id }, path: 'main.py', times: 2 },
    ]);
  });
});

describe('settings of a person', () => {
  it('say until when they are away, to themselves and to others, and go back', async () => {
    const { author, reviewer } = cast;
    const { id } = await submitAndFreeze();
    await post(reviewer, `/reviews/${id}/claim`);
    const awayUntil = new Date(Date.now() + 3_600_000).toISOString();
    const change = (body: unknown) => send('PATCH', '/users/me', reviewer, body);
    expect((await change({ awayUntil })).body).toMatchObject({ awayUntil, notifyOnlyMyTurn: false });
    expect((await change({ notifyOnlyMyTurn: true })).body).toMatchObject({ awayUntil, notifyOnlyMyTurn: true });
    const { assignedTo } = (await get(author, `/reviews/${id}`)).body;
    expect(Date.parse(assignedTo.awayUntil)).toBe(Date.parse(awayUntil));
    expect((await change({ awayUntil: null })).body).toMatchObject({ awayUntil: null, notifyOnlyMyTurn: true });
    expect((await get(author, `/reviews/${id}`)).body.assignedTo.awayUntil).toBeNull();
    for (const body of [{}, { awayUntil: '2001-01-01T00:00:00Z' }, { awayUntil: 'tomorrow' }, { reviewerLevel: 4 }]) {
      expect((await change(body)).body.code).toBe('INVALID_INPUT');
    }
  });
});

describe('the figures', () => {
  it('are for experienced reviewers and operators', async () => {
    await submitAndFreeze();
    const expert = await stage.api.person({ reviewerLevel: 3 });
    const operator = await stage.api.person({ isOperator: true });
    for (const person of [expert, operator]) {
      const figures = await get(person, '/reviews/metrics');
      expect(figures.body.rows[0]).toMatchObject({ priority: null, over3Days: 0 });
      expect(figures.body.rows[0].reviews).toBeGreaterThan(0);
    }
    expect((await get(cast.reviewer, '/reviews/metrics')).body.code).toBe('FORBIDDEN');
    for (const query of ['from=2026-02-01T00:00:00Z&to=2026-01-01T00:00:00Z', 'from=1999-01-01T00:00:00Z']) {
      expect((await get(expert, `/reviews/metrics?${query}`)).body.code).toBe('INVALID_INPUT');
    }
  });
});
