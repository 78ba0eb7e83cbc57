import { createHash, randomBytes, randomUUID } from 'node:crypto';
import { request } from 'node:http';
import type { BatchHeader } from '#shared/contracts/upload.ts';
import { BATCH_TYPE, PART_TYPE } from '#shared/domain/uploads.ts';
import { allowedOrigin } from '#api/http/origin.ts';
import { removeOldUploads } from '#platform/db/repositories/retention.ts';
import { build, type BuiltSession } from '#tests/support/factories.ts';
import { startTestApi, type TestAnswer, type TestApi, type TestPerson } from '#tests/support/testApi.ts';
import { waitFor } from '#tests/support/waitFor.ts';

const MIB = 1_048_576;
let api: TestApi;
let owner: TestPerson;
beforeAll(async () => {
  api = await startTestApi({
    MAX_FILE_BYTES: String(3 * MIB),
    MAX_SESSION_BYTES: String(5 * MIB),
    MAX_SESSION_ITEMS: '600',
  });
  owner = await api.person();
});
afterAll(() => api.close());

let session: BuiltSession;
let uploads: string;
beforeEach(async () => {
  session = await build.session(api.database, { userId: owner.id });
  uploads = `/api/v1/sessions/${session.uuid}/uploads`;
});

const digest = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex');
const begin = (body: object, version?: number): Promise<TestAnswer> =>
  api.send('POST', uploads, { as: owner, body, headers: version === undefined ? {} : { 'if-match': `"${version}"` } });
const part = (id: string, offset: number, bytes: Buffer): Promise<TestAnswer> =>
  api.send('PATCH', `${uploads}/${id}`, {
    as: owner,
    rawBody: bytes,
    headers: { 'content-type': PART_TYPE, 'upload-offset': String(offset) },
  });
const look = (id: string) => api.send('GET', `${uploads}/${id}`, { as: owner });

/** Uploads a file by one part, and answers what the part was answered. */
async function upload(
  path: string,
  bytes: Buffer,
  given: { version?: number; [name: string]: unknown } = {},
): Promise<TestAnswer> {
  const { version, ...rest } = given;
  const begun = await begin({ path, size: bytes.length, ...rest }, version);
  return begun.status === 201 ? part(begun.body.id, 0, bytes) : begun;
}

async function fileAt(path: string): Promise<{ bytes: Buffer; version: number; executable: boolean } | null> {
  const [row] = await api.database.query<{ id: number; version: number; executable: boolean }>(
    `SELECT id, version, executable FROM workspace_items WHERE session_id = $1 AND full_path = $2 AND type = 'file'`,
    [session.id, path],
  );
  if (row === undefined) return null;
  const address = `${api.url}/api/v1/sessions/${session.uuid}/items/${row.id}/raw`;
  const raw = await fetch(address, { headers: { cookie: owner.cookie } });
  return { ...row, bytes: Buffer.from(await raw.arrayBuffer()) };
}

const paths = async (): Promise<string[]> => {
  const rows = await api.database.query<{ path: string }>(
    `SELECT full_path AS path FROM workspace_items WHERE session_id = $1 ORDER BY full_path COLLATE "C"`,
    [session.id],
  );
  return rows.map((row) => row.path);
};
const chunkCount = async (): Promise<number> => {
  const rows = await api.database.query<{ parts: number }>(
    `SELECT count(*)::integer AS parts FROM upload_chunks c JOIN uploads u ON u.id = c.upload_id WHERE u.session_id = $1`,
    [session.id],
  );
  return rows[0]!.parts;
};

function expectProblem(answer: TestAnswer, status: number, code: string): void {
  expect({ status: answer.status, code: answer.body.code }).toEqual({ status, code });
}

