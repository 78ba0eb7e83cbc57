import { io, type Socket } from 'socket.io-client';
import { allowedOrigin } from '#api/http/origin.ts';
import { findTrashedSession, purgeSession } from '#platform/db/repositories/sessionTrash.ts';
import type { BuiltSession } from '#tests/support/factories.ts';
import { startReviewApi, type ReviewApi } from '#tests/support/reviewApi.ts';
import type { TestAnswer, TestPerson } from '#tests/support/testApi.ts';
import { waitFor } from '#tests/support/waitFor.ts';

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
const send = (method: string, path: string, as: TestPerson, body?: unknown, headers = {}): Promise<TestAnswer> =>
  stage.api.send(method, `/api/v1${path}`, { as, headers, ...(body === undefined ? {} : { body }) });
const query = <Row extends object>(sql: string, values: unknown[] = []): Promise<Row[]> =>
  stage.api.database.query<Row>(sql, values);

/** A review that the reviewer holds, with a published comment on the first line of main.py. */
async function claimedReview(): Promise<{ id: number; snapshotId: number; itemId: number }> {
  const { id, snapshotId } = await stage.submitAndFreeze({ author, session });
  await post(reviewer, `/reviews/${id}/claim`);
  const [item] = (await get(reviewer, `/reviews/${id}/items`)).body.items;
  const comment = { text: 'why?', type: 'issue', snapshotItemId: item.id, lineNumber: 1, publish: true };
  expect((await post(reviewer, `/reviews/${id}/comments`, comment)).status).toBe(201);
  return { id, snapshotId, itemId: item.itemId as number };
}

async function frozenText(id: number): Promise<string[]> {
  const { items } = (await get(reviewer, `/reviews/${id}/items`)).body;
  const files = await Promise.all(
    items.map((item: { id: number }) => get(reviewer, `/reviews/${id}/items/${item.id}`)),
  );
  return files.map(({ body }) => `${body.path}: ${body.content}`);
}

describe('the reviewer who holds a review', () => {
  it.each([1, 4])('of level %i cannot write to, run in or look into the author’s session over HTTP', async (level) => {
    await query('UPDATE users SET reviewer_level = $2::smallint WHERE id = $1', [reviewer.id, level]);
    const { itemId } = await claimedReview();
    const of = `/sessions/${session.uuid}`;
    const version = { 'if-match': '"1"' };
    const tried = await Promise.all([
      send('GET', of, reviewer),
      send('GET', `${of}/items/${itemId}`, reviewer),
      send('POST', `${of}/items`, reviewer, { name: 'planted.py', type: 'file' }),
      send('PUT', `${of}/items/${itemId}/content`, reviewer, { content: 'x' }, version),
      send('DELETE', `${of}/items/${itemId}`, reviewer, undefined, version),
      send('POST', `${of}/uploads`, reviewer, { path: 'planted.py', size: 1 }),
      send('POST', `${of}/terminals`, reviewer, {}),
      send('POST', `${of}/runs`, reviewer, { command: 'true' }),
      send('POST', `${of}/previews`, reviewer, { port: 8000 }),
      send('POST', `${of}/open`, reviewer, {}),
      send('POST', `${of}/sync`, reviewer, {}),
    ]);
    expect(tried.map(({ status }) => status)).toEqual(tried.map(() => 404));
    const rows = await query('SELECT name FROM workspace_items WHERE session_id = $1', [session.id]);
    expect(rows).toEqual([{ name: 'main.py' }]);
  });

  it('cannot attach to a terminal or a run of the session by a socket, nor follow it', async () => {
    await query('UPDATE users SET reviewer_level = 4 WHERE id = $1', [reviewer.id]);
    const { id } = await claimedReview();
    const [terminal, events] = [await connect('/terminal'), await connect('/events')];
    const name = { sessionUuid: session.uuid, terminalId: 'terminal-1' };
    const attach = { ...name, clientId: 'client-one', offset: null, size: { cols: 80, rows: 24 }, visible: true };
    expect(await terminal.emitWithAck('attach', attach)).toMatchObject({ ok: false, code: 'NOT_FOUND' });
    const typed = await terminal.emitWithAck('input', { ...name, seq: 1, data: Buffer.from('rm -rf .\n') });
    expect(typed.value).toBeUndefined();
    const run = { sessionUuid: session.uuid, runId: 1 };
    expect(await terminal.emitWithAck('attachRun', run)).toMatchObject({ ok: false, code: 'NOT_FOUND' });
    const follow = (to: object) => events.emitWithAck('subscribe', { to, afterSeq: 0 });
    expect(await follow({ subject: 'session', uuid: session.uuid })).toMatchObject({ ok: false, code: 'NOT_FOUND' });
    expect(await follow({ subject: 'review', id })).toMatchObject({ ok: true });
    terminal.disconnect();
    events.disconnect();
  });

  async function connect(namespace: string): Promise<Socket> {
    const socket = io(`${stage.api.url}${namespace}`, {
      transports: ['websocket'],
      forceNew: true,
      reconnection: false,
      extraHeaders: { cookie: reviewer.cookie, origin: allowedOrigin(stage.api.config) },
    });
    await waitFor(() => socket.connected, { what: 'the socket to connect' });
    return socket;
  }
});

