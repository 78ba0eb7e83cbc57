import { describeFile } from '#platform/db/content.ts';
import { storeBlobs } from '#platform/db/repositories/blobs.ts';
import { writeTree } from '#platform/db/repositories/itemBatches.ts';
import { moveBase } from '#platform/db/repositories/syncBase.ts';
import { insertVolume } from '#platform/db/repositories/volumes.ts';
import type { Database } from '#platform/db/database.ts';
import { podName } from '#shared/domain/podNames.ts';
import { printPairs, printTimes, timed } from '#tests/bench/figures.ts';
import { giveByTar, makeFiles, takeByTar, type Files, type PodName } from '#tests/bench/tar.ts';
import { writeFiles, WORKSPACE } from '#tests/bench/transfers.ts';
import type { TestNamespace } from '#tests/support/cluster.ts';
import { createTestDatabase } from '#tests/support/database.ts';
import { build } from '#tests/support/factories.ts';
import { createAgentGround, type AgentGround } from '#tests/support/openedSession.ts';

const ROUNDS = 7;
/** Where the program's new files are put, and where tar puts the same. */
const MADE = 'made';
const COPIED = 'copied';

/** The times of both ways: what an activity takes, what tar takes, and what the bare rows take. */
interface Times {
  load: number[];
  save: number[];
  tarIn: number[];
  tarOut: number[];
  baseRows: number[];
  allRows: number[];
}

/**
 * A thousand files from the database into a pod and from a pod into the database, with everything that makes them safe:
 * digests, flush, rows, versions and base. The reference, both ways, is a tar stream through exec and the rows of a
 * thousand files by one statement for each table, which is neither checked nor safe against anything.
 */
export async function compareSyncs(namespace: TestNamespace): Promise<void> {
  const test = await createTestDatabase({ ...namespace.settings, BERTH_AGENT_ROUTE: 'pod-address' });
  const ground = await createAgentGround(test);
  const times: Times = { load: [], save: [], tarIn: [], tarOut: [], baseRows: [], allRows: [] };
  try {
    for (let round = 0; round < ROUNDS; round += 1) await compareOnce(ground, { namespace, times });
  } finally {
    await ground.close();
    await test.drop();
  }
  printTimes('1,000 files from the database into a pod', times.load);
  printTimes('1,000 files from a pod into the database', times.save);
  printTimes('1,000 rows of a base by one statement', times.baseRows);
  printTimes('1,000 blobs, items, versions and rows of a base by one statement each', times.allRows);
  const reference = (tar: number[]): number[] => tar.map((time, turn) => time + (times.allRows[turn] ?? NaN));
  printPairs('1,000 files in, with database and flush', {
    ours: times.load,
    theirs: reference(times.tarIn),
    budget: 1,
  });
  printPairs('1,000 files out, with database and flush', {
    ours: times.save,
    theirs: reference(times.tarOut),
    budget: 1,
  });
}

async function compareOnce(
  ground: AgentGround,
  { namespace, times }: { namespace: TestNamespace; times: Times },
): Promise<void> {
  const { database } = ground.test;
  const planted = makeFiles();
  const loaded = await ground.open({ state: 'new', plant: ({ ref }) => plant(database, ref.sessionId, planted) });
  await timed(times.load, () => loaded.load());
  const session = await ground.open();
  const client = await ground.agentPool.get(session.ref.uuid, 1);
  // It has been saved before, as a session mostly has when a program makes many files.
  await session.reconcile();
  const made = makeFiles();
  await writeFiles(client, MADE, made);
  const { changed } = await timed(times.save, () => session.reconcile());
  if (changed < made.size) throw new Error(`Only ${changed} of ${made.size} files came into the database.`);
  const pod: PodName = { namespace: namespace.name, name: podName(session.ref.uuid) };
  const folder = `${WORKSPACE}/${COPIED}`;
  await giveByTar(pod, { folder, files: makeFiles(), times: times.tarIn });
  await takeByTar(pod, { folder, times: times.tarOut });
  await writeBareRows(database, times);
}

/** Puts files into the database as an editor would have left them there. */
async function plant(database: Database, sessionId: number, files: Files): Promise<void> {
  const contents = [...files].map(([path, bytes]) => ({ path, ...describeFile(bytes) }));
  await storeBlobs(database, contents);
  await database.transaction((tx) =>
    writeTree(
      database,
      {
        sessionId,
        rows: new Map(),
        removed: [],
        folders: [],
        files: contents.map((file) => ({ ...file, executable: false, source: 'terminal' as const })),
      },
      tx,
    ),
  );
}

/** The rows that a save of the program's files leaves behind, made for another session by one statement for each table. */
async function writeBareRows(database: Database, times: Times): Promise<void> {
  const { id: sessionId } = await build.session(database);
  const { id: volumeId } = await insertVolume(database, sessionId);
  const folder = await build.folder(database, { sessionId, name: MADE });
  const files = [...makeFiles()].map(([name, bytes]) => ({ name, path: `${MADE}/${name}`, ...describeFile(bytes) }));
  const put = files.map(({ path, sha256 }) => ({ path, type: 'file' as const, sha256, executable: false }));
  await timed(times.baseRows, () => moveBase(database, { volumeId, put, removed: [] }));
  await database.query('DELETE FROM sync_base WHERE volume_id = $1', [volumeId]);
  const columns = {
    names: files.map(({ name }) => name),
    paths: files.map(({ path }) => path),
    digests: files.map(({ sha256 }) => sha256),
    encodings: files.map(({ encoding }) => encoding),
    sizes: files.map(({ size }) => size),
    bytes: files.map(({ bytes }) => bytes),
    texts: files.map(({ bytes }) => bytes.toString('base64')),
  };
  await timed(times.allRows, () =>
    database.transaction(async (tx) => {
      await database.query(
        `INSERT INTO blobs (sha256, bytes) SELECT * FROM unnest($1::text[], $2::bytea[])`,
        [columns.digests, columns.bytes],
        tx,
      );
      const items = await database.query<{ id: number }>(
        `INSERT INTO workspace_items (session_id, parent_id, name, type, content, encoding, sha256, size)
         SELECT $1, $2, name, 'file', content, encoding, sha256, size
         FROM unnest($3::text[], $4::text[], $5::text[], $6::text[], $7::bigint[]) AS n (name, content, encoding, sha256, size)
         RETURNING id`,
        [sessionId, folder.id, columns.names, columns.texts, columns.encodings, columns.digests, columns.sizes],
        tx,
      );
      await database.query(
        `INSERT INTO file_versions (session_id, item_id, path, version, sha256, encoding, executable, size, source)
         SELECT $1, id, path, 1, sha256, encoding, false, size, 'terminal'
         FROM unnest($2::integer[], $3::text[], $4::text[], $5::text[], $6::bigint[]) AS n (id, path, sha256, encoding, size)`,
        [sessionId, items.map(({ id }) => id), columns.paths, columns.digests, columns.encodings, columns.sizes],
        tx,
      );
      await moveBase(database, { volumeId, put, removed: [] }, tx);
    }),
  );
}