describe('an upload', () => {
  it('comes in parts and becomes a file with the folders above it, by a version that says so', async () => {
    const bytes = randomBytes(2 * MIB + 123);
    const begun = await begin({
      path: 'data/new/big.bin',
      size: bytes.length,
      sha256: digest(bytes),
      executable: true,
    });
    expect(begun.status).toBe(201);
    expect(begun.headers.get('upload-offset')).toBe('0');
    const { id } = begun.body;
    const first = await part(id, 0, bytes.subarray(0, MIB + 7));
    expect(first.body).toMatchObject({ offset: MIB + 7, itemId: null, item: null });
    expect(await fileAt('data/new/big.bin')).toBeNull();
    const head = await api.send('HEAD', `${uploads}/${id}`, { as: owner });
    expect(head.headers.get('upload-offset')).toBe(String(MIB + 7));
    const last = await part(id, MIB + 7, bytes.subarray(MIB + 7));
    expect(last.body.item).toMatchObject({
      path: 'data/new/big.bin',
      sha256: digest(bytes),
      executable: true,
      version: 1,
    });
    expect((await fileAt('data/new/big.bin'))?.bytes.equals(bytes)).toBe(true);
    const versions = await api.send('GET', `/api/v1/sessions/${session.uuid}/items/${last.body.item.id}/versions`, {
      as: owner,
    });
    expect(versions.body.items).toMatchObject([{ source: 'upload', createdBy: owner.username, version: 1 }]);
    expect(await chunkCount()).toBe(0);
    const events = await api.database.query(`SELECT payload FROM events WHERE subject_id = $1 AND kind = 'items'`, [
      session.id,
    ]);
    expect(events).toMatchObject([
      { payload: { source: 'upload', paths: expect.arrayContaining(['data/new/big.bin']) } },
    ]);
  });

  it('keeps text as text and the smallest of files', async () => {
    expect((await upload('hällo.txt', Buffer.from('grüße\n'))).body.item).toMatchObject({ encoding: 'utf8', size: 8 });
    expect((await upload('empty', Buffer.alloc(0))).body.item).toMatchObject({ size: 0, encoding: 'utf8' });
    // A character that lies across two parts.
    const text = Buffer.from(`${'x'.repeat(MIB - 1)}ü`);
    expect((await upload('cut.txt', text)).body.item).toMatchObject({ encoding: 'utf8', sha256: digest(text) });
    expect((await upload('bad.txt', Buffer.from([0x61, 0xc3]))).body.item).toMatchObject({ encoding: 'base64' });
  });

  it('answers the last part again when its answer was lost', async () => {
    const begun = await begin({ path: 'a.txt', size: 3 });
    const once = await part(begun.body.id, 0, Buffer.from('abc'));
    const again = await part(begun.body.id, 3, Buffer.alloc(0));
    expect(again.body.item.id).toBe(once.body.item.id);
    expect((await look(begun.body.id)).body).toMatchObject({ offset: 3, itemId: once.body.item.id });
    expect((await fileAt('a.txt'))?.version).toBe(1);
  });

  it('takes a part once, whoever sends it twice or at the same time', async () => {
    const bytes = randomBytes(3 * MIB);
    const { id } = (await begin({ path: 'a.bin', size: bytes.length, sha256: digest(bytes) })).body;
    const first = await Promise.all([1, 2, 3].map(() => part(id, 0, bytes.subarray(0, MIB))));
    expect(first.map((answer) => answer.status).sort()).toEqual([200, 409, 409]);
    const lost = first.find((answer) => answer.status === 409)!;
    expectProblem(lost, 409, 'UPLOAD_OFFSET');
    expect((await look(id)).body.offset).toBe(MIB);
    expectProblem(await part(id, 2 * MIB, bytes.subarray(2 * MIB)), 409, 'UPLOAD_OFFSET');
    await Promise.all([1, 2].map(() => part(id, MIB, bytes.subarray(MIB))));
    expect((await fileAt('a.bin'))?.bytes.equals(bytes)).toBe(true);
    expect((await fileAt('a.bin'))?.version).toBe(1);
  });

  it('goes on from what had come when the connection broke in the middle of a part', async () => {
    const bytes = randomBytes(3 * MIB);
    const { id } = (await begin({ path: 'a.bin', size: bytes.length, sha256: digest(bytes) })).body;
    await new Promise<void>((resolve) => {
      const headers = {
        cookie: owner.cookie,
        origin: allowedOrigin(api.config),
        'content-type': PART_TYPE,
        'upload-offset': '0',
        'content-length': String(bytes.length),
      };
      const broken = request(`${api.url}${uploads}/${id}`, { method: 'PATCH', headers });
      broken.on('error', () => resolve());
      broken.write(bytes.subarray(0, 2 * MIB + 500), () => broken.destroy(new Error('the network is gone')));
    });
    await waitFor(async () => ((await look(id)).body.offset as number) >= 2 * MIB, { what: 'the bytes that had come' });
    // The rest of what had come may be written just now: then the answer says where to go on.
    let offset = (await look(id)).body.offset as number;
    for (let status = 0; status !== 200;) {
      expect(offset).toBeLessThan(bytes.length);
      const answer = await part(id, offset, bytes.subarray(offset));
      ({ status } = answer);
      if (status !== 200) expectProblem(answer, 409, 'UPLOAD_OFFSET');
      offset = answer.body.data?.offset;
    }
    expect((await fileAt('a.bin'))?.bytes.equals(bytes)).toBe(true);
  });

  it('is refused with other bytes than were announced, and has to begin anew', async () => {
    const { id } = (await begin({ path: 'a.txt', size: 3, sha256: digest(Buffer.from('abc')) })).body;
    expectProblem(await part(id, 0, Buffer.from('abd')), 422, 'UPLOAD_DIGEST');
    expectProblem(await look(id), 404, 'NOT_FOUND');
    const other = (await begin({ path: 'a.txt', size: 3 })).body.id;
    expectProblem(await part(other, 0, Buffer.from('abcd')), 422, 'INVALID_INPUT');
    expect((await look(other)).body.offset).toBe(0);
    expectProblem(
      await api.send('POST', `${uploads}/${other}/complete`, { as: owner, body: {} }),
      409,
      'UPLOAD_INCOMPLETE',
    );
    expect(await paths()).toEqual([]);
  });

  it('ends when it is cancelled, and goes after a day', async () => {
    const { id } = (await begin({ path: 'a.txt', size: 10 })).body;
    await part(id, 0, Buffer.from('12345'));
    expect((await api.send('DELETE', `${uploads}/${id}`, { as: owner })).status).toBe(204);
    expect(await chunkCount()).toBe(0);
    expectProblem(await part(id, 5, Buffer.from('6')), 404, 'NOT_FOUND');
    const left = (await begin({ path: 'b.txt', size: 10 })).body.id;
    await part(left, 0, Buffer.from('12345'));
    const young = (await begin({ path: 'c.txt', size: 10 })).body.id;
    await api.database.query(`UPDATE uploads SET updated_at = now() - interval '25 hours' WHERE id = $1`, [left]);
    expect(await removeOldUploads(api.database)).toBe(1);
    const { body } = await api.send('GET', uploads, { as: owner });
    expect(body.items.map((one: { id: string }) => one.id)).toEqual([young]);
    expect(await chunkCount()).toBe(0);
  });
});

