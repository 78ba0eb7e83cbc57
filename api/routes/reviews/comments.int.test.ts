import { build } from '#tests/support/factories.ts';
import { startReviewApi, type ReviewApi } from '#tests/support/reviewApi.ts';
import { newTalk, type ReviewTalk, type ShownComment } from '#tests/support/reviewTalk.ts';
import type { TestPerson } from '#tests/support/testApi.ts';

let stage: ReviewApi;
let talk: ReviewTalk;

beforeAll(async () => {
  stage = await startReviewApi();
});
afterAll(() => stage.close());
beforeEach(async () => {
  talk = await newTalk(stage);
});

const patch = (address: string, body: object) => talk.send('PATCH', address, { as: talk.reviewer, body });
const notices = (person: TestPerson) =>
  stage.api.database.query<{ kind: string; summary: string; their_turn: boolean }>(
    `SELECT kind, summary, their_turn FROM notifications WHERE user_id = $1 AND kind = 'comments' ORDER BY id`,
    [person.id],
  );

describe('a draft', () => {
  it('is saved again and again; a tab that has an older text is refused and told what is there', async () => {
    const { id } = await talk.claimed();
    const draftId = await talk.say(talk.reviewer, id, { line: 2, text: 'w', publish: false });
    const address = `/reviews/${id}/comments/${draftId}`;
    expect((await patch(address, { text: 'why', revision: 1 })).body).toMatchObject({ revision: 2 });
    expect((await patch(address, { text: 'why?', revision: 2 })).body).toMatchObject({ revision: 3 });
    const late = await patch(address, { text: 'what', revision: 2 });
    expect(late).toMatchObject({ status: 409, body: { code: 'DRAFT_CHANGED', data: { revision: 3, text: 'why?' } } });
    expect((await talk.get(talk.reviewer, `/reviews/${id}/comments`)).body.items).toMatchObject([
      { text: 'why?', revision: 3 },
    ]);
  });

  it.each([
    [
      'a verdict',
      (id: number, snapshotId: number, holder: TestPerson) =>
        talk.post(holder, `/reviews/${id}/approve`, { expectedSnapshotId: snapshotId }),
    ],
    ['a withdrawal', (id: number) => talk.post(talk.author, `/reviews/${id}/withdraw`)],
    [
      'a lost claim',
      (id: number, _snapshotId: number, holder: TestPerson) => talk.post(holder, `/reviews/${id}/release`),
    ],
  ])('outlives %s: it can be read, changed and deleted, and not be published', async (_what, end) => {
    const { id, snapshotId } = await talk.claimed();
    const draftId = await talk.say(talk.reviewer, id, { line: 1, text: 'not said yet', publish: false });
    expect((await end(id, snapshotId, talk.reviewer)).status).toBe(200);
    const drafts = (await talk.conversation(talk.reviewer, id)).filter(({ text }) => text === 'not said yet');
    expect(drafts).toHaveLength(1);
    expect((await talk.conversation(talk.author, id)).some(({ text }) => text === 'not said yet')).toBe(false);
    const address = `/reviews/${id}/comments/${draftId}`;
    expect((await patch(address, { text: 'kept' })).status).toBe(200);
    expect((await talk.post(talk.reviewer, `/reviews/${id}/comments/publish`)).status).toBe(409);
    expect((await stage.api.send('DELETE', `/api/v1${address}`, { as: talk.reviewer })).status).toBe(204);
  });

  it('may be published alone, the others stay drafts; twice is refused', async () => {
    const { id } = await talk.claimed();
    const first = await talk.say(talk.reviewer, id, { text: 'first', publish: false });
    await talk.say(talk.reviewer, id, { text: 'second', publish: false });
    const address = `/reviews/${id}/comments/${first}/publish`;
    expect((await talk.post(talk.reviewer, address)).body).toMatchObject({ id: first, text: 'first' });
    expect((await talk.conversation(talk.author, id)).map(({ text }) => text)).toEqual(['first']);
    expect(await talk.post(talk.reviewer, address)).toMatchObject({ status: 409, body: { code: 'COMMENT_PUBLISHED' } });
    expect((await talk.post(talk.author, `/reviews/${id}/comments/${first + 1}/publish`)).status).toBe(404);
  });
});

describe('a published batch', () => {
  it('is one notification for each person, whatever it holds; a reviewer passes the turn to the submitter', async () => {
    const { id } = await talk.claimed();
    for (const text of ['one', 'two', 'three']) await talk.say(talk.reviewer, id, { text, publish: false });
    await talk.post(talk.reviewer, `/reviews/${id}/comments/publish`);
    await talk.post(talk.reviewer, `/reviews/${id}/comments/publish`);
    expect(await notices(talk.author)).toEqual([
      { kind: 'comments', summary: expect.stringContaining('3 comments'), their_turn: true },
    ]);
    expect(await notices(talk.reviewer)).toEqual([]);
  });

  it('of answers tells the holder, and who began the threads, once each', async () => {
    const { id } = await talk.claimed();
    const other = await stage.api.person({ reviewerLevel: 3 });
    const theirs = await talk.say(other, id, { text: 'and this?', type: 'question' });
    const own = await talk.say(talk.reviewer, id, { text: 'mend this', type: 'issue' });
    for (const parentCommentId of [theirs, own, own]) {
      await talk.post(talk.author, `/reviews/${id}/comments`, { text: 'Done.', parentCommentId });
    }
    await talk.post(talk.author, `/reviews/${id}/comments/publish`);
    expect((await notices(other)).filter(({ summary }) => summary.startsWith(talk.author.username))).toHaveLength(1);
    const toHolder = (await notices(talk.reviewer)).filter(({ summary }) => summary.startsWith(talk.author.username));
    expect(toHolder).toMatchObject([{ their_turn: true }]);
    const issue = (await talk.get(talk.author, `/reviews/${id}/comments`)).body.items.find(
      (one: ShownComment) => one.id === own,
    );
    expect(issue.isResolved).toBe(false);
  });
});

