import fc from 'fast-check';
import { comparePaths, isBelow, parentPath } from '#shared/domain/paths.ts';
import { describeFile } from '#platform/db/content.ts';
import type { Tx } from '#platform/db/database.ts';
import { storeBlobs } from '#platform/db/repositories/blobs.ts';
import { readTree, writeTree } from '#platform/db/repositories/itemBatches.ts';
import { listItems, placeItem } from '#platform/db/repositories/items.ts';
import { lockSessionById, type SessionRecord } from '#platform/db/repositories/sessions.ts';
import { deleteItem } from '#api/commands/items/deleteItem.ts';
import { loadOwnSession } from '#api/policies/sessionPolicy.ts';
import { build } from '#tests/support/factories.ts';
import { scaled, SEED } from '#tests/support/scale.ts';
import { startTestApi, type TestApi, type TestPerson } from '#tests/support/testApi.ts';

let api: TestApi;
let owner: TestPerson;
beforeAll(async () => {
  api = await startTestApi();
  owner = await api.person();
});
afterAll(() => api.close());

const PATHS = ['a', 'b', 'a/b', 'a/c', 'a/c/d', 'b/a', 'é b'];
type Edit =
  | { kind: 'write'; path: string; content: string; executable: boolean; link: boolean }
  | { kind: 'folder'; path: string }
  | { kind: 'remove'; path: string }
  | { kind: 'move'; path: string; to: string };
const path = fc.constantFrom(...PATHS);
const anyEdit: fc.Arbitrary<Edit> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('write' as const),
      path,
      content: fc.constantFrom('x', 'y\n', 'z\0z', ''),
      executable: fc.boolean(),
      link: fc.integer({ min: 0, max: 5 }).map((number) => number === 0),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('folder' as const), path }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('remove' as const), path }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('move' as const), path, to: path }) },
);

/** All that is in the rows, with the bytes. */
async function treeOf(sessionId: number): Promise<unknown[]> {
  return api.database.query(
    `SELECT full_path AS path, type, encoding, executable, sha256, size::int, content FROM workspace_items
     WHERE session_id = $1 ORDER BY full_path COLLATE "C"`,
    [sessionId],
  );
}

async function moment(): Promise<string> {
  const [row] = await api.database.query<{ at: string }>(
    `SELECT to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') AS at`,
  );
  return row!.at;
}

function locked<T>(sessionId: number, work: (tx: Tx) => Promise<T>): Promise<T> {
  return api.database.transaction(async (tx) => {
    await lockSessionById(api.database, sessionId, tx);
    return work(tx);
  });
}

/** One change as an editor or a terminal makes it; one that the tree does not permit is left out. */
async function carryOut(session: SessionRecord, edit: Edit): Promise<void> {
  const { database } = api;
  const sessionId = session.id;
  const items = new Map((await listItems(database, sessionId)).map((item) => [item.path, item]));
  const item = items.get(edit.path);
  if (edit.kind === 'remove') {
    if (item) await deleteItem(api.deps, { session, userId: owner.id, id: item.id, expectedVersion: null });
  } else if (edit.kind === 'move') {
    const folder = parentPath(edit.to);
    const parent = folder === null ? null : items.get(folder);
    const isFree = !items.has(edit.to) && edit.to !== edit.path && !isBelow(edit.to, edit.path);
    if (!item || !isFree || (parent !== null && parent?.type !== 'folder')) return;
    const { id, executable } = item;
    const name = edit.to.slice(edit.to.lastIndexOf('/') + 1);
    await locked(sessionId, (tx) =>
      placeItem(database, { id, parentId: parent?.id ?? null, name, executable, userId: owner.id }, tx),
    );
  } else {
    await writeFromTerminal(session, edit);
  }
}

