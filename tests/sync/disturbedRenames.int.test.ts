import { handOffsSettled } from '#api/commands/items/handOffChange.ts';
import { updateItem } from '#api/commands/items/updateItem.ts';
import { listItems } from '#platform/db/repositories/items.ts';
import { findSession } from '#platform/db/repositories/sessions.ts';
import { reconcile } from '#activities/session/reconcile.ts';
import { createTestDatabase, type TestDatabase } from '#tests/support/database.ts';
import { afterScan, beforeScan, createEditor, losingAnswers, type Editor } from '#tests/support/editor.ts';
import { createAgentGround, type AgentGround } from '#tests/support/openedSession.ts';
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

describe('an edit in the editor under the old name', () => {
  it('lands at the new one, merged with what the program wrote there', async () => {
    const session = await steps.opened({ 'a.py': '1\n2\n3\n' });
    const before = await steps.idsOf(session);
    await steps.stopHandingOn(session);
    await editor.save(session, 'a.py', 'ONE\n2\n3\n');
    session.workspace.rename('a.py', 'b.py');
    session.workspace.write('b.py', '1\n2\nTHREE\n');
    await session.reconcile();
    expect(await steps.idsOf(session)).toEqual({ 'b.py': before['a.py'] });
    expect(session.workspace.read('b.py')).toBe('ONE\n2\nTHREE\n');
    await steps.settles(session);
  });

  it('is a conflict at the new name where both overlap', async () => {
    const session = await steps.opened({ 'd/a.py': 'base\n' });
    const before = await steps.idsOf(session);
    await steps.stopHandingOn(session);
    await editor.save(session, 'd/a.py', 'editor\n');
    session.workspace.rename('d', 'e');
    session.workspace.write('e/a.py', 'terminal\n');
    expect(await session.reconcile()).toMatchObject({ conflicts: 1 });
    const ids = await steps.idsOf(session);
    expect(ids['e/a.py']).toBe(before['d/a.py']);
    expect(Object.keys(ids).filter((path) => path.startsWith('e/a.conflict-'))).toHaveLength(1);
    expect(Object.values(await editor.files(session)).sort()).toEqual(['editor\n', null, 'terminal\n']);
    await steps.settles(session);
  });

  it('is saved while the rename is known to the volume alone, and reaches it', async () => {
    const session = await steps.opened({ 'a.py': 'one\n' });
    const before = await steps.idsOf(session);
    session.workspace.rename('a.py', 'b.py');
    await editor.save(session, 'a.py', 'two\n');
    await handOffsSettled();
    expect(session.workspace.list()).toEqual(['b.py']);
    await steps.settles(session);
    expect(await steps.idsOf(session)).toEqual({ 'b.py': before['a.py'] });
    expect(session.workspace.read('b.py')).toBe('two\n');
  });

  it('is saved right before the rename: what the agent wrote is known to it', async () => {
    const session = await steps.opened({ 'a.py': 'one\n' });
    const before = await steps.idsOf(session);
    await editor.save(session, 'a.py', 'two\n');
    await handOffsSettled();
    session.workspace.rename('a.py', 'b.py');
    session.workspace.write('b.py', 'three\n');
    await steps.settles(session);
    expect(await steps.idsOf(session)).toEqual({ 'b.py': before['a.py'] });
  });

  it('is saved between the scan and its commit', async () => {
    const session = await steps.opened({ 'a.py': 'one\n' });
    const before = await steps.idsOf(session);
    session.workspace.rename('a.py', 'b.py');
    const work = afterScan(ground, async () => {
      await editor.save(session, 'a.py', 'two\n');
      await handOffsSettled();
    });
    await reconcile(work, { ...session.ref, cause: 'test' }, () => undefined);
    await steps.settles(session);
    expect(await steps.idsOf(session)).toEqual({ 'b.py': before['a.py'] });
    expect(session.workspace.read('b.py')).toBe('two\n');
  });

  it('is saved and answered after the cycle began, and renamed before its scan', async () => {
    const session = await steps.opened({ 'a.py': 'one\n' });
    const before = await steps.idsOf(session);
    let scans = 0;
    const work = beforeScan(ground, async () => {
      scans += 1;
      if (scans > 1) return;
      await editor.save(session, 'a.py', 'two\n');
      await handOffsSettled();
      session.workspace.rename('a.py', 'c.py');
    });
    expect(await reconcile(work, { ...session.ref, cause: 'test' }, () => undefined)).toMatchObject({ more: true });
    await steps.settles(session);
    expect(await steps.idsOf(session)).toEqual({ 'c.py': before['a.py'] });
    expect(await editor.files(session)).toEqual({ 'c.py': 'two\n' });
  });

  it('was answered by nobody, went along, and is no edit of the program', async () => {
    const session = await steps.opened({ 'a.py': 'one\n' });
    const dying = createEditor({ ...ground, deps: losingAnswers(ground, 'after') });
    await dying.save(session, 'a.py', 'two\n');
    await handOffsSettled();
    expect(session.workspace.read('a.py')).toBe('two\n');
    session.workspace.rename('a.py', 'b.py');
    await steps.stopHandingOn(session);
    await editor.save(session, 'a.py', 'one\n');
    await steps.settles(session);
    expect(await editor.files(session)).toEqual({ 'b.py': 'one\n' });
  });
});

