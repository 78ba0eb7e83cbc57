import { io, type Socket } from 'socket.io-client';
import { allowedOrigin } from '#api/http/origin.ts';
import { admitRun, bindRun, endRun, type RunEnding } from '#platform/db/repositories/runs.ts';
import { removeOldRuns } from '#platform/db/repositories/retention.ts';
import { build } from '#tests/support/factories.ts';
import { buildRunningSession, type RunningSession } from '#tests/support/runningSession.ts';
import { startTestApi, type TestAnswer, type TestApi, type TestPerson } from '#tests/support/testApi.ts';
import { waitFor } from '#tests/support/waitFor.ts';

let api: TestApi;
let alice: TestPerson;
let running: RunningSession;
let uuid: string;

beforeAll(async () => {
  api = await startTestApi({ RUN_TIME_LIMIT_MAX_SECONDS: '600', RUNS_AT_ONCE: '3' });
  alice = await api.person({ username: 'alice' });
  running = await buildRunningSession(api, alice.id);
  uuid = running.session.uuid;
});
afterAll(async () => {
  await running.destroy();
  await api.close();
});

const newSession = async (): Promise<{ id: number; uuid: string }> => build.session(api.database, { userId: alice.id });

function post(session: string, body: unknown, headers: Record<string, string> = {}): Promise<TestAnswer> {
  return api.send('POST', `/api/v1/sessions/${session}/runs`, { as: alice, body, headers });
}

const get = (session: string, rest: string): Promise<TestAnswer> =>
  api.send('GET', `/api/v1/sessions/${session}/runs${rest}`, { as: alice });

/** An ending with those outputs. */
function ending(stdout: Buffer, given: { bytes?: number; stderr?: Buffer } = {}): RunEnding {
  const stderr = given.stderr ?? Buffer.alloc(0);
  return {
    status: 'failed',
    reason: null,
    program: {
      exitCode: 3,
      signal: null,
      durationMs: 12,
      limitsHit: given.bytes === undefined ? [] : ['output'],
      stdout: { bytes: given.bytes ?? stdout.byteLength, kept: stdout },
      stderr: { bytes: stderr.byteLength, kept: stderr },
    },
  };
}

async function ended(session: string, end: RunEnding): Promise<number> {
  const { id } = (await post(session, { command: 'true' })).body as { id: number };
  await endRun(api.database, id, end);
  return id;
}

