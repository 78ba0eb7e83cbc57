import type { Assignee } from '#shared/contracts/review.ts';
import { build, type BuiltSession } from '#tests/support/factories.ts';
import { startReviewApi, type ReviewApi } from '#tests/support/reviewApi.ts';
import type { TestAnswer, TestPerson } from '#tests/support/testApi.ts';
import { waitFor } from '#tests/support/waitFor.ts';

const REASON = 'The first reviewer has gone home.';

let stage: ReviewApi;
let author: TestPerson;
let reviewer: TestPerson;
let session: BuiltSession;

beforeAll(async () => {
  stage = await startReviewApi({ REVIEW_CLAIMS_LEVEL_1: '2', REVIEW_CLAIMS_LEVEL_2: '4', REVIEW_CLAIMS_LEVEL_3: '6' });
});
afterAll(() => stage.close());
beforeEach(async () => {
  ({ author, reviewer, session } = await stage.newCast());
});

const get = (person: TestPerson, path: string): Promise<TestAnswer> => stage.get(person, path);
const post = (person: TestPerson, path: string, body?: unknown): Promise<TestAnswer> => stage.post(person, path, body);
const person = (reviewerLevel: number): Promise<TestPerson> => stage.api.person({ reviewerLevel });
const query = <Row extends object>(sql: string, values: unknown[]): Promise<Row[]> =>
  stage.api.database.query<Row>(sql, values);

async function submitAndFreeze(body: Record<string, unknown> = {}): Promise<{ id: number; snapshotId: number }> {
  return stage.submitAndFreeze({ author, session, body });
}

/** Another review, by somebody else. */
async function anotherReview(): Promise<number> {
  const cast = await stage.newCast();
  return (await stage.submitAndFreeze({ author: cast.author, session: cast.session })).id;
}

async function verbsOf(id: number): Promise<string[]> {
  const { items } = (await get(author, `/reviews/${id}/history`)).body;
  return items.map((row: { description: string }) => row.description.split(':')[0]);
}

/** What the person was told about the review, oldest first. */
function noticesOf(who: TestPerson, id: number): Promise<Array<{ kind: string; theirTurn: boolean }>> {
  const sql = `SELECT kind, their_turn AS "theirTurn" FROM notifications WHERE user_id = $1 AND review_id = $2 ORDER BY id`;
  return query(sql, [who.id, id]);
}

