import { sha256 } from '#platform/db/content.ts';
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
const patch = (person: TestPerson, path: string, body: unknown): Promise<TestAnswer> =>
  stage.api.send('PATCH', `/api/v1${path}`, { as: person, body: body as object });
const submitAndFreeze = (body: Record<string, unknown> = {}) => stage.submitAndFreeze({ author, session, body });

interface Shown {
  id: number;
  text: string;
  round: number;
  place: Record<string, unknown>;
  applied: unknown;
  parentCommentId: number | null;
}

async function conversation(person: TestPerson, reviewId: number): Promise<Shown[]> {
  const answer = await get(person, `/reviews/${reviewId}/conversation`);
  expect(answer.status).toBe(200);
  return answer.body.items as Shown[];
}

async function frozenItem(reviewId: number, path: string): Promise<number> {
  const { items } = (await get(author, `/reviews/${reviewId}/items`)).body;
  return items.find((item: { path: string }) => item.path === path).id;
}

/** A published comment on lines of main.py. */
async function say(
  person: TestPerson,
  reviewId: number,
  comment: { text?: string; type?: string; line?: number; end?: number; path?: string; publish?: boolean } = {},
): Promise<number> {
  const { text = 'hm', type = 'general', line, end, path = 'main.py', publish = true } = comment;
  const place =
    line === undefined
      ? {}
      : { snapshotItemId: await frozenItem(reviewId, path), lineNumber: line, endLineNumber: end ?? line };
  const answer = await post(person, `/reviews/${reviewId}/comments`, { text, type, publish, ...place });
  expect(answer.status).toBe(201);
  return answer.body.id as number;
}

async function claimed(): Promise<{ id: number; snapshotId: number }> {
  const review = await submitAndFreeze();
  expect((await post(reviewer, `/reviews/${review.id}/claim`)).status).toBe(200);
  return review;
}

async function item(path: string): Promise<{ id: number; version: number; content: string }> {
  const [row] = await stage.api.database.query<{ id: number; version: number; content: string }>(
    'SELECT id, version, content FROM workspace_items WHERE session_id = $1 AND full_path = $2',
    [session.id, path],
  );
  return row!;
}

async function save(path: string, content: string): Promise<void> {
  const { id, version } = await item(path);
  const answer = await stage.api.send('PUT', `/api/v1/sessions/${session.uuid}/items/${id}/content`, {
    as: author,
    body: { content },
    headers: { 'if-match': `"${version}"` },
  });
  expect(answer.status).toBe(200);
}

async function rename(path: string, name: string): Promise<void> {
  const { id, version } = await item(path);
  const answer = await stage.api.send('PATCH', `/api/v1/sessions/${session.uuid}/items/${id}`, {
    as: author,
    body: { name },
    headers: { 'if-match': `"${version}"` },
  });
  expect(answer.status).toBe(200);
}

async function remove(path: string): Promise<void> {
  const { id, version } = await item(path);
  const headers = { 'if-match': `"${version}"` };
  const answer = await stage.api.send('DELETE', `/api/v1/sessions/${session.uuid}/items/${id}`, {
    as: author,
    headers,
  });
  expect(answer.status).toBe(204);
}

/** Rejects and submits the next round. */
async function nextRound(review: { id: number; snapshotId: number }): Promise<{ id: number; snapshotId: number }> {
  const verdict = { expectedSnapshotId: review.snapshotId, summary: 'Please mend what I said and come back.' };
  expect((await post(reviewer, `/reviews/${review.id}/reject`, verdict)).status).toBe(200);
  return submitAndFreeze({ previousReviewId: review.id });
}

const notices = (person: TestPerson) =>
  stage.api.database.query<{ kind: string; summary: string; their_turn: boolean }>(
    `SELECT kind, summary, their_turn FROM notifications WHERE user_id = $1 AND kind = 'comments' ORDER BY id`,
    [person.id],
  );

