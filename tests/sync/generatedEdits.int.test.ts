import fc from 'fast-check';
import { createItem } from '#api/commands/items/createItem.ts';
import { deleteItem } from '#api/commands/items/deleteItem.ts';
import { handOffsSettled } from '#api/commands/items/handOffChange.ts';
import { saveItem } from '#api/commands/items/saveItem.ts';
import { updateItem } from '#api/commands/items/updateItem.ts';
import { CreateItem } from '#shared/contracts/item.ts';
import { isAppError } from '#shared/domain/errors.ts';
import { lastName, parentPath } from '#shared/domain/paths.ts';
import { sha256 } from '#platform/db/content.ts';
import { readTree } from '#platform/db/repositories/itemBatches.ts';
import { findItemWithContent } from '#platform/db/repositories/items.ts';
import { findSession, type SessionRecord } from '#platform/db/repositories/sessions.ts';
import { readBase } from '#platform/db/repositories/syncBase.ts';
import { createTestDatabase, type TestDatabase } from '#tests/support/database.ts';
import { shortPath, type Edit } from '#tests/support/mergeSimulation.ts';
import { createAgentGround, type AgentGround, type GroundSession } from '#tests/support/openedSession.ts';
import { scaled, SEED } from '#tests/support/scale.ts';

let test: TestDatabase;
let ground: AgentGround;
beforeAll(async () => {
  test = await createTestDatabase();
  ground = await createAgentGround(test);
});
afterAll(async () => {
  await ground.close();
  await test.drop();
});

const names = fc.constantFrom('a', 'b', 'c.py', 'ü');
const somePath = fc.array(names, { minLength: 1, maxLength: 3 }).map(shortPath);
const text = fc.array(fc.constantFrom('1', '2', '3', ''), { maxLength: 5 }).map((lines) => lines.join('\n'));
const binary = fc.constantFrom('\0one', '\0two', '\0three');
const content = fc.oneof(text, text, binary);
const common = [
  fc.record({ kind: fc.constant('write' as const), path: somePath, content, executable: fc.boolean() }),
  fc.record({ kind: fc.constant('line' as const), path: somePath, line: fc.nat(6), text: fc.constantFrom('x', 'y') }),
  fc.record({ kind: fc.constant('mkdir' as const), path: somePath }),
  fc.record({ kind: fc.constant('remove' as const), path: somePath }),
  fc.record({ kind: fc.constant('move' as const), path: somePath, to: somePath }),
  fc.record({ kind: fc.constant('chmod' as const), path: somePath }),
];
const link = fc.record({ kind: fc.constant('link' as const), path: somePath, target: names });
const editorEdits = fc.array(fc.oneof(...common), { maxLength: 6 });
const terminalEdits = fc.array(fc.oneof(...common, link), { maxLength: 6 });
interface Round {
  editor: Edit[];
  terminal: Edit[];
  /** Whether the editor's changes are handed to the agent, or only found by the reconcile. */
  isHandedOn: boolean;
  /** Whether the edits go on while the reconcile runs. */
  isConcurrent: boolean;
}
const round: fc.Arbitrary<Round> = fc.record({
  editor: editorEdits,
  terminal: terminalEdits,
  isHandedOn: fc.boolean(),
  isConcurrent: fc.boolean(),
});

describe('generated edits on both sides of a real agent', () => {
  it('lose no acknowledged byte, and come to rest: pod, database and base are one', async () => {
    await fc.assert(
      fc.asyncProperty(editorEdits, fc.array(round, { minLength: 1, maxLength: 3 }), async (first, rounds) => {
        const acknowledged = new Set<string>();
        const session = await ground.open({
          plant: async (planted) => {
            for (const edit of first) await editAsPerson(planted, edit, acknowledged);
          },
        });
        for (const step of rounds) await playRound(session, step, acknowledged);
        await comeToRest(session);
        await checkReachable(acknowledged);
        await session.end();
      }),
      { seed: SEED, numRuns: scaled(200), endOnFailure: true },
    );
  }, 1_800_000);
});

async function playRound(session: GroundSession, step: Round, acknowledged: Set<string>): Promise<void> {
  const phase = step.isHandedOn ? 'running' : 'loading';
  await test.database.query(`UPDATE sessions SET phase = $2 WHERE id = $1`, [session.ref.sessionId, phase]);
  const edits = async (): Promise<void> => {
    for (const edit of step.terminal) session.workspace.edit(edit);
    for (const edit of step.editor) await editAsPerson(session, edit, acknowledged);
  };
  if (step.isConcurrent) {
    await Promise.all([edits(), session.reconcile()]);
    return;
  }
  await edits();
  await handOffsSettled();
  // What a program left here before a whole cycle is as good as acknowledged after it.
  const left = [...session.workspace.contents().values()].map((bytes) => sha256(bytes));
  const { more } = await session.reconcile();
  if (!more) for (const digest of left) acknowledged.add(digest);
}

