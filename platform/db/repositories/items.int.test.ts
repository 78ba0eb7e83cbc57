import fc from 'fast-check';
import { isAppError } from '#shared/domain/errors.ts';
import { ancestorPaths } from '#shared/domain/paths.ts';
import { describeFile } from '#platform/db/content.ts';
import {
  createStarterItems,
  deleteItemRow,
  findItemWithContent,
  insertFile,
  insertFolder,
  listItems,
  listSubtree,
  placeItem,
  saveFile,
  type ItemRecord,
} from '#platform/db/repositories/items.ts';
import { findVersion, listVersions } from '#platform/db/repositories/fileVersions.ts';
import { writeTree, readTree } from '#platform/db/repositories/itemBatches.ts';
import { storeBlobs } from '#platform/db/repositories/blobs.ts';
import { lockSessionById } from '#platform/db/repositories/sessions.ts';
import { createTestDatabase, type TestDatabase } from '#tests/support/database.ts';
import { build } from '#tests/support/factories.ts';
import { scaled, SEED } from '#tests/support/scale.ts';
import type { Tx } from '#platform/db/database.ts';

let test: TestDatabase;
beforeAll(async () => {
  test = await createTestDatabase();
});
afterAll(() => test.drop());

const bytes = (text: string) => describeFile(Buffer.from(text));
const byEditor = (userId: number) => ({ userId, source: 'editor' as const });

/** Runs a change of the tree as every change runs: under the session's row lock. */
function locked<T>(sessionId: number, work: (tx: Tx) => Promise<T>): Promise<T> {
  return test.database.transaction(async (tx) => {
    await lockSessionById(test.database, sessionId, tx);
    return work(tx);
  });
}

async function newFile(session: { id: number; userId: number }, name: string, parentId: number | null = null) {
  const file = { sessionId: session.id, parentId, name, content: bytes(`in ${name}`), executable: false };
  return locked(session.id, (tx) => insertFile(test.database, { ...file, author: byEditor(session.userId) }, tx));
}

function newFolder(session: { id: number; userId: number }, name: string, parentId: number | null = null) {
  const folder = { sessionId: session.id, parentId, name, userId: session.userId };
  return locked(session.id, (tx) => insertFolder(test.database, folder, tx));
}

const move = (item: ItemRecord, parentId: number | null, name = item.name) =>
  locked(item.sessionId, (tx) =>
    placeItem(test.database, { id: item.id, parentId, name, executable: false, userId: null }, tx),
  );

describe('items', () => {
  it('begin with a file that says hello, which has a version and can be read back', async () => {
    const session = await build.session(test.database);
    await locked(session.id, (tx) => createStarterItems(test.database, session, 'python', tx));
    const [item] = await listItems(test.database, session.id);
    expect(item).toMatchObject({ path: 'main.py', version: 1, encoding: 'utf8' });
    const file = await findItemWithContent(test.database, { sessionId: session.id, id: item!.id });
    expect(file?.content).toContain('Hello');
    const [version] = await listVersions(test.database, {
      sessionId: session.id,
      itemId: item!.id,
      cursor: null,
      limit: 5,
    });
    expect(version).toMatchObject({ version: 1, source: 'starter', sha256: item!.sha256 });
  });

  it('take a save over the seen version only, and keep the bytes of every version', async () => {
    const session = await build.session(test.database);
    const item = await newFile(session, 'a.txt');
    const save = (expectedVersion: number, text: string) =>
      locked(session.id, (tx) =>
        saveFile(
          test.database,
          {
            sessionId: session.id,
            id: item.id,
            expectedVersion,
            content: bytes(text),
            author: byEditor(session.userId),
          },
          tx,
        ),
      );
    expect(await save(1, 'two')).toMatchObject({ version: 2 });
    expect(await save(1, 'stale')).toBeNull();
    const page = { sessionId: session.id, itemId: item.id, cursor: null, limit: 10 };
    const versions = await listVersions(test.database, page);
    expect(versions.map((version) => version.version)).toEqual([2, 1]);
    const texts = await Promise.all(
      versions.map(async ({ id }) =>
        (await findVersion(test.database, { sessionId: session.id, itemId: item.id, id }))?.bytes.toString(),
      ),
    );
    expect(texts).toEqual(['two', 'in a.txt']);
  });

  it('let exactly one of many concurrent saves of one version win', async () => {
    const session = await build.session(test.database);
    const item = await newFile(session, 'a.txt');
    const saves = Array.from({ length: 8 }, (_, index) =>
      locked(session.id, (tx) =>
        saveFile(
          test.database,
          {
            sessionId: session.id,
            id: item.id,
            expectedVersion: 1,
            content: bytes(`save ${index}`),
            author: byEditor(session.userId),
          },
          tx,
        ),
      ),
    );
    expect((await Promise.all(saves)).filter((saved) => saved !== null)).toHaveLength(1);
  });

  it('keep the versions of what is deleted', async () => {
    const session = await build.session(test.database);
    const folder = await newFolder(session, 'src');
    const item = await newFile(session, 'a.txt', folder.id);
    await locked(session.id, (tx) => deleteItemRow(test.database, folder.id, tx));
    expect(await listItems(test.database, session.id)).toEqual([]);
    const page = { sessionId: session.id, itemId: item.id, cursor: null, limit: 10 };
    expect(await listVersions(test.database, page)).toHaveLength(1);
  });

  it('carry the paths of all that is in a folder along when it moves', async () => {
    const session = await build.session(test.database);
    const [from, to] = [await newFolder(session, 'from'), await newFolder(session, 'to')];
    const inner = await newFolder(session, 'inner', from.id);
    await newFile(session, 'a.txt', inner.id);
    await move(from, to.id, 'moved');
    const paths = (await listSubtree(test.database, { sessionId: session.id, id: to.id })).map((item) => item.path);
    expect(paths).toEqual(['to', 'to/moved', 'to/moved/inner', 'to/moved/inner/a.txt']);
  });
});

