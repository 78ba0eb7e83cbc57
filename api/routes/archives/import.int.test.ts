import { randomBytes } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import { PART_TYPE } from '#shared/domain/uploads.ts';
import { patchTar, rawZip, tarOf, type TarPart, type ZipPart } from '#tests/support/archives.ts';
import { build, type BuiltSession } from '#tests/support/factories.ts';
import { plantFiles } from '#tests/support/plantFiles.ts';
import { startTestApi, type TestAnswer, type TestApi, type TestPerson } from '#tests/support/testApi.ts';

const MIB = 1_048_576;
let api: TestApi;
let owner: TestPerson;
beforeAll(async () => {
  api = await startTestApi({
    MAX_FILE_BYTES: String(3 * MIB),
    MAX_SESSION_BYTES: String(6 * MIB),
    MAX_SESSION_ITEMS: '1200',
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

async function send(bytes: Buffer): Promise<string> {
  const body = { path: 'archive', size: bytes.length, purpose: 'archive' };
  const { id } = (await api.send('POST', uploads, { as: owner, body })).body;
  const headers = { 'content-type': PART_TYPE, 'upload-offset': '0' };
  expect((await api.send('PATCH', `${uploads}/${id}`, { as: owner, rawBody: bytes, headers })).status).toBe(200);
  return id as string;
}
const unpack = (id: string, wanted: object = {}): Promise<TestAnswer> =>
  api.send('POST', `${uploads}/${id}/import`, { as: owner, body: wanted });
const importOf = async (bytes: Buffer, wanted: object = {}): Promise<TestAnswer> => unpack(await send(bytes), wanted);

/** What the session holds: paths with what is kept of each. */
async function tree(): Promise<Record<string, string>> {
  const rows = await api.database.query<{
    path: string;
    type: string;
    encoding: string;
    content: string;
    executable: boolean;
  }>(
    `SELECT full_path AS path, type, encoding, left(content, 40) AS content, executable FROM workspace_items WHERE session_id = $1`,
    [session.id],
  );
  const word = (row: (typeof rows)[number]) =>
    row.type === 'folder'
      ? 'folder'
      : `${row.executable ? '*' : ''}${row.encoding === 'symlink' ? '→' : ''}${row.content}`;
  return Object.fromEntries(rows.map((row) => [row.path, word(row)]));
}

function expectProblem(answer: TestAnswer, status: number, code: string): void {
  expect({ status: answer.status, code: answer.body.code }).toEqual({ status, code });
}

const text = (name: string, content = name) => ({ name, bytes: Buffer.from(content) });
const FILE = 0o100_644;
const LINK = 0o120_777;
const good: ZipPart[] = [text('ok.txt')];

describe('an import', () => {
  const zip = rawZip([
    { ...text('src/ü.txt', 'grüße'), mode: FILE },
    { ...text('run.sh', '#!'), mode: 0o100_755, stored: true },
    { ...text('src/link', 'ü.txt'), mode: LINK },
    { name: 'empty/', mode: 0o040_755 },
    { name: 'nothing' },
  ]);
  const kept = {
    empty: 'folder',
    nothing: '',
    'run.sh': '*#!',
    src: 'folder',
    'src/link': '→ü.txt',
    'src/ü.txt': 'grüße',
  };

  it('of a zip keeps files, links, modes and empty folders, as versions of its person', async () => {
    const answer = await importOf(zip);
    expect(answer.body).toEqual({ files: 4, folders: 2, same: 0, skipped: 0, refused: [], refusedCount: 0 });
    expect(await tree()).toEqual(kept);
    const versions = await api.database.query(
      `SELECT source, created_by AS "createdBy" FROM file_versions WHERE session_id = $1`,
      [session.id],
    );
    expect(versions).toEqual(Array.from({ length: 4 }, () => ({ source: 'upload', createdBy: owner.id })));
  });

  it.each(['tar', 'tar.gz'])('of a %s keeps the same', async (format) => {
    const tar = await tarOf([
      { name: './', type: 'directory' },
      { ...text('./src/ü.txt', 'grüße'), mode: 0o644 },
      { ...text('run.sh', '#!'), mode: 0o755 },
      { name: 'src/link', type: 'symlink', linkname: 'ü.txt' },
      { name: 'empty/', type: 'directory' },
      { name: 'nothing', bytes: Buffer.alloc(0) },
    ]);
    const bytes = format === 'tar' ? tar : gzipSync(tar);
    expect((await importOf(bytes)).body).toMatchObject({ files: 4, folders: 2, refusedCount: 0 });
    expect(await tree()).toEqual(kept);
  });

  it('goes into a folder on wish, which it makes', async () => {
    expect((await importOf(zip, { folder: 'in/here' })).status).toBe(200);
    expect(Object.keys(await tree()).sort()).toContain('in/here/src/ü.txt');
    expectProblem(await importOf(zip, { folder: '../out' }), 422, 'INVALID_PATH');
  });

  it('of 1,000 files with long names, and of a file over several parts, is exact', async () => {
    const large = randomBytes(2 * MIB + 77);
    const parts: TarPart[] = Array.from({ length: 1_000 }, (_, index) =>
      text(`${'long name '.repeat(12)}${index % 7}/file ${index}`, `content ${index}`),
    );
    const answer = await importOf(gzipSync(await tarOf([...parts, { name: 'large', bytes: large }])));
    expect(answer.body).toMatchObject({ files: 1_001, folders: 7, refusedCount: 0 });
    const raw = await api.database.query<{ content: string }>(
      `SELECT content FROM workspace_items WHERE session_id = $1 AND full_path = 'large'`,
      [session.id],
    );
    expect(Buffer.from(raw[0]!.content, 'base64').equals(large)).toBe(true);
    expect((await tree())[`${'long name '.repeat(12)}5/file 999`]).toBe('content 999');
  });

  it('is undone by nothing and done once: of two at the same time one finds the upload gone', async () => {
    const id = await send(zip);
    const answers = await Promise.all([unpack(id, { conflict: 'keep-both' }), unpack(id, { conflict: 'keep-both' })]);
    expect(answers.map((answer) => answer.status).sort()).toEqual([200, 404]);
    expect(Object.keys(await tree())).toHaveLength(6);
  });

  it('takes only an archive that is there', async () => {
    const body = { path: 'a.zip', size: 10, purpose: 'archive' };
    const half = (await api.send('POST', uploads, { as: owner, body })).body.id as string;
    expectProblem(await unpack(half), 409, 'UPLOAD_INCOMPLETE');
    const file = (await api.send('POST', uploads, { as: owner, body: { path: 'a', size: 1 } })).body.id as string;
    expectProblem(await unpack(file), 409, 'UPLOAD_INCOMPLETE');
  });
});

describe('an import over files that are there', () => {
  beforeEach(() =>
    plantFiles(api.database, session.id, [{ path: 'a.txt', bytes: Buffer.from('old') }, { path: 'b/' }]),
  );
  const archive = rawZip([text('a.txt', 'new'), text('b/c.txt')]);

  it('is refused as a whole, unless it says otherwise', async () => {
    const refused = await importOf(archive);
    expectProblem(refused, 422, 'ARCHIVE_REFUSED');
    expect(refused.body.data.refused).toEqual([{ name: 'a.txt', reason: 'a.txt is there already.' }]);
    expect(await tree()).toEqual({ 'a.txt': 'old', b: 'folder' });
  });

  it.each([
    ['replace', { 'a.txt': 'new', b: 'folder', 'b/c.txt': 'b/c.txt' }, { files: 2, skipped: 0 }],
    ['keep-both', { 'a.txt': 'old', 'a (2).txt': 'new', b: 'folder', 'b/c.txt': 'b/c.txt' }, { files: 2, skipped: 0 }],
    ['skip', { 'a.txt': 'old', b: 'folder', 'b/c.txt': 'b/c.txt' }, { files: 1, skipped: 1 }],
  ])('by %s does that', async (conflict, left, told) => {
    expect((await importOf(archive, { conflict })).body).toMatchObject({ ...told, folders: 0, refusedCount: 0 });
    expect(await tree()).toEqual(left);
  });

  it('never goes through a link, or replaces one kind by another', async () => {
    await plantFiles(api.database, session.id, [{ path: 'link', target: 'b' }]);
    for (const part of [text('link/x'), text('link'), text('b')]) {
      const answer = await importOf(rawZip([part]), { conflict: 'replace' });
      expectProblem(answer, 422, 'ARCHIVE_REFUSED');
    }
    expect((await tree())['link']).toBe('→b');
  });
});

describe('a hostile zip', () => {
  const bomb = Buffer.alloc(2 * MIB);
  const cases: [string, ZipPart[], string][] = [
    ['../../etc/cron.d/x', [text('../../etc/cron.d/x')], 'leads out of its folder by ..'],
    ['/etc/passwd', [text('/etc/passwd')], 'has an absolute path'],
    ['a\\b', [text('a\\b')], 'has a backslash in its name'],
    ['C:x', [text('C:x')], 'has a drive letter in its path'],
    ['caf\uFFFD', [{ name: Buffer.from([0x63, 0x61, 0x66, 0xe9]) }], 'has a name that is not valid UTF-8'],
    ['link', [{ ...text('link', '../../x'), mode: LINK }], 'is a link that leaves the session'],
    ['link', [{ ...text('link', '/etc/passwd'), mode: LINK }], 'is a link that leaves the session'],
    ['d/x', [{ ...text('d', '.'), mode: LINK }, text('d/x')], 'd is a link, not a folder.'],
    ['dev', [{ name: 'dev', mode: 0o020_666 }], 'is neither a file, a folder nor a link'],
    ['twice', [text('twice', 'a'), text('twice', 'b')], 'is in the archive twice'],
    ['a/b', [text('a'), text('a/b')], 'a is a file, not a folder.'],
    ['bomb', [{ name: 'bomb', bytes: bomb }], 'is packed more than 250 to 1, as no honest file is'],
    ['big', [{ name: 'big', size: 3 * MIB + 1 }], `has ${3 * MIB + 1} bytes; files may have ${3 * MIB}`],
    ['liar', [{ ...text('liar', 'x'.repeat(5_000)), size: 10 }], 'unpacks to more bytes than it declares'],
    ['liar', [{ ...text('liar', 'x'), size: 10 }], 'unpacks to fewer bytes than it declares'],
    ['two', [{ ...text('two', 'x'), size: 10, stored: true }], 'declares two sizes for the same bytes'],
    ['crc', [{ ...text('crc'), crc: 1 }], 'does not match its checksum'],
    ['secret', [{ ...text('secret'), flags: 1 }], 'is encrypted'],
    ['odd', [{ ...text('odd'), method: 12 }], 'is packed in a way that is not read (method 12)'],
    ['rot', [{ name: 'rot', bytes: Buffer.from([7, 7, 7]), stored: true, method: 8 }], 'cannot be unpacked'],
    ['second', [text('first'), { name: 'second', size: 5, bytesOf: 0 }], 'shares its bytes with another entry'],
    ['.git/config', [text('.git/config')], 'belongs to git: make a repository in the terminal'],
    [`${'n'.repeat(1_000)}…`, [text('n'.repeat(60_000))], 'is longer than 4000 bytes'],
  ];

  it.each(cases)('is refused by name, and nothing is imported: %s', async (name, parts, reason) => {
    const refused = await importOf(rawZip([...parts, ...good]));
    expectProblem(refused, 422, 'ARCHIVE_REFUSED');
    expect(refused.body.data.refused).toContainEqual({ name, reason });
    expect(await tree()).toEqual({});
  });

  it('is imported without what is refused, on wish', async () => {
    const parts = [...cases[0]![1], ...cases[11]![1], ...cases[13]![1], ...cases[5]![1]];
    const answer = await importOf(rawZip([...parts, ...good]), { refused: 'skip' });
    expect(answer.body).toMatchObject({ files: 1, refusedCount: 4 });
    expect(answer.body.refused.map((one: { name: string }) => one.name).sort()).toEqual([
      '../../etc/cron.d/x',
      'bomb',
      'liar',
      'link',
    ]);
    expect(await tree()).toEqual({ 'ok.txt': 'ok.txt' });
  });

  it('that holds more than a session may is refused as soon as it says so', async () => {
    // Each declares little enough to pass by itself.
    const spread = Array.from({ length: 3 }, (_, index) => ({
      name: `f${index}`,
      bytes: randomBytes(20_000),
      size: 3 * MIB,
    }));
    expectProblem(await importOf(rawZip(spread), { refused: 'skip' }), 413, 'ARCHIVE_TOO_LARGE');
    const many = Array.from({ length: 1_201 }, (_, index) => ({ name: `f${index}` }));
    expectProblem(await importOf(rawZip(many), { refused: 'skip' }), 413, 'ARCHIVE_TOO_LARGE');
    expect(await tree()).toEqual({});
  });

  it('that is none is refused', async () => {
    const whole = rawZip(good);
    for (const bytes of [
      whole.subarray(0, 40),
      Buffer.from('PK'),
      Buffer.from('no archive at all'),
      randomBytes(700),
    ]) {
      expectProblem(await importOf(bytes), 422, 'ARCHIVE_UNREADABLE');
    }
    const misled = Buffer.from(whole);
    misled.writeUInt32LE(0xfffffff0, misled.length - 6);
    expectProblem(await importOf(misled), 422, 'ARCHIVE_UNREADABLE');
    expectProblem(await importOf(whole, { format: 'tar' }), 422, 'ARCHIVE_UNREADABLE');
    expectProblem(await importOf(whole, { format: 'tar.gz' }), 422, 'ARCHIVE_UNREADABLE');
  });
});

describe('a hostile tar', () => {
  const cases: [string, TarPart[], string][] = [
    ['../x', [text('../x')], 'leads out of its folder by ..'],
    ['/etc/passwd', [text('/etc/passwd')], 'has an absolute path'],
    ['hard', [text('a'), { name: 'hard', type: 'link', linkname: 'a' }], 'is a hard link'],
    ['null', [{ name: 'null', type: 'character-device' }], 'is neither a file, a folder nor a link'],
    ['pipe', [{ name: 'pipe', type: 'fifo' }], 'is neither a file, a folder nor a link'],
    ['out', [{ name: 'out', type: 'symlink', linkname: '../../etc' }], 'is a link that leaves the session'],
    ['d/x', [{ name: 'd', type: 'symlink', linkname: '.' }, text('d/x')], 'd is a link, not a folder.'],
    ['twice', [text('twice', '1'), text('./twice', '2')], 'is in the archive twice'],
    ['big', [{ name: 'big', bytes: randomBytes(3 * MIB + 1) }], `has ${3 * MIB + 1} bytes; files may have ${3 * MIB}`],
  ];

  it.each(cases)('is refused by name, and nothing is imported: %s', async (name, parts, reason) => {
    const refused = await importOf(gzipSync(await tarOf([...parts, text('ok.txt')])));
    expectProblem(refused, 422, 'ARCHIVE_REFUSED');
    expect(refused.body.data.refused.map((one: { reason: string }) => one.reason)).toContain(reason);
    expect(refused.body.data.refused.at(-1).name.replace(/^\.\//, '')).toBe(name);
    expect(await tree()).toEqual({});
  });

  it('with a name that is no UTF-8 is refused by it', async () => {
    const tar = patchTar(await tarOf([text('caf_.txt')]), 'caf_', Buffer.from([0x63, 0x61, 0x66, 0xe9]));
    const refused = await importOf(tar);
    expect(refused.body.data.refused).toEqual([
      { name: 'caf\uFFFD.txt', reason: 'has a name that is not valid UTF-8' },
    ]);
  });

  it('that unpacks to far more than it is ends before it is unpacked', async () => {
    const bomb = gzipSync(Buffer.concat([await tarOf([text('a')]), Buffer.alloc(30 * MIB)]));
    expect(bomb.length).toBeLessThan(100_000);
    expectProblem(await importOf(bomb, { refused: 'skip', format: 'tar.gz' }), 413, 'ARCHIVE_TOO_LARGE');
    const spread = Array.from({ length: 4 }, (_, index) => ({
      name: `f${index}`,
      bytes: Buffer.alloc(2 * MIB, randomBytes(8_192)),
    }));
    expectProblem(await importOf(gzipSync(await tarOf(spread))), 413, 'ARCHIVE_TOO_LARGE');
    expect(await tree()).toEqual({});
  });

  it('that is cut off, or broken, is refused', async () => {
    const tar = await tarOf([text('a', 'x'.repeat(3_000)), text('b')]);
    const packed = gzipSync(tar);
    for (const bytes of [tar.subarray(0, 1_000), packed.subarray(0, packed.length - 20)]) {
      expectProblem(await importOf(bytes), 422, 'ARCHIVE_UNREADABLE');
    }
    const broken = Buffer.from(tar);
    broken.write('9', 0);
    expectProblem(await importOf(broken, { format: 'tar' }), 422, 'ARCHIVE_UNREADABLE');
    expect(await tree()).toEqual({});
  });
});