describe('handing a review over', () => {
  it('is for its holder of level 2: the other gets a fresh lease, both are told, and the history says so', async () => {
    const { id, snapshotId } = await submitAndFreeze();
    const [holder, peer] = [await person(2), await person(1)];
    await post(holder, `/reviews/${id}/claim`);
    await query(`UPDATE review_requests SET claim_expires_at = now() + interval '1 minute' WHERE id = $1`, [id]);
    const given = await post(holder, `/reviews/${id}/reassign`, { userId: peer.id });
    expect(given).toMatchObject({ status: 200, body: { status: 'in_review', assignedTo: { id: peer.id } } });
    expect(Date.parse(given.body.claimExpiresAt) - Date.now()).toBeGreaterThan(23 * 3_600_000);
    expect(await noticesOf(peer, id)).toEqual([{ kind: 'assigned', theirTurn: true }]);
    expect(await noticesOf(holder, id)).toEqual([]);
    expect(await verbsOf(id)).toEqual(['submit', 'claim', 'assign']);
    expect(await post(holder, `/reviews/${id}/reassign`, { userId: holder.id })).toMatchObject({
      status: 403,
      body: { code: 'REVIEW_LEVEL_TOO_LOW', data: { needed: 3 } },
    });
    expect((await post(peer, `/reviews/${id}/approve`, { expectedSnapshotId: snapshotId })).status).toBe(200);
    expect((await get(author, `/reviews/${id}/history/verify`)).body.valid).toBe(true);
  });

  it('is refused to level 1, and to nobody’s choice but a fit one', async () => {
    const { id } = await submitAndFreeze({ priority: 'high' });
    const [holder, low, disabled] = [await person(2), await person(1), await person(2)];
    await query('UPDATE users SET disabled_at = now() WHERE id = $1', [disabled.id]);
    await post(holder, `/reviews/${id}/claim`);
    for (const [userId, reason] of [
      [author.id, 'own_work'],
      [low.id, 'level'],
      [disabled.id, 'account'],
      [2_147_483_647, 'account'],
    ]) {
      const refused = await post(holder, `/reviews/${id}/reassign`, { userId });
      expect(refused).toMatchObject({ status: 409, body: { code: 'REVIEW_ASSIGNEE_REFUSED', data: { reason } } });
    }
    const easy = await anotherReview();
    await post(reviewer, `/reviews/${easy}/claim`);
    const refused = await post(reviewer, `/reviews/${easy}/reassign`, { userId: low.id });
    expect(refused).toMatchObject({ status: 403, body: { code: 'REVIEW_LEVEL_TOO_LOW', data: { needed: 2 } } });
    expect((await get(author, `/reviews/${id}`)).body.assignedTo.id).toBe(holder.id);
  });

  it('takes it from its holder by level 3 with a reason, and the holder is told', async () => {
    const { id } = await submitAndFreeze();
    const leader = await person(3);
    await post(reviewer, `/reviews/${id}/claim`);
    const without = await post(leader, `/reviews/${id}/reassign`, { userId: leader.id });
    expect(without).toMatchObject({ status: 422, body: { code: 'REVIEW_REASON_REQUIRED' } });
    const taken = await post(leader, `/reviews/${id}/reassign`, { userId: leader.id, reason: REASON });
    expect(taken.body).toMatchObject({ status: 'in_review', assignedTo: { id: leader.id } });
    expect(await noticesOf(reviewer, id)).toEqual([{ kind: 'unassigned', theirTurn: false }]);
    const [row] = await query<{ description: string }>(
      `SELECT change_description AS description FROM review_history WHERE review_request_id = $1 ORDER BY seq DESC LIMIT 1`,
      [id],
    );
    expect(row?.description).toContain(`from ${reviewer.username} to ${leader.username}`);
    expect(row?.description).toContain(REASON);
  });

  it('reaches who is away only by level 4, by force and with a reason', async () => {
    const { id } = await submitAndFreeze();
    const [leader, chief, away] = [await person(3), await person(4), await person(1)];
    await query(`UPDATE users SET away_until = now() + interval '1 day' WHERE id = $1`, [away.id]);
    const body = { userId: away.id, reason: REASON, force: true };
    const refused = await post(leader, `/reviews/${id}/reassign`, body);
    expect(refused.body).toMatchObject({ code: 'REVIEW_ASSIGNEE_REFUSED', data: { reason: 'away' } });
    expect((await post(chief, `/reviews/${id}/reassign`, { ...body, reason: '' })).body.code).toBe(
      'REVIEW_REASON_REQUIRED',
    );
    expect((await post(chief, `/reviews/${id}/reassign`, body)).body.assignedTo.id).toBe(away.id);
  });
});

describe('a review that nobody has claimed', () => {
  it('stays pending when it is assigned, until its assignee claims it', async () => {
    const { id, snapshotId } = await submitAndFreeze();
    const [leader, peer] = [await person(3), await person(1)];
    const given = await post(leader, `/reviews/${id}/reassign`, { userId: peer.id });
    expect(given.body).toMatchObject({ status: 'pending', assignedTo: { id: peer.id } });
    const refused = await post(reviewer, `/reviews/${id}/claim`);
    expect(refused).toMatchObject({ status: 409, body: { code: 'REVIEW_ALREADY_CLAIMED' } });
    expect(refused.body.detail).toContain(peer.username);
    expect((await post(peer, `/reviews/${id}/claim`)).body).toMatchObject({ status: 'in_review' });
    expect((await post(peer, `/reviews/${id}/approve`, { expectedSnapshotId: snapshotId })).status).toBe(200);
    expect(await verbsOf(id)).toEqual(['submit', 'assign', 'claim', 'approve']);
  });

  it('can be decided by its assignee at once: the claim is a row of its own', async () => {
    const { id, snapshotId } = await submitAndFreeze();
    const [leader, peer] = [await person(3), await person(1)];
    await post(leader, `/reviews/${id}/reassign`, { userId: peer.id });
    const approved = await post(peer, `/reviews/${id}/approve`, { expectedSnapshotId: snapshotId });
    expect(approved.body.status).toBe('approved');
    const { items } = (await get(author, `/reviews/${id}/history`)).body;
    expect(items.map((row: { newStatus: string }) => row.newStatus)).toEqual([
      'pending',
      'pending',
      'in_review',
      'approved',
    ]);
    expect((await get(author, `/reviews/${id}/history/verify`)).body.valid).toBe(true);
  });

  it('goes back to the queue when its assignee declines it', async () => {
    const { id } = await submitAndFreeze();
    const [leader, peer] = [await person(3), await person(1)];
    await post(leader, `/reviews/${id}/reassign`, { userId: peer.id });
    expect((await post(peer, `/reviews/${id}/release`)).body).toMatchObject({ status: 'pending', assignedTo: null });
    expect((await post(reviewer, `/reviews/${id}/claim`)).status).toBe(200);
  });
});

