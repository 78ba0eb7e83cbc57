import { createHash, randomBytes } from 'node:crypto';
import { request } from 'node:http';
import yauzl from 'yauzl';
import { exportArchive } from '#api/commands/archives/exportArchive.ts';
import type { Database } from '#platform/db/database.ts';
import { findSessionById } from '#platform/db/repositories/sessions.ts';
import { build, type BuiltSession } from '#tests/support/factories.ts';
import { plantFiles, type PlantedFile } from '#tests/support/plantFiles.ts';
import { startTestApi, type TestApi, type TestPerson } from '#tests/support/testApi.ts';
import { waitFor } from '#tests/support/waitFor.ts';

let api: TestApi;
let owner: TestPerson;
beforeAll(async () => {
  api = await startTestApi();
  owner = await api.person();
});
afterAll(() => api.close());

let session: BuiltSession;
beforeEach(async () => {
  session = await build.session(api.database, { userId: owner.id });
});

const plant = (...files: PlantedFile[]) => plantFiles(api.database, session.id, files);
const address = (query = '') => `${api.url}/api/v1/sessions/${session.uuid}/archive${query}`;
const download = (query = '') => fetch(address(query), { headers: { cookie: owner.cookie } });
const digest = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex');

/** What another program finds in a zip: mode and bytes by name. */
async function unzip(bytes: Buffer): Promise<Map<string, { mode: number; bytes: Buffer }>> {
  const zip = await yauzl.fromBufferPromise(bytes, { lazyEntries: true });
  const found = new Map<string, { mode: number; bytes: Buffer }>();
  for await (const entry of zip.eachEntry()) {
    const chunks: Buffer[] = [];
    for await (const chunk of await zip.openReadStreamPromise(entry)) chunks.push(chunk as Buffer);
    found.set(entry.fileName, { mode: entry.externalFileAttributes >>> 16, bytes: Buffer.concat(chunks) });
  }
  return found;
}

async function folderId(path: string): Promise<number> {
  const [row] = await api.database.query<{ id: number }>(
    `SELECT id FROM workspace_items WHERE session_id = $1 AND full_path = $2`,
    [session.id, path],
  );
  return row!.id;
}

describe('a session as a zip', () => {
  it('holds every file, link, mode and empty folder, under names in UTF-8', async () => {
    const binary = Buffer.from([0, 255, 10, 0]);
    await plant(
      { path: 'run.sh', bytes: Buffer.from('#!/bin/sh\n'), executable: true },
      { path: 'src/ü/日本.txt', bytes: Buffer.from('hällo') },
      { path: 'src/data.bin', bytes: binary },
      { path: 'src/link', target: 'data.bin' },
      { path: 'empty/inner/' },
      { path: 'nothing', bytes: Buffer.alloc(0) },
    );
    const answer = await download();
    expect(answer.status).toBe(200);
    expect(answer.headers.get('content-type')).toBe('application/zip');
    expect(answer.headers.get('content-disposition')).toContain('filename="fractals.zip"');
    expect(answer.headers.get('content-security-policy')).toContain('sandbox');
    const found = await unzip(Buffer.from(await answer.arrayBuffer()));
    const shown = [...found].map(([name, { mode, bytes }]) => [name, mode.toString(8), bytes.toString('latin1')]);
    expect(Object.fromEntries(shown.map(([name, ...rest]) => [name, rest]))).toEqual({
      'empty/': ['40755', ''],
      'empty/inner/': ['40755', ''],
      nothing: ['100644', ''],
      'run.sh': ['100755', '#!/bin/sh\n'],
      'src/': ['40755', ''],
      'src/data.bin': ['100644', binary.toString('latin1')],
      'src/link': ['120777', 'data.bin'],
      'src/ü/': ['40755', ''],
      'src/ü/日本.txt': ['100644', Buffer.from('hällo').toString('latin1')],
    });
  });

  it('may be empty', async () => {
    expect((await unzip(Buffer.from(await (await download()).arrayBuffer()))).size).toBe(0);
  });

  it('of 1,000 files is exact', async () => {
    const files = Array.from({ length: 1_000 }, (_, index) => ({
      path: `d${index % 17}/f${index}.bin`,
      bytes: index % 2 === 0 ? randomBytes(3_000) : Buffer.from(`line ${index}\n`.repeat(200)),
    }));
    await plant(...files);
    const found = await unzip(Buffer.from(await (await download()).arrayBuffer()));
    for (const { path, bytes } of files) expect(digest(found.get(path)!.bytes)).toBe(digest(bytes));
    expect(found.size).toBe(1_017);
  });

  it('holds every copy of the same bytes', async () => {
    const large = randomBytes(1_200_000);
    const copies = ['a', 'b', 'd'].map((path) => ({ path, bytes: large }));
    await plant(...copies, { path: 'c', bytes: randomBytes(1_100_000) }, { path: 'e' });
    const found = await unzip(Buffer.from(await (await download()).arrayBuffer()));
    expect([...found.keys()]).toEqual(['a', 'b', 'c', 'd', 'e']);
    for (const { path } of copies) expect(digest(found.get(path)!.bytes)).toBe(digest(large));
  });

  it('is the tree of one moment, whatever is saved while it is read', async () => {
    const large = randomBytes(3_000_000);
    await plant({ path: 'a.bin', bytes: large }, { path: 'b.txt', bytes: Buffer.from('before') });
    const row = (await findSessionById(api.database, session.id))!;
    const { stream } = await exportArchive(api.deps, { session: row, folderId: null });
    const chunks: Buffer[] = [];
    let saved = false;
    for await (const chunk of stream) {
      chunks.push(chunk as Buffer);
      if (!saved) await plant({ path: 'b.txt', bytes: Buffer.from('after') }, { path: 'c.txt' });
      saved = true;
    }
    const found = await unzip(Buffer.concat(chunks));
    expect(found.get('b.txt')?.bytes.toString()).toBe('before');
    expect(found.get('a.bin')?.bytes.equals(large)).toBe(true);
    expect(found.has('c.txt')).toBe(false);
  });

  it('needs the scope and the session, and says HEAD without bytes', async () => {
    const stranger = await api.person();
    const refused = await fetch(address(), { headers: { cookie: stranger.cookie } });
    expect(refused.status).toBe(404);
    const head = await fetch(address(), { method: 'HEAD', headers: { cookie: owner.cookie } });
    expect([head.status, head.headers.get('content-type')]).toEqual([200, 'application/zip']);
  });
});