describe('what the author does after submitting', () => {
  it('never shows in the review, and loses no comment', async () => {
    const { id, itemId } = await claimedReview();
    const frozen = await frozenText(id);
    expect(frozen).toEqual(['main.py: one\ntwo\nthree\n']);
    const of = `/sessions/${session.uuid}/items`;
    const edited = await send('PUT', `${of}/${itemId}/content`, author, { content: 'live' }, { 'if-match': '"1"' });
    expect(edited.status).toBe(200);
    expect((await post(author, of, { name: 'later.py', type: 'file', content: 'x' })).status).toBe(201);
    expect(await frozenText(id)).toEqual(frozen);
    const renamed = await send('PATCH', `${of}/${itemId}`, author, { name: 'app.py' }, { 'if-match': '"2"' });
    expect(renamed.status).toBe(200);
    expect(await frozenText(id)).toEqual(frozen);
    const version = { 'if-match': `"${renamed.body.version}"` };
    expect((await send('DELETE', `${of}/${itemId}`, author, undefined, version)).status).toBeLessThan(300);
    expect(await frozenText(id)).toEqual(frozen);
    const comments = (await get(author, `/reviews/${id}/comments`)).body.items;
    expect(comments).toMatchObject([{ path: 'main.py', lineNumber: 1, quotedText: 'one', type: 'issue' }]);
    expect((await get(author, `/reviews/${id}`)).body.openIssues).toBe(1);
  });
});

describe('a session with a review', () => {
  it('cannot be deleted while the review is open; later it keeps snapshot, review and history for ever', async () => {
    const { id } = await claimedReview();
    const of = `/sessions/${session.uuid}`;
    const refused = await send('DELETE', of, author);
    expect(refused).toMatchObject({ status: 409, body: { code: 'SESSION_HAS_OPEN_REVIEW', data: { reviewId: id } } });
    await post(author, `/reviews/${id}/withdraw`);
    expect((await send('DELETE', of, author)).status).toBeLessThan(300);
    const erased = await send('DELETE', `/trashed-sessions/${session.uuid}`, author);
    expect(erased).toMatchObject({ status: 409, body: { code: 'SESSION_REVIEWED' } });
    await stage.api.database.transaction(async (tx) => {
      const trashed = await findTrashedSession(stage.api.database, session.uuid, tx);
      await purgeSession(stage.api.database, trashed!, tx);
    });
    expect(await query('SELECT 1 FROM workspace_items WHERE session_id = $1', [session.id])).toEqual([]);
    expect(await frozenText(id)).toEqual(['main.py: one\ntwo\nthree\n']);
    expect((await get(reviewer, `/reviews/${id}/comments`)).body.items).toHaveLength(1);
    expect((await get(author, `/reviews/${id}/history/verify`)).body).toMatchObject({ valid: true, rows: 3 });
  });

  it('goes with review and history only when its own row is deleted; people that a review names cannot go', async () => {
    const { id } = await claimedReview();
    for (const person of [author, reviewer]) {
      await expect(query('DELETE FROM users WHERE id = $1', [person.id])).rejects.toThrow('violates');
    }
    await query('DELETE FROM sessions WHERE id = $1', [session.id]);
    const left = await query<{ rows: number }>(
      'SELECT count(*)::int AS rows FROM review_history WHERE review_request_id = $1',
      [id],
    );
    expect(left[0]?.rows).toBe(0);
    expect((await get(author, `/reviews/${id}`)).status).toBe(404);
  });
});