describe('giving a review to whoever holds the fewest', () => {
  it('leaves out who gives it, who holds it and who is away; with nobody left it is a 409', async () => {
    const { id } = await submitAndFreeze({ priority: 'high' });
    await query('UPDATE users SET reviewer_level = 0, is_reviewer = false WHERE reviewer_level >= 2', []);
    const leader = await person(3);
    const nobody = await post(leader, `/reviews/${id}/reassign`, {});
    expect(nobody).toMatchObject({ status: 409, body: { code: 'REVIEW_NO_ASSIGNEE', data: { needed: 2 } } });
    const [busy, free] = [await person(2), await person(2)];
    await post(busy, `/reviews/${await anotherReview()}/claim`);
    const listed = (await get(leader, `/reviews/${id}/assignees`)).body.items;
    const found = listed.map((one: Assignee) => [one.person.id, one.openReviews, one.refusal]);
    expect(found).toHaveLength(3);
    expect(found).toEqual(
      expect.arrayContaining([
        [free.id, 0, null],
        [busy.id, 1, null],
        [leader.id, 0, 'Claim the review yourself instead.'],
      ]),
    );
    expect(found.at(-1)[0]).toBe(busy.id);
    expect((await post(leader, `/reviews/${id}/reassign`, {})).body.assignedTo.id).toBe(free.id);
    await query(`UPDATE users SET away_until = now() + interval '1 day' WHERE id = $1`, [busy.id]);
    const away = await post(leader, `/reviews/${id}/reassign`, { reason: REASON });
    expect(away.body.code).toBe('REVIEW_NO_ASSIGNEE');
    expect((await get(reviewer, `/reviews/${id}/assignees`)).status).toBe(403);
  });
});

describe('the limit of claims', () => {
  it('refuses the third of level 1 and names the two that are held; a release makes room', async () => {
    const held = [await anotherReview(), await anotherReview()];
    for (const id of held) expect((await post(reviewer, `/reviews/${id}/claim`)).status).toBe(200);
    const { id } = await submitAndFreeze();
    const refused = await post(reviewer, `/reviews/${id}/claim`);
    expect(refused).toMatchObject({ status: 409, body: { code: 'REVIEW_CLAIM_LIMIT', data: { limit: 2 } } });
    expect(refused.body.data.held.map((each: { id: number }) => each.id)).toEqual(held);
    await post(reviewer, `/reviews/${held[0]}/release`);
    expect((await post(reviewer, `/reviews/${id}/claim`)).status).toBe(200);
  });

  it('holds for claims of several reviews at one moment', async () => {
    const ids = await Promise.all(Array.from({ length: 5 }, () => anotherReview()));
    const answers = await Promise.all(ids.map((id) => post(reviewer, `/reviews/${id}/claim`)));
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 200, 409, 409, 409]);
    const refused = answers.filter(({ status }) => status === 409);
    expect(refused.map(({ body }) => body.code)).toEqual(refused.map(() => 'REVIEW_CLAIM_LIMIT'));
  });
});

describe('who holds as many as they may', () => {
  it('gets no review by anybody’s choice but level 4’s by force', async () => {
    await query('UPDATE users SET reviewer_level = 0, is_reviewer = false WHERE reviewer_level >= 1', []);
    const [full, chief] = [await person(1), await person(4)];
    const ids = [];
    for (let held = 0; held < 2; held += 1) {
      const cast = await stage.newCast();
      await query('UPDATE users SET reviewer_level = 0, is_reviewer = false WHERE id = $1', [cast.reviewer.id]);
      ids.push((await stage.submitAndFreeze({ author: cast.author, session: cast.session })).id);
    }
    for (const id of ids) expect((await post(full, `/reviews/${id}/claim`)).status).toBe(200);
    const { id } = await submitAndFreeze();
    expect((await post(chief, `/reviews/${id}/reassign`, {})).body.code).toBe('REVIEW_NO_ASSIGNEE');
    const chosen = await post(chief, `/reviews/${id}/reassign`, { userId: full.id });
    expect(chosen.body).toMatchObject({ code: 'REVIEW_CLAIM_LIMIT', data: { limit: 2 } });
    const body = { userId: full.id, force: true, reason: REASON };
    expect((await post(chief, `/reviews/${id}/reassign`, body)).body.assignedTo.id).toBe(full.id);
  });
});