describe('an upload to a place that is taken', () => {
  it('is refused before any byte is sent, with what is there', async () => {
    const there = await build.file(api.database, { sessionId: session.id, name: 'a.txt', content: 'old' });
    const refused = await upload('a.txt', Buffer.from('new'));
    expectProblem(refused, 409, 'NAME_TAKEN');
    expect(refused.body.data).toMatchObject({ itemId: there.id, present: { version: 1, size: 3, type: 'file' } });
    expectProblem(await upload('a.txt/b', Buffer.from('new')), 409, 'NAME_TAKEN');
  });

  it('replaces the version that the person saw, and no other', async () => {
    await build.file(api.database, { sessionId: session.id, name: 'a.txt', content: 'old' });
    expectProblem(await upload('a.txt', Buffer.from('new'), { conflict: 'replace' }), 428, 'VERSION_REQUIRED');
    expectProblem(
      await upload('a.txt', Buffer.from('new'), { conflict: 'replace', version: 7 }),
      409,
      'VERSION_CONFLICT',
    );
    const replaced = await upload('a.txt', Buffer.from('new'), { conflict: 'replace', version: 1 });
    expect(replaced.body.item).toMatchObject({ version: 2 });
    expect((await fileAt('a.txt'))?.bytes.toString()).toBe('new');
  });

  it('keeps both on wish', async () => {
    await build.file(api.database, { sessionId: session.id, name: 'a.txt' });
    const both = await upload('a.txt', Buffer.from('new'), { conflict: 'keep-both' });
    expect(both.body.item.path).toBe('a (2).txt');
    expect(await paths()).toEqual(['a (2).txt', 'a.txt']);
  });

  it('that was taken while the bytes came keeps them, for another rule', async () => {
    const { id } = (await begin({ path: 'a.txt', size: 3 })).body;
    await build.file(api.database, { sessionId: session.id, name: 'a.txt', content: 'theirs' });
    expectProblem(await part(id, 0, Buffer.from('new')), 409, 'NAME_TAKEN');
    expect((await fileAt('a.txt'))?.bytes.toString()).toBe('theirs');
    const replace = { as: owner, body: { conflict: 'replace' }, headers: { 'if-match': '"1"' } };
    const done = await api.send('POST', `${uploads}/${id}/complete`, replace);
    expect(done.body.item).toMatchObject({ path: 'a.txt', version: 2 });
    expect((await fileAt('a.txt'))?.bytes.toString()).toBe('new');
  });

  it('of two that come at the same time goes to one', async () => {
    const ids = [(await begin({ path: 'a.txt', size: 1 })).body.id, (await begin({ path: 'a.txt', size: 1 })).body.id];
    const answers = await Promise.all(ids.map((id, index) => part(id, 0, Buffer.from(String(index)))));
    expect(answers.map((answer) => answer.status).sort()).toEqual([200, 409]);
    expect(await paths()).toEqual(['a.txt']);
  });
});