describe('a draft', () => {
  it('is saved again and again; a tab that has an older text is refused and told what is there', async () => {
    const { id } = await claimed();
    const draftId = await say(reviewer, id, { line: 2, text: 'w', publish: false });
    const address = `/reviews/${id}/comments/${draftId}`;
    expect((await patch(reviewer, address, { text: 'why', revision: 1 })).body).toMatchObject({ revision: 2 });
    expect((await patch(reviewer, address, { text: 'why?', revision: 2 })).body).toMatchObject({ revision: 3 });
    const late = await patch(reviewer, address, { text: 'what', revision: 2 });
    expect(late).toMatchObject({ status: 409, body: { code: 'DRAFT_CHANGED', data: { revision: 3, text: 'why?' } } });
    expect((await get(reviewer, `/reviews/${id}/comments`)).body.items).toMatchObject([{ text: 'why?', revision: 3 }]);
  });

  it.each([
    [
      'a verdict',
      (id: number, snapshotId: number, holder: TestPerson) =>
        post(holder, `/reviews/${id}/approve`, { expectedSnapshotId: snapshotId }),
    ],
    ['a withdrawal', (id: number) => post(author, `/reviews/${id}/withdraw`)],
    ['a lost claim', (id: number, _snapshotId: number, holder: TestPerson) => post(holder, `/reviews/${id}/release`)],
  ])('outlives %s: it can be read, changed and deleted, and not be published', async (_what, end) => {
    const { id, snapshotId } = await claimed();
    const draftId = await say(reviewer, id, { line: 1, text: 'not said yet', publish: false });
    expect((await end(id, snapshotId, reviewer)).status).toBe(200);
    const drafts = (await conversation(reviewer, id)).filter(({ text }) => text === 'not said yet');
    expect(drafts).toHaveLength(1);
    expect((await conversation(author, id)).some(({ text }) => text === 'not said yet')).toBe(false);
    const address = `/reviews/${id}/comments/${draftId}`;
    expect((await patch(reviewer, address, { text: 'kept' })).status).toBe(200);
    expect((await post(reviewer, `/reviews/${id}/comments/publish`)).status).toBe(409);
    expect((await stage.api.send('DELETE', `/api/v1${address}`, { as: reviewer })).status).toBe(204);
  });

  it('may be published alone, the others stay drafts; twice is refused', async () => {
    const { id } = await claimed();
    const first = await say(reviewer, id, { text: 'first', publish: false });
    await say(reviewer, id, { text: 'second', publish: false });
    const address = `/reviews/${id}/comments/${first}/publish`;
    expect((await post(reviewer, address)).body).toMatchObject({ id: first, text: 'first' });
    expect((await conversation(author, id)).map(({ text }) => text)).toEqual(['first']);
    expect(await post(reviewer, address)).toMatchObject({ status: 409, body: { code: 'COMMENT_PUBLISHED' } });
    expect((await post(author, `/reviews/${id}/comments/${first + 1}/publish`)).status).toBe(404);
  });
});

describe('a published batch', () => {
  it('is one notification for each person, whatever it holds; a reviewer passes the turn to the submitter', async () => {
    const { id } = await claimed();
    for (const text of ['one', 'two', 'three']) await say(reviewer, id, { text, publish: false });
    await post(reviewer, `/reviews/${id}/comments/publish`);
    await post(reviewer, `/reviews/${id}/comments/publish`);
    expect(await notices(author)).toEqual([
      { kind: 'comments', summary: expect.stringContaining('3 comments'), their_turn: true },
    ]);
    expect(await notices(reviewer)).toEqual([]);
  });

  it('of answers tells the holder, and who began the threads, once each', async () => {
    const { id } = await claimed();
    const other = await stage.api.person({ reviewerLevel: 3 });
    const theirs = await say(other, id, { text: 'and this?', type: 'question' });
    const own = await say(reviewer, id, { text: 'mend this', type: 'issue' });
    for (const parentCommentId of [theirs, own, own]) {
      await post(author, `/reviews/${id}/comments`, { text: 'Done.', parentCommentId });
    }
    await post(author, `/reviews/${id}/comments/publish`);
    expect((await notices(other)).filter(({ summary }) => summary.startsWith(author.username))).toHaveLength(1);
    const toHolder = (await notices(reviewer)).filter(({ summary }) => summary.startsWith(author.username));
    expect(toHolder).toMatchObject([{ their_turn: true }]);
    const issue = (await get(author, `/reviews/${id}/comments`)).body.items.find((one: Shown) => one.id === own);
    expect(issue.isResolved).toBe(false);
  });
});