describe('asking for a run', () => {
  it('is accepted, tells those who watch the session, and shows names but no values of its environment', async () => {
    const session = await newSession();
    const body = { command: 'make test', environment: { TOKEN: 'secret' }, stdin: 'hidden' };
    const answer = await post(session.uuid, body);
    expect(answer.status).toBe(202);
    expect(answer.headers.get('location')).toBe(`/api/v1/sessions/${session.uuid}/runs/${answer.body.id}`);
    expect(answer.body).toMatchObject({
      status: 'queued',
      command: 'make test',
      environment: ['TOKEN'],
      stdinBytes: 6,
      timeLimitSeconds: 60,
      outputLimitBytes: 1_048_576,
      requestedBy: { username: 'alice' },
    });
    expect(JSON.stringify(answer.body)).not.toMatch(/secret|hidden/);
    const events = await api.send('GET', `/api/v1/sessions/${session.uuid}/events`, { as: alice });
    expect(events.body.items).toMatchObject([{ kind: 'run', payload: { runId: answer.body.id, status: 'queued' } }]);
    const [intent] = await api.database.query(`SELECT kind FROM intents WHERE subject = 'run' AND subject_id = $1`, [
      answer.body.id,
    ]);
    expect(intent).toEqual({ kind: 'start_run' });
  });

  it('makes one run for one Idempotency-Key', async () => {
    const session = await newSession();
    const key = { 'idempotency-key': 'one-run' };
    const first = await post(session.uuid, { command: 'true' }, key);
    const again = await post(session.uuid, { command: 'true' }, key);
    expect(again.body.id).toBe(first.body.id);
    expect((await get(session.uuid, '')).body.items).toHaveLength(1);
  });

  it.each([
    [{}, 'give a command or a file'],
    [{ command: 'true', file: 'main.py' }, 'give a command or a file'],
    [{ command: '  ' }, 'is empty'],
    [{ command: 'a\0b' }, 'NUL'],
    [{ command: '\ud800' }, 'valid'],
    [{ command: 'true', arguments: ['x'] }, 'belong to a file'],
    [{ file: '../main.py' }, 'not an allowed path'],
    [{ command: 'true', folder: '/etc' }, 'not an allowed path'],
    [{ command: 'true', environment: { 'A=B': 'x' } }, 'Invalid'],
    [{ command: 'true', environment: { BERTH_POD: 'x' } }, 'Invalid'],
    [
      { command: 'true', environment: { A: 'x'.repeat(8_000), B: 'y'.repeat(8_000), C: 'z'.repeat(8_000) } },
      'too long',
    ],
    [{ command: 'true', timeLimitSeconds: 0 }, ''],
    [{ command: 'true', timeLimitSeconds: 601 }, '600 seconds'],
    [{ command: 'true', outputLimitBytes: 8_388_609 }, '8388608 bytes'],
    [{ command: 'true', more: 1 }, ''],
  ])('refuses %j and makes nothing', async (body, message) => {
    const session = await newSession();
    const answer = await post(session.uuid, body);
    expect([answer.status, answer.body.code]).toEqual([422, 'INVALID_INPUT']);
    expect(JSON.stringify(answer.body)).toContain(message);
    expect((await get(session.uuid, '')).body.items).toEqual([]);
  });

  it('refuses a file of which nothing is known, and a folder', async () => {
    const session = await newSession();
    await build.folder(api.database, { sessionId: session.id, name: 'source' });
    const unknown = await post(session.uuid, { file: 'notes.md' });
    expect([unknown.status, unknown.body.code]).toEqual([422, 'RUN_UNKNOWN_FILE']);
    expect(unknown.body.detail).toContain('"notes.md"');
    const folder = await post(session.uuid, { file: 'source' });
    expect([folder.status, folder.body.code]).toEqual([409, 'RUN_REFUSED']);
    const tool = await build.file(api.database, { sessionId: session.id, name: 'tool.x' });
    await api.database.query('UPDATE workspace_items SET executable = true WHERE id = $1', [tool.id]);
    expect((await post(session.uuid, { file: 'tool.x' })).status).toBe(202);
  });

  it('refuses more at once than there may be, until one has ended', async () => {
    const session = await newSession();
    const answers = await Promise.all([1, 2, 3, 4].map(() => post(session.uuid, { command: 'true' })));
    expect(answers.map(({ status }) => status).sort()).toEqual([202, 202, 202, 409]);
    const [first] = answers.filter(({ status }) => status === 202);
    await endRun(api.database, first!.body.id as number, ending(Buffer.alloc(0)));
    expect((await post(session.uuid, { command: 'true' })).status).toBe(202);
  });

  it('is not for a token that may only read', async () => {
    const made = await api.send('POST', '/api/v1/tokens', { as: alice, body: { name: 'ci', scopes: ['read'] } });
    const request = { token: made.body.secret as string, body: { command: 'true' } };
    expect((await api.send('POST', `/api/v1/sessions/${uuid}/runs`, request)).body.code).toBe('SCOPE_MISSING');
    expect((await api.send('GET', `/api/v1/sessions/${uuid}/runs`, { token: request.token })).status).toBe(200);
  });
});