describe('withdrawing by level 4', () => {
  it('needs a reason that the history keeps; holder and submitter are told; drafts stay with who wrote them', async () => {
    const { id } = await submitAndFreeze();
    const [chief, leader] = [await person(4), await person(3)];
    await post(reviewer, `/reviews/${id}/claim`);
    await post(reviewer, `/reviews/${id}/comments`, { text: 'a draft', type: 'issue' });
    expect((await post(leader, `/reviews/${id}/withdraw`, { reason: REASON })).status).toBe(403);
    expect((await post(chief, `/reviews/${id}/withdraw`)).body.code).toBe('REVIEW_REASON_REQUIRED');
    const withdrawn = await post(chief, `/reviews/${id}/withdraw`, { reason: REASON });
    expect(withdrawn.body).toMatchObject({ status: 'in_review', actions: [] });
    expect(withdrawn.body.withdrawnAt).not.toBeNull();
    const { items } = (await get(author, `/reviews/${id}/history`)).body;
    expect(items.at(-1).description).toContain(REASON);
    expect(items.at(-1).changedBy.id).toBe(chief.id);
    expect(await noticesOf(reviewer, id)).toEqual([{ kind: 'withdrawn', theirTurn: false }]);
    expect(await noticesOf(author, id)).toEqual([{ kind: 'withdrawn', theirTurn: false }]);
    const drafts = (await get(reviewer, `/reviews/${id}/comments`)).body.items;
    expect(drafts).toMatchObject([{ text: 'a draft', publishedAt: null }]);
    expect((await stage.submit({ author, session, body: { title: 'Again' } })) > id).toBe(true);
  });
});

describe('what people are told', () => {
  it('of a verdict: the submitter, whose turn it is after a rejection; of refreshed files: the holder', async () => {
    const { id } = await submitAndFreeze();
    await post(reviewer, `/reviews/${id}/claim`);
    const refreshed = await post(author, `/reviews/${id}/refresh-snapshot`);
    expect(await noticesOf(reviewer, id)).toEqual([{ kind: 'snapshot', theirTurn: true }]);
    const words = { expectedSnapshotId: refreshed.body.snapshotId, summary: 'The loop never ends; please bound it.' };
    await post(reviewer, `/reviews/${id}/reject`, words);
    expect(await noticesOf(author, id)).toEqual([{ kind: 'verdict', theirTurn: true }]);
    const next = await submitAndFreeze({ previousReviewId: id });
    await post(reviewer, `/reviews/${next.id}/claim`);
    const chief = await person(4);
    await post(chief, `/reviews/${next.id}/approve`, { expectedSnapshotId: next.snapshotId });
    expect(await noticesOf(author, next.id)).toEqual([{ kind: 'verdict', theirTurn: false }]);
    expect(await noticesOf(reviewer, next.id)).toEqual([{ kind: 'unassigned', theirTurn: false }]);
    expect(await noticesOf(chief, next.id)).toEqual([]);
  });
});

describe('a submission', () => {
  it('warns when nobody but level 4, or nobody at all, could decide it', async () => {
    await query('UPDATE users SET reviewer_level = 0, is_reviewer = false WHERE reviewer_level >= 1', []);
    const submit = async (priority: string): Promise<string> => {
      const cast = await stage.newCast();
      await query('UPDATE users SET reviewer_level = 0, is_reviewer = false WHERE id = $1', [cast.reviewer.id]);
      const answer = await post(cast.author, `/sessions/${cast.session.uuid}/reviews`, { title: 'Look', priority });
      return answer.body.deciders as string;
    };
    expect(await submit('low')).toBe('nobody');
    await person(4);
    expect(await submit('low')).toBe('level4');
    const fit = await person(2);
    expect([await submit('high'), await submit('urgent')]).toEqual(['reviewers', 'level4']);
    const mine = await build.session(stage.api.database, { userId: fit.id });
    await build.file(stage.api.database, { sessionId: mine.id, name: 'main.py' });
    expect((await post(fit, `/sessions/${mine.uuid}/reviews`, { title: 'Mine' })).body.deciders).toBe('level4');
    await waitFor(async () => (await query('SELECT 1 FROM intents', [])).length === 0, { what: 'an empty outbox' });
  });
});