describe('resolving', () => {
  it('is a row of the history each time, whatever the kind, and opens again', async () => {
    const { id } = await claimed();
    const question = await say(reviewer, id, { type: 'question', line: 1 });
    for (const verb of ['resolve', 'resolve', 'unresolve']) {
      expect((await post(author, `/reviews/${id}/comments/${question}/${verb}`)).status).toBe(200);
    }
    const history = (await get(author, `/reviews/${id}/history`)).body.items as Array<{ description: string }>;
    const rows = history.map(({ description }) => description).filter((text) => text.startsWith('resolve:'));
    expect(rows).toEqual([
      `resolve: ${author.username} resolved comment (question) ${question} in main.py.`,
      `resolve: ${author.username} opened again comment (question) ${question} in main.py.`,
    ]);
  });
});

describe('the next round', () => {
  it('shows what was left open where it is now, as one conversation, and nothing that was settled', async () => {
    const first = await claimed();
    const shifted = await say(reviewer, first.id, { line: 3, type: 'issue', text: 'three?' });
    const gone = await say(reviewer, first.id, { line: 2, text: 'two?' });
    const settled = await say(reviewer, first.id, { line: 1, text: 'one?' });
    const answer = await post(author, `/reviews/${first.id}/comments`, {
      text: 'I see.',
      parentCommentId: shifted,
      publish: true,
    });
    await post(reviewer, `/reviews/${first.id}/comments/${settled}/resolve`);
    await save('main.py', 'zero\none\nTWO\nthree\n');
    await rename('main.py', 'start.py');
    await build.file(stage.api.database, { sessionId: session.id, name: 'main.py', content: 'one\ntwo\nthree\n' });
    const second = await nextRound(first);
    const shown = await conversation(author, second.id);
    const snapshotItemId = await frozenItem(second.id, 'start.py');
    const placed = { snapshotItemId, path: 'start.py' };
    expect(shown.map(({ id }) => id)).toEqual([shifted, gone, answer.body.id, expect.any(Number)]);
    expect(shown[0]).toMatchObject({
      round: 1,
      reviewId: first.id,
      path: 'main.py',
      lineNumber: 3,
      quotedText: 'three',
      place: { state: 'shifted', ...placed, lineNumber: 4, endLineNumber: 4 },
    });
    expect(shown[1]).toMatchObject({
      quotedText: 'two',
      place: { state: 'outdated', ...placed, lineNumber: null, endLineNumber: null },
    });
    expect(shown[2]).toMatchObject({ parentCommentId: shifted, place: { path: null } });
  });

  it('is blocked by an issue of an earlier one until that is resolved there, and goes on with its thread', async () => {
    const first = await claimed();
    const issue = await say(reviewer, first.id, { line: 2, type: 'issue' });
    const second = await nextRound(first);
    expect((await get(author, `/reviews/${second.id}`)).body.openIssues).toBe(1);
    const verdict = { expectedSnapshotId: second.snapshotId };
    await post(reviewer, `/reviews/${second.id}/claim`);
    expect((await post(reviewer, `/reviews/${second.id}/approve`, verdict)).body.code).toBe('REVIEW_OPEN_ISSUES');
    const reply = { text: 'Done.', parentCommentId: issue, publish: true };
    expect((await post(author, `/reviews/${second.id}/comments`, reply)).status).toBe(201);
    const address = `/reviews/${second.id}/comments/${issue}/resolve`;
    expect((await post(author, address)).status).toBe(403);
    expect((await post(reviewer, `/reviews/${first.id}/comments/${issue}/resolve`)).body.code).toBe(
      'REVIEW_ALREADY_DECIDED',
    );
    expect((await post(reviewer, address)).body).toMatchObject({ id: issue, isResolved: true });
    // It was open when this round began, so it stays in sight.
    expect((await conversation(reviewer, second.id)).map(({ id }) => id)).toContain(issue);
    expect((await post(reviewer, `/reviews/${second.id}/approve`, verdict)).body.status).toBe('approved');
    const history = (await get(author, `/reviews/${second.id}/history`)).body.items as Array<{ description: string }>;
    expect(history.some(({ description }) => description.includes(`resolved issue ${issue}`))).toBe(true);
  });

  it('keeps every comment when its file was deleted or renamed in the live session, with the quoted text', async () => {
    const first = await claimed();
    const kept = await say(reviewer, first.id, { line: 2, end: 3, text: 'these two' });
    const onFile = await say(reviewer, first.id, { line: 1, text: 'this one' });
    await rename('main.py', 'other.py');
    await remove('other.py');
    const [before] = await conversation(author, first.id);
    expect(before).toMatchObject({ id: kept, quotedText: 'two\nthree', place: { state: 'exact', lineNumber: 2 } });
    await build.file(stage.api.database, { sessionId: session.id, name: 'new.py' });
    const second = await nextRound(first);
    const after = await conversation(reviewer, second.id);
    for (const id of [kept, onFile]) {
      expect(after.find((one) => one.id === id)).toMatchObject({
        path: 'main.py',
        place: { state: 'outdated', path: null, snapshotItemId: null, lineNumber: null },
      });
    }
    expect(after.find((one) => one.id === kept)).toMatchObject({ quotedText: 'two\nthree' });
  });

  it('moves comments within one review, too, when its files are frozen anew', async () => {
    const { id } = await claimed();
    const comment = await say(reviewer, id, { line: 1, text: 'one?' });
    await save('main.py', 'zero\none\ntwo\nthree\n');
    expect((await post(author, `/reviews/${id}/refresh-snapshot`)).status).toBe(200);
    const [shown] = await conversation(reviewer, id);
    expect(shown).toMatchObject({ id: comment, lineNumber: 1, place: { state: 'shifted', lineNumber: 2 } });
  });
});