describe('a receipt', () => {
  it('has both outputs as text, also where the limit cut a character', async () => {
    const session = await newSession();
    const bytes = Buffer.from('grün ✓');
    const id = await ended(session.uuid, ending(bytes.subarray(0, -1), { bytes: 99, stderr: Buffer.from('oops') }));
    const { body } = await get(session.uuid, `/${id}`);
    expect(body.stdout).toEqual({
      bytes: 99,
      keptBytes: bytes.byteLength - 1,
      truncated: true,
      content: 'grün ',
      encoding: 'utf8',
    });
    expect(body.stderr).toMatchObject({ content: 'oops', truncated: false });
    expect(body).toMatchObject({ status: 'failed', exitCode: 3, durationMs: 12, limitsHit: ['output'] });
  });

  it('has bytes that are no text as base64', async () => {
    const session = await newSession();
    const bytes = Buffer.from([0xff, 0x00, 0xfe]);
    const id = await ended(session.uuid, ending(bytes));
    const { body } = await get(session.uuid, `/${id}`);
    expect(body.stdout).toMatchObject({ encoding: 'base64', content: bytes.toString('base64') });
  });

  it('stays what it is', async () => {
    const session = await newSession();
    const id = await ended(session.uuid, ending(Buffer.from('first')));
    expect(await endRun(api.database, id, ending(Buffer.from('second')))).toBeNull();
    expect((await get(session.uuid, `/${id}`)).body.stdout.content).toBe('first');
    await expect(api.database.query(`UPDATE runs SET status = 'queued' WHERE id = $1`, [id])).rejects.toThrow();
  });

  it('is listed newest first, page by page, without outputs', async () => {
    const session = await newSession();
    const ids: number[] = [];
    for (let number = 0; number < 3; number += 1) ids.push(await ended(session.uuid, ending(Buffer.from('x'))));
    const first = (await get(session.uuid, '?limit=2')).body;
    const second = (await get(session.uuid, `?limit=2&cursor=${first.nextCursor}`)).body;
    const listed = [...first.items, ...second.items] as { id: number; stdout: object }[];
    expect(listed.map(({ id }) => id)).toEqual(ids.toReversed());
    expect(second.nextCursor).toBeNull();
    expect(listed[0]?.stdout).toEqual({ bytes: 1, keptBytes: 1, truncated: false });
  });

  it('goes when there are too many, or too much in them, the oldest first', async () => {
    const session = await newSession();
    const ids: number[] = [];
    for (let number = 0; number < 5; number += 1) ids.push(await ended(session.uuid, ending(Buffer.alloc(100))));
    const live = (await post(session.uuid, { command: 'true' })).body.id as number;
    const left = async () =>
      ((await get(session.uuid, '')).body.items as { id: number }[]).map(({ id }) => id).toReversed();
    await removeOldRuns(api.database, { kept: { count: 4, bytes: 1_000 } });
    expect(await left()).toEqual([...ids.slice(1), live]);
    await removeOldRuns(api.database, { sessionId: session.id, kept: { count: 4, bytes: 250 } });
    expect(await left()).toEqual([...ids.slice(3), live]);
  });
});

