import { restoreSession } from '#api/commands/restores/restoreSession.ts';
import { restoreVersion } from '#api/commands/restores/restoreVersion.ts';
import { restoreDeletedFiles } from '#api/commands/restores/deletedFiles.ts';
import { listVersions } from '#platform/db/repositories/fileVersions.ts';
import { listDeletedFiles } from '#platform/db/repositories/deletedFiles.ts';
import { listItems } from '#platform/db/repositories/items.ts';
import { findSession, type SessionRecord } from '#platform/db/repositories/sessions.ts';
import { dirtyPaths } from '#platform/db/repositories/syncBase.ts';
import { createTestDatabase, type TestDatabase } from '#tests/support/database.ts';
import { createEditor, type Editor } from '#tests/support/editor.ts';
import { createAgentGround, type AgentGround, type GroundSession } from '#tests/support/openedSession.ts';
import { waitFor } from '#tests/support/waitFor.ts';

let test: TestDatabase;
let ground: AgentGround;
let editor: Editor;
let session: GroundSession;
let record: SessionRecord;
beforeAll(async () => {
  test = await createTestDatabase();
  ground = await createAgentGround(test);
  editor = createEditor(ground);
  session = await ground.open({ plant: (planted) => editor.oneFile(planted) });
  record = (await findSession(test.database, session.ref.uuid))!;
});
afterAll(async () => {
  await ground.close();
  await test.drop();
});

const by = () => ({ session: record, userId: session.userId });
const at = async (): Promise<string> => {
  const [row] = await test.database.query<{ at: Date }>(`SELECT clock_timestamp() + interval '1 ms' AS at`);
  await waitFor(() => Date.now() > row!.at.getTime());
  return row!.at.toISOString();
};

describe('in an open session', () => {
  it('a restored session is on the volume after the next reconcile, which finds it by its base', async () => {
    session.workspace.write('tool', '#!/bin/sh\n', true);
    session.workspace.write('lib/a.txt', 'a');
    await session.reconcile();
    const then = await at();
    session.workspace.remove('lib');
    session.workspace.write('lib', 'a file now');
    session.workspace.write('tool', 'changed');
    session.workspace.write('since', 'new');
    await session.reconcile();
    await restoreSession(editor.deps, { ...by(), wanted: { at: then, path: null, dryRun: false } });
    expect((await dirtyPaths(test.database, record.id)).sort()).toEqual(['lib', 'lib/a.txt', 'since', 'tool']);
    await session.reconcile();
    expect(session.workspace.list().sort()).toEqual(['lib/', 'lib/a.txt', 'main.py', 'tool']);
    expect([session.workspace.read('lib/a.txt'), session.workspace.read('tool')]).toEqual(['a', '#!/bin/sh\n']);
    expect(session.workspace.isExecutable('tool')).toBe(true);
    expect(await session.reconcile()).toMatchObject({ changed: 0, conflicts: 0 });
  });

  it('a restored version is handed to the volume at once, and what a terminal deleted comes back', async () => {
    await editor.save(session, 'main.py', 'print(2)\n');
    const { id, version } = (await listItems(test.database, record.id)).find((item) => item.path === 'main.py')!;
    const versions = await listVersions(test.database, { sessionId: record.id, itemId: id, cursor: null, limit: 9 });
    const versionId = versions.at(-1)!.id;
    await restoreVersion(editor.deps, { ...by(), itemId: id, versionId, expectedVersion: version });
    await waitFor(() => session.workspace.read('main.py') === 'print(1)\n');
    session.workspace.remove('main.py');
    await session.reconcile();
    const [deleted] = await listDeletedFiles(test.database, { sessionId: record.id, cursor: null, limit: 9 });
    expect(deleted).toMatchObject({ itemId: id, path: 'main.py', source: 'terminal', deletedBy: null });
    await restoreDeletedFiles(editor.deps, { ...by(), itemIds: [id] });
    await session.reconcile();
    expect(session.workspace.read('main.py')).toBe('print(1)\n');
    expect((await listItems(test.database, record.id)).find((item) => item.path === 'main.py')?.id).toBe(id);
  });
});