describe('what changed between two rounds', () => {
  it('lists only what differs, with its lines, and knows a rename by its item', async () => {
    const { database } = stage.api;
    await build.file(database, { sessionId: session.id, name: 'same.txt' });
    await build.file(database, { sessionId: session.id, name: 'gone.txt', content: 'a\nb\n' });
    const first = await claimed();
    await save('main.py', 'one\n2\nthree\nfour\n');
    await rename('main.py', 'start.py');
    await remove('gone.txt');
    await build.file(database, { sessionId: session.id, name: 'new.txt', content: 'x\n' });
    const second = await nextRound(first);
    const snapshots = (await get(reviewer, `/reviews/${second.id}/snapshots`)).body.items;
    expect(snapshots.map((one: { id: number; round: number }) => [one.id, one.round])).toEqual([
      [first.snapshotId, 1],
      [second.snapshotId, 2],
    ]);
    const range = `from=${first.snapshotId}&to=${second.snapshotId}`;
    const { body } = await get(reviewer, `/reviews/${second.id}/changes?${range}`);
    const lines = body.items.map((one: Record<string, { path: string } | number>) => [
      (one.before as { path: string } | null)?.path ?? null,
      (one.after as { path: string } | null)?.path ?? null,
      one.addedLines,
      one.removedLines,
    ]);
    expect(lines).toEqual([
      ['gone.txt', null, 0, 2],
      [null, 'new.txt', 1, 0],
      ['main.py', 'start.py', 2, 1],
    ]);
    const { before, after } = body.items[2];
    const file = await get(
      reviewer,
      `/reviews/${second.id}/changes/file?${range}&fromItemId=${before.itemId}&toItemId=${after.itemId}`,
    );
    expect(file.body.before.content).toBe('one\ntwo\nthree\n');
    expect(file.body.after.content).toBe('one\n2\nthree\nfour\n');
  });

  it('shows the live session to its owner alone, and no snapshot of another session', async () => {
    const { id } = await claimed();
    await save('main.py', 'secret plans\n');
    const mine = await get(author, `/reviews/${id}/changes?to=live`);
    expect(mine.body.items).toMatchObject([{ addedLines: 1, removedLines: 3 }]);
    const { itemId } = mine.body.items[0].after;
    const file = await get(author, `/reviews/${id}/changes/file?to=live&fromItemId=${itemId}&toItemId=${itemId}`);
    expect(file.body.after.content).toBe('secret plans\n');
    const boss = await stage.api.person({ reviewerLevel: 4 });
    for (const person of [reviewer, boss]) {
      const list = await get(person, `/reviews/${id}/changes?to=live`);
      expect(list).toMatchObject({ status: 403, body: { code: 'FORBIDDEN' } });
      const asked = await get(person, `/reviews/${id}/changes/file?to=live&toItemId=${itemId}`);
      expect([asked.status, JSON.stringify(asked.body).includes('secret')]).toEqual([403, false]);
    }
    const other = await stage.newCast();
    const foreign = await stage.submitAndFreeze({ author: other.author, session: other.session });
    expect((await get(reviewer, `/reviews/${id}/changes?to=${foreign.snapshotId}`)).status).toBe(404);
  });
});

