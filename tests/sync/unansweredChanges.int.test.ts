import { createItem } from '#api/commands/items/createItem.ts';
import { deleteItem } from '#api/commands/items/deleteItem.ts';
import type { ItemDeps } from '#api/commands/items/itemDeps.ts';
import { updateItem } from '#api/commands/items/updateItem.ts';
import { handOffsSettled } from '#api/commands/items/handOffChange.ts';
import { CreateItem } from '#shared/contracts/item.ts';
import { listItems } from '#platform/db/repositories/items.ts';
import { findSession } from '#platform/db/repositories/sessions.ts';
import { readSent } from '#platform/db/repositories/sentChanges.ts';
import { reconcile } from '#activities/session/reconcile.ts';
import { createTestDatabase, type TestDatabase } from '#tests/support/database.ts';
import { createEditor, losingAnswers, type Editor } from '#tests/support/editor.ts';
import { createAgentGround, type AgentGround, type GroundSession } from '#tests/support/openedSession.ts';
import { saveInEditor } from '#tests/support/saveInEditor.ts';

let test: TestDatabase;
let ground: AgentGround;
let editor: Editor;
/** What commands and cycles work with when whoever sends a change dies before the answer. */
let dying: ItemDeps;
beforeAll(async () => {
  test = await createTestDatabase();
  ground = await createAgentGround(test);
  editor = createEditor(ground);
  dying = { ...editor.deps, agentPool: losingAnswers(ground, 'after').agentPool };
});
afterAll(async () => {
  await ground.close();
  await test.drop();
});

async function opened(): Promise<GroundSession> {
  return ground.open({ plant: (session) => editor.oneFile(session) });
}

/** Saves `content`, which reaches the volume, and whose sender dies before it hears of that. */
async function saveUnanswered({ ref, userId }: GroundSession, content: string): Promise<void> {
  await saveInEditor(dying, { uuid: ref.uuid, id: ref.sessionId, userId }, { path: 'main.py', content });
  await handOffsSettled();
}

describe('a change that reached the volume and whose sender died before it knew', () => {
  it('is no edit of a program: what the person saves after it stays', async () => {
    const session = await opened();
    await saveUnanswered(session, 'print(2)\n');
    expect(session.workspace.read('main.py')).toBe('print(2)\n');
    await editor.save(session, 'main.py', 'print(1)\n');
    await handOffsSettled();
    await session.reconcile();
    expect(await editor.files(session)).toEqual({ 'main.py': 'print(1)\n' });
    expect(session.workspace.read('main.py')).toBe('print(1)\n');
  });

  it('is no edit of a program when several followed one another', async () => {
    const session = await opened();
    for (const content of ['print(2)\n', 'print(3)\n', 'print(4)\n']) await saveUnanswered(session, content);
    await editor.save(session, 'main.py', 'print(5)\n');
    await handOffsSettled();
    await session.reconcile();
    expect(await editor.files(session)).toEqual({ 'main.py': 'print(5)\n' });
    expect(session.workspace.list()).toEqual(['main.py']);
    expect(session.workspace.read('main.py')).toBe('print(5)\n');
  });

  it('is no edit of a program when a worker sent it', async () => {
    const session = await opened();
    // Only the database learns of this save; a reconcile sends it and dies.
    await saveInEditor(
      { ...editor.deps, agentPool: losingAnswers(ground, 'before').agentPool },
      { uuid: session.ref.uuid, id: session.ref.sessionId, userId: session.userId },
      { path: 'main.py', content: 'print(2)\n' },
    );
    await handOffsSettled();
    const died = reconcile(losingAnswers(ground, 'after'), { ...session.ref, cause: 'test' }, () => undefined);
    await expect(died).rejects.toMatchObject({ code: 'AGENT_UNREACHABLE' });
    expect(session.workspace.read('main.py')).toBe('print(2)\n');
    await editor.save(session, 'main.py', 'print(1)\n');
    await handOffsSettled();
    await session.reconcile();
    expect(await editor.files(session)).toEqual({ 'main.py': 'print(1)\n' });
  });

  it('is no deletion by a program: a file that the person makes again stays', async () => {
    const session = await opened();
    const { ref, userId } = session;
    const record = (await findSession(test.database, ref.uuid))!;
    const [item] = await listItems(test.database, ref.sessionId);
    await deleteItem(dying, { session: record, userId, id: item!.id, expectedVersion: item!.version });
    await handOffsSettled();
    expect(session.workspace.list()).toEqual([]);
    const wanted = CreateItem.parse({ name: 'main.py', type: 'file', content: 'print(1)\n' });
    await createItem(
      { ...dying, agentPool: losingAnswers(ground, 'before').agentPool },
      { session: record, userId, wanted },
    );
    await handOffsSettled();
    await session.reconcile();
    expect(await editor.files(session)).toEqual({ 'main.py': 'print(1)\n' });
    expect(session.workspace.read('main.py')).toBe('print(1)\n');
  });

  it('is no move by a program: a file that the person moves back stays where it is', async () => {
    const session = await opened();
    const { ref, userId } = session;
    const record = (await findSession(test.database, ref.uuid))!;
    const rename = async (deps: ItemDeps, name: string): Promise<void> => {
      const [item] = await listItems(test.database, ref.sessionId);
      const change = { session: record, userId, id: item!.id, expectedVersion: item!.version, wanted: { name } };
      await updateItem(deps, change);
      await handOffsSettled();
    };
    await rename(dying, 'moved.py');
    expect(session.workspace.list()).toEqual(['moved.py']);
    await rename({ ...dying, agentPool: losingAnswers(ground, 'before').agentPool }, 'main.py');
    await session.reconcile();
    expect(await editor.files(session)).toEqual({ 'main.py': 'print(1)\n' });
    expect(session.workspace.list()).toEqual(['main.py']);
  });

  it('does not hide what a program writes after it', async () => {
    const session = await opened();
    await saveUnanswered(session, 'print(2)\n');
    session.workspace.write('main.py', 'print(3)\n');
    await session.reconcile();
    expect(await editor.files(session)).toMatchObject({ 'main.py': 'print(2)\n' });
    expect(Object.values(await editor.files(session))).toContain('print(3)\n');
  });
});

it('an answered change leaves no note behind', async () => {
  const session = await opened();
  await editor.save(session, 'main.py', 'print(2)\n');
  await handOffsSettled();
  await session.reconcile();
  expect((await readSent(test.database, session.volumeId)).size).toBe(0);
});
