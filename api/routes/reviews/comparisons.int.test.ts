import { sha256 } from '#platform/db/content.ts';
import { build } from '#tests/support/factories.ts';
import { startReviewApi, type ReviewApi } from '#tests/support/reviewApi.ts';
import { newTalk, type ReviewTalk } from '#tests/support/reviewTalk.ts';
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

describe('what changed between two rounds', () => {
  it('lists only what differs, with its lines, and knows a rename by its item', async () => {
    const { database } = stage.api;
    await build.file(database, { sessionId: talk.session.id, name: 'same.txt' });
    await build.file(database, { sessionId: talk.session.id, name: 'gone.txt', content: 'a\nb\n' });
    const first = await talk.claimed();
    await talk.save('main.py', 'one\n2\nthree\nfour\n');
    await talk.rename('main.py', 'start.py');
    await talk.remove('gone.txt');
    await build.file(database, { sessionId: talk.session.id, name: 'new.txt', content: 'x\n' });
    const second = await talk.nextRound(first);
    const snapshots = (await talk.get(talk.reviewer, `/reviews/${second.id}/snapshots`)).body.items;
    expect(snapshots.map((one: { id: number; round: number }) => [one.id, one.round])).toEqual([
      [first.snapshotId, 1],
      [second.snapshotId, 2],
    ]);
    const range = `from=${first.snapshotId}&to=${second.snapshotId}`;
    const { body } = await talk.get(talk.reviewer, `/reviews/${second.id}/changes?${range}`);
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
    const file = await talk.get(
      talk.reviewer,
      `/reviews/${second.id}/changes/file?${range}&fromItemId=${before.itemId}&toItemId=${after.itemId}`,
    );
    expect(file.body.before.content).toBe('one\ntwo\nthree\n');
    expect(file.body.after.content).toBe('one\n2\nthree\nfour\n');
    const { body: opened } = await talk.get(talk.author, `/reviews/${second.id}/openings`);
    expect(opened.items.map((one: { path: string }) => one.path).sort()).toEqual(['main.py', 'start.py']);
  });

  it('shows the live session to its owner alone, and no snapshot of another session', async () => {
    const { id } = await talk.claimed();
    await talk.save('main.py', 'secret plans\n');
    const mine = await talk.get(talk.author, `/reviews/${id}/changes?to=live`);
    expect(mine.body.items).toMatchObject([{ addedLines: 1, removedLines: 3 }]);
    const { itemId } = mine.body.items[0].after;
    const file = await talk.get(
      talk.author,
      `/reviews/${id}/changes/file?to=live&fromItemId=${itemId}&toItemId=${itemId}`,
    );
    expect(file.body.after.content).toBe('secret plans\n');
    const boss = await stage.api.person({ reviewerLevel: 4 });
    for (const person of [talk.reviewer, boss]) {
      const list = await talk.get(person, `/reviews/${id}/changes?to=live`);
      expect(list).toMatchObject({ status: 403, body: { code: 'FORBIDDEN' } });
      const asked = await talk.get(person, `/reviews/${id}/changes/file?to=live&toItemId=${itemId}`);
      expect([asked.status, JSON.stringify(asked.body).includes('secret')]).toEqual([403, false]);
    }
    const other = await stage.newCast();
    const foreign = await stage.submitAndFreeze({ author: other.author, session: other.session });
    expect((await talk.get(talk.reviewer, `/reviews/${id}/changes?to=${foreign.snapshotId}`)).status).toBe(404);
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
      as: more.as ?? talk.author,
      body: more.body ?? {},
      headers: more.version === undefined ? {} : { 'if-match': `"${more.version}"` },
    });

  it('becomes a version of the file wherever its lines are now, says so, and is applied once', async () => {
    const { id } = await talk.claimed();
    const comment = await talk.say(talk.reviewer, id, { line: 2, type: 'suggestion', text: block('2\n2.5\n') });
    await talk.save('main.py', 'zero\none\ntwo\nthree\n');
    const answers = await Promise.all([apply(id, comment), apply(id, comment)]);
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 409]);
    expect((await talk.item('main.py')).content).toBe('zero\none\n2\n2.5\nthree\n');
    expect(await apply(id, comment)).toMatchObject({ status: 409, body: { code: 'SUGGESTION_APPLIED' } });
    const { version, id: itemId } = await talk.item('main.py');
    const [shown] = await talk.conversation(talk.reviewer, id);
    expect(shown).toMatchObject({ applied: { itemId, version, by: { id: talk.author.id } } });
    const [stored] = await stage.api.database.query<{ source: string; by: number; sha256: string }>(
      'SELECT source, created_by AS by, sha256 FROM file_versions WHERE item_id = $1 AND version = $2',
      [itemId, version],
    );
    const digest = sha256(Buffer.from('zero\none\n2\n2.5\nthree\n'));
    expect(stored).toEqual({ source: 'editor', by: talk.author.id, sha256: digest });
  });

  it('with an empty block deletes its lines', async () => {
    const { id } = await talk.claimed();
    const comment = await talk.say(talk.reviewer, id, { line: 1, end: 2, type: 'suggestion', text: block('') });
    expect((await apply(id, comment)).status).toBe(200);
    expect((await talk.item('main.py')).content).toBe('three\n');
  });

  it('is refused where the lines have changed; its author gets the three texts and saves what they make of them', async () => {
    const { id } = await talk.claimed();
    const comment = await talk.say(talk.reviewer, id, { line: 2, type: 'suggestion', text: block('2\n') });
    await talk.save('main.py', 'one\nTWO\nthree\nfour\n');
    expect(await apply(id, comment)).toMatchObject({ status: 409, body: { code: 'SUGGESTION_OUTDATED' } });
    const three = (await talk.get(talk.author, `/reviews/${id}/comments/${comment}/suggestion`)).body;
    expect(three).toMatchObject({
      fits: false,
      base: 'one\ntwo\nthree\n',
      suggested: 'one\n2\nthree\n',
      live: 'one\nTWO\nthree\nfour\n',
    });
    const body = { merged: 'one\n2\nthree\nfour\n' };
    expect((await apply(id, comment, { body })).body.code).toBe('VERSION_REQUIRED');
    expect((await apply(id, comment, { body, version: three.version - 1 })).body.code).toBe('VERSION_CONFLICT');
    expect((await talk.conversation(talk.author, id))[0]?.applied).toBeNull();
    expect((await apply(id, comment, { body, version: three.version })).status).toBe(200);
    expect((await talk.item('main.py')).content).toBe(body.merged);
  });

  it('is its author’s to apply, also after the verdict, and nobody else’s', async () => {
    const { id, snapshotId } = await talk.claimed();
    const comment = await talk.say(talk.reviewer, id, { line: 2, type: 'suggestion', text: block('2\n') });
    const plain = await talk.say(talk.reviewer, id, { line: 2, text: 'no block' });
    const summary = 'There is a better second line for it.';
    await talk.post(talk.reviewer, `/reviews/${id}/reject`, { expectedSnapshotId: snapshotId, summary });
    expect((await apply(id, comment, { as: talk.reviewer })).body.code).toBe('FORBIDDEN');
    expect((await talk.get(talk.reviewer, `/reviews/${id}/comments/${comment}/suggestion`)).status).toBe(403);
    expect((await apply(id, plain)).body.code).toBe('SUGGESTION_MISSING');
    expect((await apply(id, comment)).status).toBe(200);
  });

  it('is outdated once its file is gone', async () => {
    const { id } = await talk.claimed();
    const comment = await talk.say(talk.reviewer, id, { line: 2, type: 'suggestion', text: block('2\n') });
    await talk.remove('main.py');
    expect((await apply(id, comment)).body.code).toBe('SUGGESTION_OUTDATED');
  });
});