describe('the limits of uploads', () => {
  it('are met before any byte is sent', async () => {
    expectProblem(await begin({ path: 'a', size: 3 * MIB + 1 }), 413, 'FILE_TOO_LARGE');
    expectProblem(await begin({ path: 'a', size: 5 * MIB + 1, purpose: 'archive' }), 413, 'FILE_TOO_LARGE');
    for (const path of ['../a', '/a', 'a//b', '.git/x', '.berth-x', 'x'.repeat(300)]) {
      expectProblem(await begin({ path, size: 1 }), 422, 'INVALID_PATH');
    }
    for (const body of [
      { path: 'a' },
      { path: 'a', size: -1 },
      { path: '', size: 1 },
      { path: 'a', size: 1, sha256: 'x' },
    ]) {
      expectProblem(await begin(body), 422, 'INVALID_INPUT');
    }
    await upload('full', randomBytes(3 * MIB));
    expectProblem(await begin({ path: 'more', size: 3 * MIB }), 413, 'SESSION_TOO_LARGE');
  });

  it('hold for all that are under way together', async () => {
    for (const name of ['a', 'b', 'c']) expect((await begin({ path: name, size: 3 * MIB })).status).toBe(201);
    expectProblem(await begin({ path: 'd', size: 3 * MIB }), 409, 'UPLOAD_LIMIT');
  });

  it('let only bytes of the right kind in, at a place that is said', async () => {
    const { id } = (await begin({ path: 'a', size: 3 })).body;
    const send = (headers: Record<string, string>) =>
      api.send('PATCH', `${uploads}/${id}`, { as: owner, rawBody: 'abc', headers });
    expectProblem(await send({ 'content-type': 'text/plain', 'upload-offset': '0' }), 415, 'UNSUPPORTED_MEDIA_TYPE');
    const packed = { 'content-type': PART_TYPE, 'upload-offset': '0', 'content-encoding': 'gzip' };
    expectProblem(await send(packed), 415, 'UNSUPPORTED_MEDIA_TYPE');
    for (const offset of ['', '-1', 'x', '1e3']) {
      expectProblem(await send({ 'content-type': PART_TYPE, 'upload-offset': offset }), 422, 'INVALID_INPUT');
    }
    expectProblem(await look(randomUUID()), 404, 'NOT_FOUND');
    expectProblem(await look('batch'), 422, 'INVALID_INPUT');
  });
});