describe('following a run', () => {
  const sockets: Socket[] = [];
  afterEach(() => {
    for (const socket of sockets.splice(0)) socket.disconnect();
  });

  interface Reader {
    socket: Socket;
    text: { stdout: string; stderr: string };
    gaps: string[];
    end: string | null;
    /** False: what comes is not taken. */
    takes: boolean;
  }

  async function follow(
    runId: number,
    from = { stdout: 0, stderr: 0 },
    takes = true,
    sessionUuid = uuid,
  ): Promise<Reader> {
    const socket = io(`${api.url}/terminal`, {
      transports: ['websocket'],
      forceNew: true,
      reconnection: false,
      extraHeaders: { cookie: alice.cookie, origin: allowedOrigin(api.config) },
    });
    sockets.push(socket);
    const reader: Reader = { socket, text: { stdout: '', stderr: '' }, gaps: [], end: null, takes };
    const offsets = { ...from };
    type Piece = { stream: 'stdout' | 'stderr'; offset: number; data: Buffer };
    socket.on('runOutput', ({ stream, offset, data }: Piece, taken: () => void) => {
      if (offset !== offsets[stream]) reader.gaps.push(`${stream} ${offsets[stream]}..${offset}`);
      offsets[stream] = offset + data.byteLength;
      reader.text[stream] += data.toString();
      if (reader.takes) taken();
    });
    socket.on('runEnd', ({ status }: { status: string }) => (reader.end = status));
    await waitFor(() => socket.connected, { what: 'the socket to connect' });
    expect(await socket.emitWithAck('attachRun', { sessionUuid, runId, ...from })).toMatchObject({ ok: true });
    return reader;
  }

  /** A run that the agent has, as the workflow would have started it. */
  async function start(line: string): Promise<number> {
    const { id } = (await post(uuid, { command: line })).body as { id: number };
    const agent = await api.deps.agentPool.get(uuid, 1);
    await admitRun(api.database, id);
    await bindRun(api.database, { id, generation: 1, bootId: agent.bootId });
    const limits = { timeLimitMs: 60_000, outputLimitBytes: 4_000_000 };
    const argv = ['/bin/sh', '-c', line];
    await agent.runs.start({ id: String(id), argv, folder: '', environment: {}, stdin: new Uint8Array(), ...limits });
    return id;
  }

  /** Writes its receipt, as the workflow would. */
  async function record(id: number, stdout: string): Promise<void> {
    const agent = await api.deps.agentPool.get(uuid, 1);
    await agent.runs.wait(String(id));
    await endRun(api.database, id, ending(Buffer.from(stdout), { stderr: Buffer.from('wrong\n') }));
    await agent.runs.forget(String(id));
  }

  it('gives each reader what it asks for, live and from the receipt, and the end last', async () => {
    const id = await start('echo first; until [ -e go ]; do sleep 0.02; done; echo second; echo wrong >&2');
    const early = await follow(id);
    await waitFor(() => early.text.stdout === 'first\n');
    const late = await follow(id, { stdout: 3, stderr: 0 });
    await waitFor(() => late.text.stdout === 'st\n');
    expect([early.end, late.end]).toEqual([null, null]);
    await start('touch go');
    await waitFor(() => early.text.stderr !== '' && late.text.stderr !== '');
    expect(early.end).toBeNull();
    await record(id, 'first\nsecond\n');
    const after = await follow(id, { stdout: 6, stderr: 2 });
    await waitFor(() => [early, late, after].every(({ end }) => end === 'failed'));
    expect(early.text).toEqual({ stdout: 'first\nsecond\n', stderr: 'wrong\n' });
    expect(late.text).toEqual({ stdout: 'st\nsecond\n', stderr: 'wrong\n' });
    expect(after.text).toEqual({ stdout: 'second\n', stderr: 'ong\n' });
    expect([...early.gaps, ...late.gaps, ...after.gaps]).toEqual([]);
  });

  it('sends a reader that takes nothing one piece, and holds nobody else back', async () => {
    const id = await start('head -c 1000000 /dev/zero | tr "\\0" x');
    const slow = await follow(id, { stdout: 0, stderr: 0 }, false);
    const quick = await follow(id);
    await waitFor(() => quick.text.stdout.length === 1_000_000);
    expect(slow.text.stdout.length).toBeLessThanOrEqual(32 * 1024);
    expect(quick.gaps).toEqual([]);
    await record(id, 'x'.repeat(1_000_000));
    await waitFor(() => quick.end !== null);
    expect(slow.end).toBeNull();
  });

  it('holds a piece of the outputs for each reader that takes nothing, however long they are and however many read', async () => {
    const [readers, bytes] = [24, 8 * 1024 * 1024];
    const { uuid: session } = await newSession();
    const id = await ended(session, ending(Buffer.alloc(bytes, 'x')));
    const held = (): number => process.memoryUsage().arrayBuffers;
    const before = held();
    const slow = await Promise.all(Array.from({ length: readers }, () => follow(id, undefined, false, session)));
    await waitFor(() => slow.every(({ text }) => text.stdout !== ''));
    expect(held() - before).toBeLessThan((readers * bytes) / 4);
    expect(slow.every(({ text }) => text.stdout.length <= 32 * 1024)).toBe(true);
  });

  /** Statements that failed, as the database counts them. */
  async function failures(): Promise<number> {
    const [row] = await api.database.query<{ count: number }>(
      `SELECT xact_rollback::integer AS count FROM pg_stat_database WHERE datname = current_database()`,
    );
    return row?.count ?? 0;
  }

  it('goes on after an outage of the database', async () => {
    const { id } = (await post(uuid, { command: 'true' })).body as { id: number };
    const reader = await follow(id);
    const gone: string[] = [];
    reader.socket.on('runGone', ({ code }: { code: string }) => gone.push(code));
    const before = await failures();
    await api.database.query(`ALTER TABLE runs RENAME TO runs_away`);
    await waitFor(async () => (await failures()) > before, { what: 'a look in vain' });
    await api.database.query(`ALTER TABLE runs_away RENAME TO runs`);
    await endRun(api.database, id, ending(Buffer.from('done\n')));
    await waitFor(() => reader.end === 'failed', { what: 'the end', deadlineMs: 8_000 });
    expect(reader.text.stdout).toBe('done\n');
    expect(gone).toEqual([]);
  });

  it('begins before the run does, and stops when the reader leaves', async () => {
    const { id } = (await post(uuid, { command: 'true' })).body as { id: number };
    const staying = await follow(id);
    const leaving = await follow(id);
    await leaving.socket.emitWithAck('detachRun', { sessionUuid: uuid, runId: id });
    await endRun(api.database, id, ending(Buffer.from('done\n')));
    await waitFor(() => staying.end === 'failed');
    expect(staying.text.stdout).toBe('done\n');
    expect([leaving.text.stdout, leaving.end]).toEqual(['', null]);
  });
});
