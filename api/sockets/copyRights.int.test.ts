import { io, type Socket } from 'socket.io-client';
import { allowedOrigin } from '#api/http/origin.ts';
import { createPreviewAccess } from '#api/previews/previewAccess.ts';
import { signClaim } from '#api/previews/previewTokens.ts';
import { belongingsOf, type Belongings } from '#tests/support/belongings.ts';
import { buildRunningSession, type RunningSession } from '#tests/support/runningSession.ts';
import { startTestApi, type TestApi, type TestPerson } from '#tests/support/testApi.ts';
import { waitFor } from '#tests/support/waitFor.ts';

const CUT_WITHIN_MS = 5_000;

let api: TestApi;
let author: TestPerson;
let reviewer: TestPerson;
let things: Belongings;
let running: RunningSession;
const sockets: Socket[] = [];

/** A copy of a reviewer that no workflow watches: what cuts its owner off here is the api alone. */
beforeAll(async () => {
  api = await startTestApi();
  author = await api.person();
  reviewer = await api.person({ reviewerLevel: 1 });
  things = await belongingsOf(api, author);
  running = await buildRunningSession(api, reviewer.id);
  await api.database.query(
    `UPDATE sessions SET kind = 'review_run', review_request_id = r.id, source_snapshot_id = r.snapshot_id
     FROM review_requests r WHERE r.id = $2 AND sessions.id = $1`,
    [running.session.id, things.reviewId],
  );
});
beforeEach(() => hold(reviewer.id));
afterEach(() => {
  for (const socket of sockets.splice(0)) socket.disconnect();
});
afterAll(async () => {
  await running.destroy();
  await api.close();
});

async function hold(userId: number | null): Promise<void> {
  await api.database.query(`UPDATE review_requests SET status = 'in_review', assigned_to = $2 WHERE id = $1`, [
    things.reviewId,
    userId,
  ]);
  await api.database.query(`UPDATE users SET is_reviewer = true, reviewer_level = 1 WHERE id = $1`, [reviewer.id]);
}

async function attach(as: TestPerson): Promise<{ answer: { ok: boolean; code?: string }; gone: string[] }> {
  const base = `/api/v1/sessions/${running.session.uuid}/terminals`;
  const { body } = await api.send('POST', base, { as: reviewer, body: { name: 'shell' } });
  const socket = io(`${api.url}/terminal`, {
    transports: ['websocket'],
    forceNew: true,
    reconnection: false,
    extraHeaders: { cookie: as.cookie, origin: allowedOrigin(api.config) },
  });
  sockets.push(socket);
  const gone: string[] = [];
  socket.on('gone', ({ code }: { code: string }) => gone.push(code));
  await waitFor(() => socket.connected, { what: 'the socket to connect' });
  const answer = (await socket.emitWithAck('attach', {
    sessionUuid: running.session.uuid,
    terminalId: body.id as string,
    clientId: 'client-one',
    offset: null,
    size: { cols: 80, rows: 24 },
    visible: true,
  })) as { ok: boolean; code?: string };
  return { answer, gone };
}

const ENDS: [string, () => Promise<unknown>][] = [
  ['gave the review back', () => hold(null)],
  [
    'is no reviewer any more',
    () => api.database.query(`UPDATE users SET is_reviewer = false, reviewer_level = 0 WHERE id = $1`, [reviewer.id]),
  ],
];

describe('a throw-away copy', () => {
  it('shows its terminal to its owner, and to nobody else, the author and level 4 included', async () => {
    expect((await attach(reviewer)).answer).toMatchObject({ ok: true });
    for (const stranger of [author, await api.person({ reviewerLevel: 4 })]) {
      expect((await attach(stranger)).answer).toMatchObject({ ok: false, code: 'NOT_FOUND' });
    }
  });

  it.each(ENDS)('cuts off within 5 s an owner who %s', async (_how, end) => {
    const { answer, gone } = await attach(reviewer);
    expect(answer.ok).toBe(true);
    const place = { uuid: running.session.uuid, port: 8000 };
    const [signedIn] = await api.database.query<{ key: string }>('SELECT key FROM web_sessions WHERE user_id = $1', [
      reviewer.id,
    ]);
    const grant = { userId: reviewer.id, credentialId: `session:${signedIn!.key}` };
    const cookie = signClaim(api.config.BERTH_SECRET, 'cookie', { ...place, grant, until: Date.now() + 60_000 });
    const previews = createPreviewAccess(api.deps);
    expect(await previews.sessionFor(place, cookie)).not.toBeNull();

    await end();
    await waitFor(() => gone.includes('RUNNING_COPY_OVER'), { deadlineMs: CUT_WITHIN_MS, what: 'the cut' });
    await waitFor(async () => (await previews.sessionFor(place, cookie)) === null, {
      deadlineMs: CUT_WITHIN_MS,
      what: 'the end of the preview',
    });
    const refused = await api.send('GET', `/api/v1/sessions/${place.uuid}/terminals`, { as: reviewer });
    expect(refused).toMatchObject({ status: 410, body: { code: 'RUNNING_COPY_OVER' } });
  });
});
