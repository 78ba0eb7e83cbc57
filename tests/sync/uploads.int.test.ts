import { randomBytes } from 'node:crypto';
import { handOffsSettled } from '#api/commands/items/handOffChange.ts';
import type { ItemDeps } from '#api/commands/items/itemDeps.ts';
import { completeUpload } from '#api/commands/uploads/completeUpload.ts';
import { createUpload } from '#api/commands/uploads/createUpload.ts';
import { receivePart } from '#api/commands/uploads/receivePart.ts';
import { uploadBatch } from '#api/commands/uploads/uploadBatch.ts';
import { CreateUpload } from '#shared/contracts/upload.ts';
import { findSession, type SessionRecord } from '#platform/db/repositories/sessions.ts';
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

  it('by a batch is there after the next reconcile, and what a program wrote meanwhile is kept', async () => {
    const session = await ground.open({ plant: (planted) => editor.oneFile(planted) });
    session.workspace.write('clash.txt', 'by a program\n');
    const header = Buffer.from(JSON.stringify({ path: 'clash.txt', size: 6 }));
    const length = Buffer.alloc(4);
    length.writeUInt32BE(header.length);
    const body = Buffer.concat([length, header, Buffer.from('upload')]);
    const placements = await uploadBatch(deps, { session: await rowOf(session), userId: session.userId, body });
    expect(placements).toEqual([{ outcome: 'made', path: 'clash.txt' }]);
    await session.reconcile();
    await session.reconcile();
    const found = session.workspace.list().filter((path) => path.startsWith('clash'));
    const contents = found.map((path) => session.workspace.read(path)).sort();
    expect(contents).toEqual(['by a program\n', 'upload']);
    expect(await editor.isClean(session)).toBe(true);
  });
});