describe('a rename is not lost', () => {
  it('when the worker dies after the manifest, and the file is renamed again', async () => {
    const session = await steps.opened({ a: 'a\n', 'p/x': '' });
    const before = await steps.idsOf(session);
    session.workspace.rename('a', 'b');
    session.workspace.rename('p', 'q');
    for (const last of ['b', 'c']) {
      if (last === 'c') session.workspace.rename('b', 'c');
      const dies = afterScan(ground, () => Promise.reject(new Error('died')));
      const died = reconcile(dies, { ...session.ref, cause: 'test' }, () => undefined);
      await expect(died).rejects.toThrow('died');
    }
    await session.reconcile();
    expect(await steps.idsOf(session)).toEqual({ c: before['a'], q: before['p'], 'q/x': before['p/x'] });
    await steps.settles(session);
  });

  it('when the worker dies after the commit, before the volume has its edit', async () => {
    const session = await steps.opened({ a: 'a\n' });
    const before = await steps.idsOf(session);
    await steps.stopHandingOn(session);
    await editor.save(session, 'a', 'edited\n');
    session.workspace.rename('a', 'b');
    const dies = reconcile(losingAnswers(ground, 'before'), { ...session.ref, cause: 'test' }, () => undefined);
    await expect(dies).rejects.toMatchObject({ code: 'AGENT_UNREACHABLE' });
    session.workspace.rename('b', 'c');
    await steps.settles(session);
    expect(await steps.idsOf(session)).toEqual({ c: before['a'] });
    expect(session.workspace.read('c')).toBe('edited\n');
  });

  it('when the file is renamed again between the scan and the reading', async () => {
    const session = await steps.opened({ a: 'a\n' });
    const before = await steps.idsOf(session);
    session.workspace.rename('a', 'b');
    const work = afterScan(ground, () => Promise.resolve(session.workspace.rename('b', 'c')));
    expect(await reconcile(work, { ...session.ref, cause: 'test' }, () => undefined)).toMatchObject({ more: true });
    expect(await steps.idsOf(session)).toEqual(before);
    await steps.settles(session);
    expect(await steps.idsOf(session)).toEqual({ c: before['a'] });
  });

  it('when the agent was started again in between: equal content tells, also of whole folders', async () => {
    const session = await steps.opened({ a: 'a\n', 'p/__init__.py': '', 'p/x': 'x\n', 'p/y': 'y\n', 'p/in/z': 'z\n' });
    const before = await steps.idsOf(session);
    session.workspace.rename('a', 'b');
    session.workspace.rename('p', 'q');
    session.workspace.write('q/y', 'edited\n');
    await session.replacePod();
    await session.reconcile();
    const moved = Object.entries(before).map(([path, id]) => [path === 'a' ? 'b' : path.replace('p', 'q'), id]);
    expect(await steps.idsOf(session)).toEqual(Object.fromEntries(moved));
    await steps.settles(session);
  });

  it('when programs copy and delete, as a checkout of another branch does', async () => {
    const files = Array.from({ length: 40 }, (_, index) => [`old/f${index}.py`, `print(${index})\n`]);
    const session = await steps.opened({ ...Object.fromEntries(files), 'stays.py': 'print()\n' } as Record<
      string,
      string
    >);
    const before = await steps.idsOf(session);
    for (const [path, content] of files as Array<[string, string]>) {
      session.workspace.remove(path);
      session.workspace.write(path.replace('old', 'new'), content);
    }
    session.workspace.remove('old');
    session.workspace.remove('stays.py');
    session.workspace.write('stays.py', 'print(None)\n');
    await session.reconcile();
    const moved = Object.entries(before).map(([path, id]) => [path.replace('old', 'new'), id]);
    expect(await steps.idsOf(session)).toEqual(Object.fromEntries(moved));
    await steps.settles(session);
  });

  it('when the session closes right after it: what is drained has the new name', async () => {
    const session = await steps.opened({ a: 'a\n' });
    const before = await steps.idsOf(session);
    session.workspace.rename('a', 'b');
    expect(await session.save()).toEqual({ drained: true, superseded: false, notSaved: 0 });
    expect(await steps.idsOf(session)).toEqual({ b: before['a'] });
  });

  it('when the editor renames the same file: no byte is lost, and both come to rest', async () => {
    const session = await steps.opened({ a: 'a\n' });
    const record = (await findSession(test.database, session.ref.uuid))!;
    await steps.stopHandingOn(session);
    const [item] = await listItems(test.database, session.ref.sessionId);
    const change = { session: { ...record, phase: 'loading' as const }, userId: session.userId, expectedVersion: null };
    await updateItem(editor.deps, { ...change, id: item!.id, wanted: { name: 'by-editor' } });
    session.workspace.rename('a', 'by-terminal');
    await session.reconcile();
    expect((await steps.idsOf(session))['by-editor']).toBe(item!.id);
    await steps.settles(session);
  });
});
