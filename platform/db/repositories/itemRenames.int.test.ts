import fc from 'fast-check';
import { joinPath } from '#shared/domain/paths.ts';
import { readTree, writeTree, type FileWrite } from '#platform/db/repositories/itemBatches.ts';
import { renameRows } from '#platform/db/repositories/itemRenames.ts';
import { lockSessionById } from '#platform/db/repositories/sessions.ts';
import { createTestDatabase, type TestDatabase } from '#tests/support/database.ts';
import { build } from '#tests/support/factories.ts';
import { shortPath, Simulation } from '#tests/support/mergeSimulation.ts';
import { scaled, SEED } from '#tests/support/scale.ts';

let test: TestDatabase;
beforeAll(async () => {
  test = await createTestDatabase();
});
afterAll(() => test.drop());

const somePath = fc.array(fc.constantFrom('a', 'b', 'c'), { minLength: 1, maxLength: 3 }).map(shortPath);
const make = fc.oneof(
  fc.record({ kind: fc.constant('mkdir' as const), path: somePath }),
  fc.record({
    kind: fc.constant('write' as const),
    path: somePath,
    content: fc.constantFrom('1', '2'),
    executable: fc.constant(false),
  }),
);
/** A program moves one of what there is to a folder that there is, and now and then removes another. */
const change = fc.record({
  of: fc.nat(30),
  into: fc.nat(30),
  name: fc.constantFrom('a', 'b', 'c', 'd'),
  removed: fc.option(fc.nat(30), { freq: 3 }),
});

function edit(
  { pod }: Simulation,
  { of, into, name, removed }: { of: number; into: number; name: string; removed: number | null },
): void {
  const paths = [...pod.entries.keys()].sort();
  const folders = [null, ...paths.filter((path) => pod.entries.get(path)?.type === 'folder')];
  const path = paths[of % paths.length];
  if (path !== undefined) pod.edit({ kind: 'move', path, to: joinPath(folders[into % folders.length] ?? null, name) });
  const gone = removed === null ? undefined : paths[removed % paths.length];
  if (gone !== undefined) pod.edit({ kind: 'remove', path: gone });
}

/** A session whose rows are those of the simulated database. */
async function plant(simulation: Simulation): Promise<number> {
  const { id } = await build.session(test.database);
  const entries = [...simulation.database.entries];
  const folders = entries.flatMap(([path, { type }]) => (type === 'folder' ? [path] : []));
  const files = entries.flatMap(([path, { type, sha256, size }]): FileWrite[] =>
    type === 'folder' || sha256 === null
      ? []
      : [{ path, sha256, encoding: 'utf8', executable: false, size, source: 'terminal' }],
  );
  await test.database.query(
    `INSERT INTO blobs (sha256, bytes) SELECT encode(sha256(t::bytea), 'hex'), t::bytea FROM unnest($1::text[]) t
     ON CONFLICT DO NOTHING`,
    [['1', '2']],
  );
  await test.database.transaction((tx) =>
    writeTree(test.database, { sessionId: id, rows: new Map(), removed: [], folders, files }, tx),
  );
  return id;
}

describe('rows that are renamed', () => {
  it('keep their ids, versions and content, and have the paths that the pairing gave them, whatever it was', async () => {
    let paired = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.array(make, { minLength: 1, maxLength: 12 }),
        fc.array(change, { minLength: 1, maxLength: 8 }),
        async (made, changes) => {
          const simulation = new Simulation();
          for (const one of made) simulation.database.edit(one);
          simulation.cycle();
          simulation.plan();
          for (const one of changes) edit(simulation, one);
          const { renames } = simulation.plan();
          if (renames.size === 0) return;
          paired += renames.size;
          const sessionId = await plant(simulation);
          const before = await readTree(test.database, sessionId);
          const { rows, made: folders } = await test.database.transaction(async (tx) => {
            await lockSessionById(test.database, sessionId, tx);
            return renameRows(test.database, { sessionId, rows: before, renames }, tx);
          });
          const after = await readTree(test.database, sessionId);
          const sorted = (tree: typeof rows) => [...tree].sort(([left], [right]) => (left < right ? -1 : 1));
          expect(sorted(rows)).toEqual(sorted(after));
          for (const [path, row] of before) {
            const place = renames.placeOf(path);
            expect(after.get(place)).toEqual({ ...row, path: place });
          }
          expect(after.size).toBe(before.size + folders.length);
        },
      ),
      { seed: SEED, numRuns: scaled(1_000), endOnFailure: true },
    );
    expect(paired).toBeGreaterThan(scaled(1_000) / 2);
  }, 600_000);
});