describe('the database itself', () => {
  it('refuses a cycle, a parent that is a file, a parent of another session, and a name twice in a folder', async () => {
    const session = await build.session(test.database);
    const [outer, other] = [await newFolder(session, 'outer'), await build.session(test.database)];
    const inner = await newFolder(session, 'inner', outer.id);
    const file = await newFile(session, 'file');
    await expect(move(outer, inner.id)).rejects.toThrow(/cannot be moved into itself/);
    await expect(move(outer, outer.id)).rejects.toThrow(/cannot be moved into itself/);
    await expect(move(inner, file.id)).rejects.toThrow(/is not a folder of this session/);
    await expect(newFile(other, 'stray', outer.id)).rejects.toThrow(/is not a folder of this session/);
    await expect(newFile(session, 'file')).rejects.toThrow();
    await expect(newFolder(session, 'inner', outer.id)).rejects.toThrow();
  });

  it.each(['', '.', '..', 'a/b', 'x'.repeat(256), '\u00e9'.repeat(128)])('refuses the name %j', async (name) => {
    const session = await build.session(test.database);
    await expect(newFile(session, name)).rejects.toThrow();
  });

  it.each([
    "'; DROP TABLE users; --",
    '$1',
    '%s',
    ' ',
    '\n',
    '\\',
    '"',
    '…',
    '👩‍👩‍👧',
    'x'.repeat(255),
    '-rf',
    '\u202Etxt',
  ])('holds the hostile name %j as it is, in single and in batch statements', async (name) => {
    const session = await build.session(test.database);
    const folder = await newFolder(session, name);
    await newFile(session, name, folder.id);
    const content = bytes(name);
    await storeBlobs(test.database, [content]);
    await locked(session.id, async (tx) => {
      const rows = await readTree(test.database, session.id, tx);
      const file = { path: `batch/${name}`, ...content, executable: false };
      const files = [{ ...file, source: 'terminal' as const }];
      await writeTree(test.database, { sessionId: session.id, rows, removed: [], folders: ['batch'], files }, tx);
    });
    const paths = (await listItems(test.database, session.id)).map((item) => item.path).sort();
    expect(paths).toEqual([name, `${name}/${name}`, 'batch', `batch/${name}`].sort());
  });
});

describe('concurrent changes of one tree', () => {
  it('leave right paths and no cycle, whatever order they come in', async () => {
    const step = fc.record({
      kind: fc.constantFrom('rename', 'move', 'insert', 'delete'),
      item: fc.nat(20),
      target: fc.nat(20),
      name: fc.constantFrom('a', 'b', 'c', 'd'),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 4, maxLength: 10 }), async (steps) => {
        const session = await build.session(test.database);
        const items = await plantTree(session);
        await Promise.all(steps.map((one) => attempt(session, items, one)));
        await checkPaths(session.id);
      }),
      { seed: SEED, numRuns: scaled(1_000) },
    );
  }, 300_000);
});

async function plantTree(session: { id: number; userId: number }): Promise<ItemRecord[]> {
  const items: ItemRecord[] = [];
  for (const name of ['a', 'b', 'c']) {
    const outer = await newFolder(session, name);
    const inner = await newFolder(session, 'a', outer.id);
    items.push(outer, inner, await newFile(session, 'b', inner.id));
  }
  return items;
}

interface RaceStep {
  kind: string;
  item: number;
  target: number;
  name: string;
}

/** A change that the database refuses, as a name taken or a cycle, is part of the race; nothing else may fail. */
async function attempt(session: { id: number; userId: number }, items: ItemRecord[], step: RaceStep): Promise<void> {
  const item = items[step.item % items.length]!;
  const target = items[step.target % (items.length + 1)] ?? null;
  try {
    if (step.kind === 'rename') await move(item, item.parentId, step.name);
    else if (step.kind === 'move') await move(item, target?.id ?? null);
    else if (step.kind === 'insert') await newFile(session, step.name, target?.id ?? null);
    else await locked(session.id, (tx) => deleteItemRow(test.database, item.id, tx));
  } catch (error) {
    const isRefusal = /cannot be moved into itself|is not a folder|Validation error|foreign key/.test(String(error));
    if (!isRefusal && !isAppError(error, 'NOT_FOUND')) throw error;
  }
}

/** Every path is its parent's path and its name, and every item is reached from the root. */
async function checkPaths(sessionId: number): Promise<void> {
  const items = await listItems(test.database, sessionId);
  const byId = new Map(items.map((item) => [item.id, item]));
  for (const item of items) {
    const parent = item.parentId === null ? null : byId.get(item.parentId);
    expect(parent).not.toBeUndefined();
    expect(item.path).toBe(parent ? `${parent.path}/${item.name}` : item.name);
    expect(ancestorPaths(item.path).length).toBeLessThan(20);
  }
  const reached = await test.database.query<{ count: number }>(
    `WITH RECURSIVE down AS (
       SELECT id FROM workspace_items WHERE session_id = $1 AND parent_id IS NULL
       UNION ALL SELECT w.id FROM workspace_items w JOIN down ON w.parent_id = down.id)
     SELECT count(*)::integer AS count FROM down`,
    [sessionId],
  );
  expect(reached[0]?.count).toBe(items.length);
}