describe('a folder as a zip', () => {
  it('holds what is in it below its own name', async () => {
    await plant({ path: 'a/src/x.py' }, { path: 'a/src/deep/y.py' }, { path: 'a/other' }, { path: 'top' });
    const answer = await download(`?folderId=${await folderId('a/src')}`);
    expect(answer.headers.get('content-disposition')).toContain('filename="src.zip"');
    const found = await unzip(Buffer.from(await answer.arrayBuffer()));
    expect([...found.keys()].sort()).toEqual(['src/', 'src/deep/', 'src/deep/y.py', 'src/x.py']);
  });

  it('is nothing that a file can be, or another session has', async () => {
    await plant({ path: 'a/x' });
    const answer = await download(`?folderId=${await folderId('a/x')}`);
    expect(answer.status).toBe(422);
    expect(await answer.json()).toMatchObject({ code: 'INVALID_PATH' });
    const folder = await folderId('a');
    session = await build.session(api.database, { userId: owner.id });
    expect((await download(`?folderId=${folder}`)).status).toBe(404);
  });
});

describe('a download that is taken slowly, or left', () => {
  const SIZE = 300_000;
  const FILES = 50;

  /** The very database, and a count of the bytes that come from it. */
  function counted(database: Database): { database: Database; read(): number } {
    let read = 0;
    const query: Database['query'] = async <Row extends object>(...given: Parameters<Database['query']>) => {
      const rows = await database.query<Row>(...given);
      for (const row of rows) if ('bytes' in row) read += (row.bytes as Buffer).length;
      return rows;
    };
    return { database: { ...database, query }, read: () => read };
  }

  /** Begins the download, and goes away with the first bytes. */
  const leave = (): Promise<void> =>
    new Promise((resolve, reject) => {
      const asked = request(address(), { headers: { cookie: owner.cookie } }, (answer) => {
        answer.once('data', () => {
          answer.destroy();
          resolve();
        });
      });
      asked.on('error', reject);
      asked.end();
    });

  it('reads only as fast as it is taken, and no further when nobody is there', async () => {
    await plant(...Array.from({ length: FILES }, (_, index) => ({ path: `f${index}`, bytes: randomBytes(SIZE) })));
    const row = (await findSessionById(api.database, session.id))!;
    const slow = counted(api.database);
    const { stream } = await exportArchive(slow, { session: row, folderId: null });
    let [taken, ahead] = [0, 0];
    for await (const chunk of stream) {
      taken += (chunk as Buffer).length;
      ahead = Math.max(ahead, slow.read() - taken);
    }
    expect(slow.read()).toBe(FILES * SIZE);
    // Two batches, and what the streams between them hold.
    expect(ahead).toBeLessThan(4_000_000);

    const left = counted(api.database);
    const before = api.deps.database;
    api.deps.database = left.database;
    await leave();
    api.deps.database = before;
    // As long as this one takes, the other would have gone on.
    expect((await (await download()).arrayBuffer()).byteLength).toBeGreaterThan(FILES * SIZE);
    expect(left.read()).toBeGreaterThan(0);
    expect(left.read()).toBeLessThan((FILES * SIZE) / 2);
    const { pool } = api.database.sequelize.connectionManager as unknown as { pool: { using: number } };
    await waitFor(() => pool.using === 0, { what: 'the connections to be free' });
  });
});