/** What stands in the way goes, as when a program replaces a folder by a file. */
async function writeFromTerminal(
  session: SessionRecord,
  edit: Extract<Edit, { kind: 'write' | 'folder' }>,
): Promise<void> {
  const { database } = api;
  await locked(session.id, async (tx) => {
    const rows = await readTree(database, session.id, tx);
    const above = parentPath(edit.path) === null ? [] : PATHS.filter((other) => isBelow(edit.path, other));
    const isFile = edit.kind === 'write';
    const inTheWay = [...rows].filter(([other, row]) => {
      if (above.includes(other)) return row.type !== 'folder';
      return (other === edit.path && (row.type === 'folder') === isFile) || (isFile && isBelow(other, edit.path));
    });
    const folders = isFile ? above : [...above, edit.path];
    const removed = inTheWay.map(([other]) => other).sort(comparePaths);
    const write = { sessionId: session.id, rows, removed, folders };
    if (edit.kind === 'folder') return writeTree(database, { ...write, files: [] }, tx);
    const content = describeFile(Buffer.from(edit.link ? 'b' : edit.content));
    await storeBlobs(database, [content], tx);
    const { sha256, size } = content;
    const encoding = edit.link ? ('symlink' as const) : content.encoding;
    const executable = edit.executable && !edit.link;
    const file = { path: edit.path, sha256, size, encoding, executable, source: 'terminal' as const };
    await writeTree(database, { ...write, files: [file] }, tx);
  });
}

/** The same bytes twice make a version, and no other past. */
const SAME: Edit = { kind: 'write', path: 'b', content: 'x', executable: false, link: false };
const SAVED_TWICE: [Edit[], number[]] = [[SAME, SAME, { kind: 'folder', path: 'a' }], [1]];

const restore = (uuid: string, body: object) =>
  api.send('POST', `/api/v1/sessions/${uuid}/restore`, { as: owner, body });

describe('a session restored to any moment', () => {
  it('is what it was then, byte by byte, also after it was restored before', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(anyEdit, { minLength: 3, maxLength: 25 }),
        fc.array(fc.nat({ max: 60 }), { minLength: 1, maxLength: 5 }),
        async (edits, choices) => {
          const { uuid } = await build.session(api.database, { userId: owner.id });
          const session = await loadOwnSession(api.deps, owner, uuid);
          const remembered = [{ at: await moment(), tree: await treeOf(session.id) }];
          const remember = async () => remembered.push({ at: await moment(), tree: await treeOf(session.id) });
          for (const edit of edits) {
            await carryOut(session, edit);
            await remember();
          }
          for (const choice of choices) {
            const { at, tree } = remembered[choice % remembered.length]!;
            const dry = await restore(uuid, { at, dryRun: true });
            expect(await treeOf(session.id)).toEqual(remembered.at(-1)!.tree);
            expect(await restore(uuid, { at })).toMatchObject({ status: 200, body: dry.body });
            expect(await treeOf(session.id)).toEqual(tree);
            expect((await restore(uuid, { at, dryRun: true })).body.changes).toEqual([]);
            await remember();
          }
          await expectOneFileAWay(session.id);
        },
      ),
      { seed: SEED, numRuns: scaled(200), examples: [SAVED_TWICE] },
    );
  });
});

/** Nothing is in the trash and in the tree, and every present row has exactly one period that lasts. */
async function expectOneFileAWay(sessionId: number): Promise<void> {
  const wrong = await api.database.query(
    `SELECT w.id FROM workspace_items w WHERE w.session_id = $1 AND (
       EXISTS (SELECT 1 FROM deleted_files d WHERE d.item_id = w.id)
       OR 1 <> (SELECT count(*) FROM item_periods p WHERE p.item_id = w.id AND p.ended_at IS NULL
         AND (p.path, p.sha256, p.executable, p.version) IS NOT DISTINCT FROM (w.full_path, w.sha256, w.executable, w.version)))
     UNION ALL SELECT p.item_id FROM item_periods p WHERE p.session_id = $1 AND p.ended_at IS NULL
       AND NOT EXISTS (SELECT 1 FROM workspace_items w WHERE w.id = p.item_id)`,
    [sessionId],
  );
  expect(wrong).toEqual([]);
}