/** The body of a batch. */
function batchOf(...files: { header: Omit<BatchHeader, 'size'>; bytes?: Buffer }[]): Buffer {
  return Buffer.concat(
    files.flatMap(({ header, bytes = Buffer.alloc(0) }) => {
      const json = Buffer.from(JSON.stringify({ size: bytes.length, ...header }));
      const length = Buffer.alloc(4);
      length.writeUInt32BE(json.length);
      return [length, json, bytes];
    }),
  );
}
const sendBatch = (rawBody: Buffer) =>
  api.send('POST', `${uploads}/batch`, { as: owner, rawBody, headers: { 'content-type': BATCH_TYPE } });

describe('a batch of small files', () => {
  it('makes them all at once, and says of each what became of it', async () => {
    await build.file(api.database, { sessionId: session.id, name: 'taken.txt', content: 'old' });
    const answer = await sendBatch(
      batchOf(
        { header: { path: 'dir/a.txt', executable: true }, bytes: Buffer.from('a') },
        { header: { path: 'taken.txt' }, bytes: Buffer.from('new') },
        { header: { path: '../out' }, bytes: Buffer.from('x') },
        { header: { path: 'dir/empty', type: 'folder' } },
        { header: { path: 'taken.txt', conflict: 'replace', version: 1 }, bytes: Buffer.from('new') },
        { header: { path: 'dir/a.txt', conflict: 'keep-both' }, bytes: Buffer.from('b') },
      ),
    );
    expect(answer.status).toBe(200);
    expect(answer.body.outcomes).toMatchObject([
      { path: 'dir/a.txt', outcome: 'made' },
      { path: 'taken.txt', outcome: 'refused', code: 'NAME_TAKEN', present: { version: 1 } },
      { path: '../out', outcome: 'refused', code: 'INVALID_PATH' },
      { path: 'dir/empty', outcome: 'made' },
      { path: 'taken.txt', outcome: 'replaced' },
      { path: 'dir/a (2).txt', outcome: 'made' },
    ]);
    expect(await paths()).toEqual(['dir', 'dir/a (2).txt', 'dir/a.txt', 'dir/empty', 'taken.txt']);
    expect(await fileAt('dir/a.txt')).toMatchObject({ executable: true, version: 1 });
    expect((await fileAt('taken.txt'))?.version).toBe(2);
  });

  it('takes 500 files by one request, and tells about them once', async () => {
    const files = Array.from({ length: 500 }, (_, index) => ({
      header: { path: `d${index % 9}/f${index}` },
      bytes: Buffer.from(`content ${index}`),
    }));
    const answer = await sendBatch(batchOf(...files));
    expect(new Set(answer.body.outcomes.map((one: { outcome: string }) => one.outcome))).toEqual(new Set(['made']));
    expect(await paths()).toHaveLength(509);
    const events = await api.database.query(`SELECT 1 FROM events WHERE subject_id = $1`, [session.id]);
    expect(events).toHaveLength(1);
    expectProblem(await sendBatch(batchOf(...files, ...files)), 400, 'MALFORMED_BODY');
  });

  it('that cannot be read changes nothing', async () => {
    const whole = batchOf({ header: { path: 'a' }, bytes: Buffer.from('abc') });
    for (const body of [whole.subarray(0, 2), whole.subarray(0, 10), whole.subarray(0, whole.length - 1)]) {
      expectProblem(await sendBatch(body), 400, 'MALFORMED_BODY');
    }
    expectProblem(await sendBatch(Buffer.concat([whole, Buffer.from([255, 255, 255, 255, 0])])), 400, 'MALFORMED_BODY');
    expectProblem(await sendBatch(batchOf({ header: { path: '' } })), 422, 'INVALID_INPUT');
    const folder = { header: { path: 'a', type: 'folder' as const }, bytes: Buffer.from('abc') };
    expectProblem(await sendBatch(batchOf(folder)), 422, 'INVALID_INPUT');
    expectProblem(await sendBatch(Buffer.alloc(8 * MIB + 1)), 413, 'BODY_TOO_LARGE');
    expect(await paths()).toEqual([]);
  });
});