describe('resolving', () => {
  it('is a row of the history each time, whatever the kind, and opens again', async () => {
    const { id } = await talk.claimed();
    const question = await talk.say(talk.reviewer, id, { type: 'question', line: 1 });
    for (const verb of ['resolve', 'resolve', 'unresolve']) {
      expect((await talk.post(talk.author, `/reviews/${id}/comments/${question}/${verb}`)).status).toBe(200);
    }
    const history = (await talk.get(talk.author, `/reviews/${id}/history`)).body.items as Array<{
      description: string;
    }>;
    const rows = history.map(({ description }) => description).filter((text) => text.startsWith('resolve:'));
    expect(rows).toEqual([
      `resolve: ${talk.author.username} resolved comment (question) ${question} in main.py.`,
      `resolve: ${talk.author.username} opened again comment (question) ${question} in main.py.`,
    ]);
  });
});

describe('the next round', () => {
  it('shows what was left open where it is now, as one conversation, and nothing that was settled', async () => {
    const first = await talk.claimed();
    const shifted = await talk.say(talk.reviewer, first.id, { line: 3, type: 'issue', text: 'three?' });
    const gone = await talk.say(talk.reviewer, first.id, { line: 2, text: 'two?' });
    const settled = await talk.say(talk.reviewer, first.id, { line: 1, text: 'one?' });
    const answer = await talk.post(talk.author, `/reviews/${first.id}/comments`, {
      text: 'I see.',
      parentCommentId: shifted,
      publish: true,
    });
    await talk.post(talk.reviewer, `/reviews/${first.id}/comments/${settled}/resolve`);
    await talk.save('main.py', 'zero\none\nTWO\nthree\n');
    await talk.rename('main.py', 'start.py');
    await build.file(stage.api.database, { sessionId: talk.session.id, name: 'main.py', content: 'one\ntwo\nthree\n' });
    const second = await talk.nextRound(first);
    const shown = await talk.conversation(talk.author, second.id);
    const snapshotItemId = await talk.frozenItem(second.id, 'start.py');
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
    const first = await talk.claimed();
    const issue = await talk.say(talk.reviewer, first.id, { line: 2, type: 'issue' });
    const second = await talk.nextRound(first);
    expect((await talk.get(talk.author, `/reviews/${second.id}`)).body.openIssues).toBe(1);
    const verdict = { expectedSnapshotId: second.snapshotId };
    await talk.post(talk.reviewer, `/reviews/${second.id}/claim`);
    expect((await talk.post(talk.reviewer, `/reviews/${second.id}/approve`, verdict)).body.code).toBe(
      'REVIEW_OPEN_ISSUES',
    );
    const reply = { text: 'Done.', parentCommentId: issue, publish: true };
    expect((await talk.post(talk.author, `/reviews/${second.id}/comments`, reply)).status).toBe(201);
    const address = `/reviews/${second.id}/comments/${issue}/resolve`;
    expect((await talk.post(talk.author, address)).status).toBe(403);
    expect((await talk.post(talk.reviewer, `/reviews/${first.id}/comments/${issue}/resolve`)).body.code).toBe(
      'REVIEW_ALREADY_DECIDED',
    );
    expect((await talk.post(talk.reviewer, address)).body).toMatchObject({ id: issue, isResolved: true });
    // It was open when this round began, so it stays in sight.
    expect((await talk.conversation(talk.reviewer, second.id)).map(({ id }) => id)).toContain(issue);
    expect((await talk.post(talk.reviewer, `/reviews/${second.id}/approve`, verdict)).body.status).toBe('approved');
    const history = (await talk.get(talk.author, `/reviews/${second.id}/history`)).body.items as Array<{
      description: string;
    }>;
    expect(history.some(({ description }) => description.includes(`resolved issue ${issue}`))).toBe(true);
  });

  it('keeps every comment when its file was deleted or renamed in the live session, with the quoted text', async () => {
    const first = await talk.claimed();
    const kept = await talk.say(talk.reviewer, first.id, { line: 2, end: 3, text: 'these two' });
    const onFile = await talk.say(talk.reviewer, first.id, { line: 1, text: 'this one' });
    await talk.rename('main.py', 'other.py');
    await talk.remove('other.py');
    const [before] = await talk.conversation(talk.author, first.id);
    expect(before).toMatchObject({ id: kept, quotedText: 'two\nthree', place: { state: 'exact', lineNumber: 2 } });
    await build.file(stage.api.database, { sessionId: talk.session.id, name: 'new.py' });
    const second = await talk.nextRound(first);
    const after = await talk.conversation(talk.reviewer, second.id);
    for (const id of [kept, onFile]) {
      expect(after.find((one) => one.id === id)).toMatchObject({
        path: 'main.py',
        place: { state: 'outdated', path: null, snapshotItemId: null, lineNumber: null },
      });
    }
    expect(after.find((one) => one.id === kept)).toMatchObject({ quotedText: 'two\nthree' });
  });

  it('moves comments within one review, too, when its files are frozen anew', async () => {
    const { id } = await talk.claimed();
    const comment = await talk.say(talk.reviewer, id, { line: 1, text: 'one?' });
    await talk.save('main.py', 'zero\none\ntwo\nthree\n');
    expect((await talk.post(talk.author, `/reviews/${id}/refresh-snapshot`)).status).toBe(200);
    const [shown] = await talk.conversation(talk.reviewer, id);
    expect(shown).toMatchObject({ id: comment, lineNumber: 1, place: { state: 'shifted', lineNumber: 2 } });
  });
});