/** Two quiet cycles at most once nothing is under way; a third changes nothing. */
async function comeToRest(session: GroundSession): Promise<void> {
  await handOffsSettled();
  await session.reconcile();
  await session.reconcile();
  expect(await session.reconcile()).toEqual({ changed: 0, conflicts: 0, notSaved: 0, more: false });
  const rows = await readTree(test.database, session.ref.sessionId);
  const base = await readBase(test.database, session.volumeId);
  const describe = (path: string, entry: { type: string; sha256: string | null; executable: boolean }): string =>
    `${path} ${entry.type} ${entry.sha256} ${entry.executable}`;
  const inDatabase = [...rows].map(([path, row]) => describe(path, row)).sort();
  expect([...base].map(([path, entry]) => describe(path, entry)).sort()).toEqual(inDatabase);
  const onVolume = session.workspace.list().map((path) => path.replace(/\/$/, ''));
  expect(onVolume.sort()).toEqual([...rows.keys()].sort());
  for (const [path, bytes] of session.workspace.contents()) expect(sha256(bytes)).toBe(rows.get(path)?.sha256);
}

async function checkReachable(acknowledged: Set<string>): Promise<void> {
  const missing = await test.database.query<{ sha256: string }>(
    `SELECT a.sha256 FROM unnest($1::text[]) AS a (sha256)
     WHERE NOT EXISTS (SELECT 1 FROM file_versions v JOIN blobs b USING (sha256) WHERE v.sha256 = a.sha256)`,
    [[...acknowledged]],
  );
  expect(missing).toEqual([]);
}

/** Makes an edit through the api's own commands; one that they refuse is left out. */
async function editAsPerson(session: GroundSession, edit: Edit, acknowledged: Set<string>): Promise<void> {
  try {
    await carryOutEdit(session, edit, acknowledged);
  } catch (error) {
    if (!isAppError(error) || error.status >= 500) throw error;
  }
}

async function carryOutEdit(session: GroundSession, edit: Edit, acknowledged: Set<string>): Promise<void> {
  const deps = { ...ground.deps, config: test.config };
  const record = (await findSession(test.database, session.ref.uuid))!;
  const rows = await readTree(test.database, record.id);
  const row = rows.get(edit.path);
  const by = { session: record, userId: session.userId };
  const folderOf = (path: string): number | null => {
    const parent = parentPath(path);
    return parent === null ? null : (rows.get(parent)?.id ?? -1);
  };
  if (edit.kind === 'write' && row?.type === 'file') await save(by, { ...row, content: edit.content }, acknowledged);
  else if (edit.kind === 'write' || edit.kind === 'mkdir') {
    const isFile = edit.kind === 'write';
    const file = isFile ? { content: Buffer.from(edit.content).toString('base64'), encoding: 'base64' } : {};
    const type = isFile ? 'file' : 'folder';
    const wanted = { parentId: folderOf(edit.path), name: lastName(edit.path), type, ...file };
    if (wanted.parentId === -1) return;
    const item = await createItem(deps, { ...by, wanted: CreateItem.parse(wanted) });
    if (item.sha256 !== null) acknowledged.add(item.sha256);
  } else if (row === undefined) return;
  else if (edit.kind === 'remove') await deleteItem(deps, { session: record, id: row.id, expectedVersion: null });
  else if (edit.kind === 'move') {
    const wanted = { parentId: folderOf(edit.to), name: lastName(edit.to) };
    if (wanted.parentId !== -1) await updateItem(deps, { ...by, id: row.id, expectedVersion: null, wanted });
  } else if (edit.kind === 'chmod') {
    await updateItem(deps, { ...by, id: row.id, expectedVersion: null, wanted: { executable: !row.executable } });
  } else if (edit.kind === 'line' && row.type === 'file') {
    const file = await findItemWithContent(test.database, { sessionId: record.id, id: row.id });
    if (file?.encoding !== 'utf8') return;
    const lines = file.content.split('\n');
    lines[edit.line % lines.length] = edit.text;
    await save(by, { ...row, content: lines.join('\n') }, acknowledged);
  }
}

async function save(
  by: { session: SessionRecord; userId: number },
  file: { id: number; version: number; content: string },
  acknowledged: Set<string>,
): Promise<void> {
  const wanted = { content: Buffer.from(file.content).toString('base64'), encoding: 'base64' as const };
  const deps = { ...ground.deps, config: test.config };
  const saved = await saveItem(deps, { ...by, id: file.id, expectedVersion: file.version, wanted });
  if (saved.sha256 !== null) acknowledged.add(saved.sha256);
}
