import { statSync } from 'node:fs';
import { join } from 'node:path';
import { createItem } from '#api/commands/items/createItem.ts';
import { handOffsSettled } from '#api/commands/items/handOffChange.ts';
import { updateItem } from '#api/commands/items/updateItem.ts';
import { CreateItem, type UpdateItem } from '#shared/contracts/item.ts';
import { listItems } from '#platform/db/repositories/items.ts';
import { findSession } from '#platform/db/repositories/sessions.ts';
import { reconcile } from '#activities/session/reconcile.ts';
import { createTestDatabase, type TestDatabase } from '#tests/support/database.ts';
import { createEditor, losingAnswers, type Editor } from '#tests/support/editor.ts';
import { createAgentGround, type AgentGround, type GroundSession } from '#tests/support/openedSession.ts';
import { createRenameSteps, type RenameSteps } from '#tests/support/renameSteps.ts';

let test: TestDatabase;
let ground: AgentGround;
let editor: Editor;
let steps: RenameSteps;
beforeAll(async () => {
  test = await createTestDatabase();
  ground = await createAgentGround(test);
  editor = createEditor(ground);
  steps = createRenameSteps(ground, editor);
});
afterAll(async () => {
  await ground.close();
  await test.drop();
});

/** Renames or moves an item in the editor. */
async function place(session: GroundSession, path: string, wanted: UpdateItem, deps = editor.deps): Promise<void> {
  const record = (await findSession(test.database, session.ref.uuid))!;
  const item = (await listItems(test.database, record.id)).find((one) => one.path === path)!;
  await updateItem(deps, { session: record, userId: session.userId, id: item.id, expectedVersion: null, wanted });
  await handOffsSettled();
}

const inodeOf = ({ workspace }: GroundSession, path: string): number => statSync(join(workspace.root, path)).ino;

describe('what the editor renamed and could not hand on', () => {
  it('is renamed on the volume, with what a program wrote under the old name, and merged', async () => {
    const session = await steps.opened({ 'a.py': '1\n2\n3\n', 'b.py': 'stays\n' });
    const before = await steps.idsOf(session);
    await steps.stopHandingOn(session);
    await place(session, 'a.py', { name: 'c.py' });
    await editor.save(session, 'c.py', 'ONE\n2\n3\n');
    session.workspace.write('a.py', '1\n2\nTHREE\n');
    await steps.settles(session);
    expect(await steps.idsOf(session)).toEqual({ 'c.py': before['a.py'], 'b.py': before['b.py'] });
    expect(session.workspace.read('c.py')).toBe('ONE\n2\nTHREE\n');
  });

  it('keeps its place on the disk: a folder takes along what is not saved', async () => {
    const session = await steps.opened({ 'src/in/a.py': 'a\n', 'top.py': 'top\n' });
    session.workspace.write('src/node_modules/x.js', 'x\n');
    const before = await steps.idsOf(session);
    const inode = inodeOf(session, 'top.py');
    await steps.stopHandingOn(session);
    await place(session, 'src', { name: 'lib' });
    await place(session, 'lib/in', { name: 'out', parentId: null });
    await place(session, 'top.py', { name: 'low.py', parentId: before['src']! });
    await session.reconcile();
    expect(session.workspace.list()).toEqual([
      'lib/',
      'lib/low.py',
      'lib/node_modules/',
      'lib/node_modules/x.js',
      'out/',
      'out/a.py',
    ]);
    expect(inodeOf(session, 'lib/low.py')).toBe(inode);
    expect(await session.reconcile()).toMatchObject({ changed: 0, conflicts: 0, more: false });
  });

  it('leaves alone what a program made under the new name: both are kept', async () => {
    const session = await steps.opened({ a: 'a\n' });
    const before = await steps.idsOf(session);
    await steps.stopHandingOn(session);
    await place(session, 'a', { name: 'b' });
    session.workspace.write('b', 'by a program\n');
    session.workspace.write('a', 'edited\n');
    await session.reconcile();
    const files = await editor.files(session);
    expect(Object.values(files).sort()).toEqual(['a\n', 'by a program\n', 'edited\n']);
    expect((await steps.idsOf(session))['b']).toBe(before['a']);
    await steps.settles(session);
  });

  it('and whose old name is another item now is no rename', async () => {
    const session = await steps.opened({ a: 'a\n' });
    const record = (await findSession(test.database, session.ref.uuid))!;
    await steps.stopHandingOn(session);
    await place(session, 'a', { name: 'b' });
    const wanted = CreateItem.parse({ name: 'a', type: 'file', content: 'another\n' });
    await createItem(editor.deps, { session: { ...record, phase: 'loading' }, userId: session.userId, wanted });
    await steps.settles(session);
    expect(await editor.files(session)).toEqual({ a: 'another\n', b: 'a\n' });
  });

  it('is no rename any more once a program has removed it: the item stays', async () => {
    const session = await steps.opened({ a: 'a\n', b: 'b\n' });
    await steps.stopHandingOn(session);
    await place(session, 'a', { name: 'c' });
    session.workspace.remove('a');
    await steps.settles(session);
    expect(await editor.files(session)).toEqual({ b: 'b\n', c: 'a\n' });
  });
});

describe('a rename that reached the volume and whose sender died before it knew', () => {
  it.each(['editor', 'worker'])(
    'of the %s is known there: an edit that follows it is no second file',
    async (sender) => {
      const session = await steps.opened({ 'p/a.py': 'one\n', 'p/b.py': 'b\n' });
      const before = await steps.idsOf(session);
      const dying = losingAnswers(ground, 'after');
      if (sender === 'editor') await place(session, 'p', { name: 'q' }, { ...editor.deps, agentPool: dying.agentPool });
      else {
        await steps.stopHandingOn(session);
        await place(session, 'p', { name: 'q' });
        const died = reconcile(dying, { ...session.ref, cause: 'test' }, () => undefined);
        await expect(died).rejects.toMatchObject({ code: 'AGENT_UNREACHABLE' });
      }
      expect(session.workspace.list()).toEqual(['q/', 'q/a.py', 'q/b.py']);
      session.workspace.write('q/a.py', 'two\n');
      await steps.settles(session);
      expect(await editor.files(session)).toEqual({ q: null, 'q/a.py': 'two\n', 'q/b.py': 'b\n' });
      expect(await steps.idsOf(session)).toEqual({
        q: before['p'],
        'q/a.py': before['p/a.py'],
        'q/b.py': before['p/b.py'],
      });
    },
  );
});