describe('a suggestion', () => {
  const block = (lines: string) => `Rather:\n\`\`\`suggestion\n${lines}\`\`\``;
  const apply = (
    reviewId: number,
    commentId: number,
    more: { body?: object; version?: number; as?: TestPerson } = {},
  ) =>
    stage.api.send('POST', `/api/v1/reviews/${reviewId}/comments/${commentId}/apply`, {
      as: more.as ?? author,
      body: more.body ?? {},
      headers: more.version === undefined ? {} : { 'if-match': `"${more.version}"` },
    });

  it('becomes a version of the file wherever its lines are now, says so, and is applied once', async () => {
    const { id } = await claimed();
    const comment = await say(reviewer, id, { line: 2, type: 'suggestion', text: block('2\n2.5\n') });
    await save('main.py', 'zero\none\ntwo\nthree\n');
    const answers = await Promise.all([apply(id, comment), apply(id, comment)]);
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 409]);
    expect((await item('main.py')).content).toBe('zero\none\n2\n2.5\nthree\n');
    expect(await apply(id, comment)).toMatchObject({ status: 409, body: { code: 'SUGGESTION_APPLIED' } });
    const { version, id: itemId } = await item('main.py');
    const [shown] = await conversation(reviewer, id);
    expect(shown).toMatchObject({ applied: { itemId, version, by: { id: author.id } } });
    const [stored] = await stage.api.database.query<{ source: string; by: number; sha256: string }>(
      'SELECT source, created_by AS by, sha256 FROM file_versions WHERE item_id = $1 AND version = $2',
      [itemId, version],
    );
    const digest = sha256(Buffer.from('zero\none\n2\n2.5\nthree\n'));
    expect(stored).toEqual({ source: 'editor', by: author.id, sha256: digest });
  });

  it('with an empty block deletes its lines', async () => {
    const { id } = await claimed();
    const comment = await say(reviewer, id, { line: 1, end: 2, type: 'suggestion', text: block('') });
    expect((await apply(id, comment)).status).toBe(200);
    expect((await item('main.py')).content).toBe('three\n');
  });

  it('is refused where the lines have changed; its author gets the three texts and saves what they make of them', async () => {
    const { id } = await claimed();
    const comment = await say(reviewer, id, { line: 2, type: 'suggestion', text: block('2\n') });
    await save('main.py', 'one\nTWO\nthree\nfour\n');
    expect(await apply(id, comment)).toMatchObject({ status: 409, body: { code: 'SUGGESTION_OUTDATED' } });
    const three = (await get(author, `/reviews/${id}/comments/${comment}/suggestion`)).body;
    expect(three).toMatchObject({
      fits: false,
      base: 'one\ntwo\nthree\n',
      suggested: 'one\n2\nthree\n',
      live: 'one\nTWO\nthree\nfour\n',
    });
    const body = { merged: 'one\n2\nthree\nfour\n' };
    expect((await apply(id, comment, { body })).body.code).toBe('VERSION_REQUIRED');
    expect((await apply(id, comment, { body, version: three.version - 1 })).body.code).toBe('VERSION_CONFLICT');
    expect((await conversation(author, id))[0]?.applied).toBeNull();
    expect((await apply(id, comment, { body, version: three.version })).status).toBe(200);
    expect((await item('main.py')).content).toBe(body.merged);
  });

  it('is its author’s to apply, also after the verdict, and nobody else’s', async () => {
    const { id, snapshotId } = await claimed();
    const comment = await say(reviewer, id, { line: 2, type: 'suggestion', text: block('2\n') });
    const plain = await say(reviewer, id, { line: 2, text: 'no block' });
    const summary = 'There is a better second line for it.';
    await post(reviewer, `/reviews/${id}/reject`, { expectedSnapshotId: snapshotId, summary });
    expect((await apply(id, comment, { as: reviewer })).body.code).toBe('FORBIDDEN');
    expect((await get(reviewer, `/reviews/${id}/comments/${comment}/suggestion`)).status).toBe(403);
    expect((await apply(id, plain)).body.code).toBe('SUGGESTION_MISSING');
    expect((await apply(id, comment)).status).toBe(200);
  });

  it('is outdated once its file is gone', async () => {
    const { id } = await claimed();
    const comment = await say(reviewer, id, { line: 2, type: 'suggestion', text: block('2\n') });
    await remove('main.py');
    expect((await apply(id, comment)).body.code).toBe('SUGGESTION_OUTDATED');
  });
});