describe('what a review was about', () => {
  it('cannot be altered by the role with which the application is connected', async () => {
    const { id, snapshotId } = await claimedReview();
    const statements = [
      `UPDATE review_history SET change_description = 'nothing' WHERE review_request_id = ${id}`,
      `DELETE FROM review_history WHERE review_request_id = ${id}`,
      'TRUNCATE review_history',
      `DELETE FROM review_requests WHERE id = ${id}`,
      'TRUNCATE review_requests CASCADE',
      `UPDATE review_comments SET comment_text = 'fine' WHERE review_request_id = ${id}`,
      `UPDATE review_comments SET published_at = NULL WHERE review_request_id = ${id}`,
      `UPDATE review_comments SET commenter_id = ${author.id} WHERE review_request_id = ${id}`,
      `DELETE FROM review_comments WHERE review_request_id = ${id}`,
      'TRUNCATE review_comments CASCADE',
      `UPDATE snapshots SET manifest_hash = repeat('0', 64) WHERE id = ${snapshotId}`,
      `DELETE FROM snapshots WHERE id = ${snapshotId}`,
      `UPDATE snapshot_items SET path = 'x' WHERE snapshot_id = ${snapshotId}`,
      `DELETE FROM snapshot_items WHERE snapshot_id = ${snapshotId}`,
      `DELETE FROM snapshot_editors WHERE snapshot_id = ${snapshotId}`,
      `UPDATE snapshot_editors SET user_id = ${reviewer.id} WHERE snapshot_id = ${snapshotId}`,
      'TRUNCATE snapshot_editors',
    ];
    for (const statement of statements) {
      const refused = await query(statement).then(
        () => 'done',
        (error: unknown) => String(error),
      );
      expect([statement, refused]).toEqual([statement, expect.stringMatching(/append-only|is published/)]);
    }
    expect((await get(author, `/reviews/${id}/history/verify`)).body).toMatchObject({ valid: true, rows: 2 });
  });
});

describe('reading a review', () => {
  it('is for its submitter and for level 1; for others nothing is there, whatever they ask for', async () => {
    const { id } = await claimedReview();
    const [item] = (await get(author, `/reviews/${id}/items`)).body.items;
    const paths = ['', '/items', `/items/${item.id}`, '/comments', '/history', '/history/verify', '/assignees'];
    const stranger = await stage.api.person();
    const operator = await stage.api.person({ isOperator: true });
    for (const path of paths) {
      for (const person of [stranger, operator]) {
        expect([path, (await get(person, `/reviews/${id}${path}`)).status]).toEqual([path, 404]);
      }
      const answers = [await get(author, `/reviews/${id}${path}`), await get(reviewer, `/reviews/${id}${path}`)];
      // Who could hold it is for those who may give it to somebody.
      expect(answers.map(({ status }) => status)).toEqual(path === '/assignees' ? [403, 403] : [200, 200]);
    }
  });
});
