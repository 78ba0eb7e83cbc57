import { randomBytes } from 'node:crypto';
import { Readable } from 'node:stream';
import { importArchive } from '#api/commands/archives/importArchive.ts';
import { handOffsSettled } from '#api/commands/items/handOffChange.ts';
import type { ItemDeps } from '#api/commands/items/itemDeps.ts';
import { completeUpload } from '#api/commands/uploads/completeUpload.ts';
import { createUpload } from '#api/commands/uploads/createUpload.ts';
import { receivePart } from '#api/commands/uploads/receivePart.ts';
import { uploadBatch } from '#api/commands/uploads/uploadBatch.ts';
import { CreateUpload, ImportArchive } from '#shared/contracts/upload.ts';
import { findSession, type SessionRecord } from '#platform/db/repositories/sessions.ts';
import { tarOf } from '#tests/support/archives.ts';
import { createTestDatabase, type TestDatabase } from '#tests/support/database.ts';
import { createEditor, type Editor } from '#tests/support/editor.ts';
import { createAgentGround, type AgentGround, type GroundSession } from '#tests/support/openedSession.ts';
import { waitFor } from '#tests/support/waitFor.ts';

let test: TestDatabase;
let ground: AgentGround;
let editor: Editor;
let deps: ItemDeps;
beforeAll(async () => {
  test = await createTestDatabase();
  ground = await createAgentGround(test);
  editor = createEditor(ground);
  deps = { ...ground.deps, config: test.config };
});
afterAll(async () => {
  await ground.close();
  await test.drop();
});

const rowOf = async (session: GroundSession): Promise<SessionRecord> =>
  (await findSession(test.database, session.ref.uuid))!;

async function upload(session: GroundSession, path: string, bytes: Buffer): Promise<void> {
  const wanted = CreateUpload.parse({ path, size: bytes.length, executable: true });
  const row = await rowOf(session);
  const begun = await createUpload(deps, {
    session: row,
    userId: session.userId,
    wanted,
    expectedVersion: null,
  });
  const parts = (async function* () {
    yield bytes;
  })();
  const received = await receivePart(deps, { upload: begun, offset: 0, bytes: parts, announced: null });
  await completeUpload(deps, { session: row, upload: received, conflict: 'fail', expectedVersion: null });
}

function batchOf(files: Record<string, string>): Buffer {
  return Buffer.concat(
    Object.entries(files).flatMap(([path, text]) => {
      const header = Buffer.from(JSON.stringify({ path, size: text.length }));
      const length = Buffer.alloc(4);
      length.writeUInt32BE(header.length);
      return [length, header, Buffer.from(text)];
    }),
  );
}

describe('an upload into an open session', () => {
  it('is on the volume at once, with its folders and its bit, and nothing is left to reconcile but these', async () => {
    const session = await ground.open({ plant: (planted) => editor.oneFile(planted) });
    const bytes = randomBytes(1_500_000);
    await upload(session, 'data/new/big.bin', bytes);
    await waitFor(() => session.workspace.list().includes('data/new/big.bin'), { what: 'the file on the volume' });
    await handOffsSettled();
    await session.reconcile();
    expect(await editor.isClean(session)).toBe(true);
    expect(session.workspace.list()).toEqual(['data/', 'data/new/', 'data/new/big.bin', 'main.py']);
    expect(await session.reconcile()).toEqual({ changed: 0, conflicts: 0, notSaved: 0, more: false });
  });

  it('by a batch or an archive is on the volume at once, with its folders, and nothing is left to reconcile', async () => {
    const session = await ground.open({ plant: (planted) => editor.oneFile(planted) });
    await uploadBatch(deps, {
      session: await rowOf(session),
      userId: session.userId,
      body: batchOf({ 'docs/deep/a.txt': 'a\n', 'docs/b.txt': 'b\n', 'empty.txt': '' }),
    });
    await waitFor(() => session.workspace.list().includes('docs/deep/a.txt'), { what: 'the batch on the volume' });
    const archive = await tarOf([
      { name: 'lib/one.txt', bytes: Buffer.from('one\n') },
      { name: 'lib/two', type: 'directory' },
    ]);
    const row = await rowOf(session);
    const wanted = CreateUpload.parse({ purpose: 'archive', path: 'lib.tar', size: archive.length });
    const begun = await createUpload(deps, { session: row, userId: session.userId, wanted, expectedVersion: null });
    const sent = await receivePart(deps, {
      upload: begun,
      offset: 0,
      bytes: Readable.from([archive]),
      announced: null,
    });
    await importArchive(deps, { session: row, upload: sent, wanted: ImportArchive.parse({}) });
    await waitFor(() => session.workspace.list().includes('lib/two/'), { what: 'the archive on the volume' });
    await handOffsSettled();
    expect(await editor.isClean(session)).toBe(true);
    expect(session.workspace.read('docs/b.txt')).toBe('b\n');
    expect(session.workspace.read('lib/one.txt')).toBe('one\n');
    expect(await session.reconcile()).toEqual({ changed: 0, conflicts: 0, notSaved: 0, more: false });
  });

  it('by a large batch makes no conflict with a reconcile that runs meanwhile', async () => {
    const session = await ground.open({ plant: (planted) => editor.oneFile(planted) });
    const names = Array.from({ length: 300 }, (_, index) => `many/${index % 7}/${index}.txt`);
    const body = batchOf(Object.fromEntries(names.map((name) => [name, `${name}\n`])));
    const sent = uploadBatch(deps, { session: await rowOf(session), userId: session.userId, body });
    for (let turn = 0; turn < 3; turn += 1) await session.reconcile();
    await sent;
    await handOffsSettled();
    await session.reconcile();
    expect(await session.reconcile()).toEqual({ changed: 0, conflicts: 0, notSaved: 0, more: false });
    const files = session.workspace.list().filter((path) => path.endsWith('.txt'));
    expect(files.sort()).toEqual([...names].sort());
    expect(await editor.isClean(session)).toBe(true);
  });

  it('by a batch replaces nothing that a program wrote meanwhile: both are kept', async () => {
    const session = await ground.open({ plant: (planted) => editor.oneFile(planted) });
    session.workspace.write('clash.txt', 'by a program\n');
    const body = batchOf({ 'clash.txt': 'upload' });
    const placements = await uploadBatch(deps, { session: await rowOf(session), userId: session.userId, body });
    expect(placements).toEqual([{ outcome: 'made', path: 'clash.txt' }]);
    await handOffsSettled();
    await session.reconcile();
    await session.reconcile();
    const found = session.workspace.list().filter((path) => path.startsWith('clash'));
    const contents = found.map((path) => session.workspace.read(path)).sort();
    expect(contents).toEqual(['by a program\n', 'upload']);
    expect(await editor.isClean(session)).toBe(true);
  });
});
