import { describeFile } from '#platform/db/content.ts';
import { storeBlobs } from '#platform/db/repositories/blobs.ts';
import { writeTree } from '#platform/db/repositories/itemBatches.ts';
import { lockSessionById } from '#platform/db/repositories/sessions.ts';
import { moveBase } from '#platform/db/repositories/syncBase.ts';
import { insertVolume } from '#platform/db/repositories/volumes.ts';
import type { Database } from '#platform/db/database.ts';
import { writeBareRows } from '#tests/bench/bareRows.ts';
import { printPairs, timed } from '#tests/bench/figures.ts';
import { makeFiles } from '#tests/bench/tar.ts';
import { createTestDatabase } from '#tests/support/database.ts';
import { build } from '#tests/support/factories.ts';

const ROUNDS = 9;

/** A thousand new files into the database as a sync writes them, beside the same rows by one bare statement for each table. */
export async function compareUpserts(): Promise<void> {
  const test = await createTestDatabase();
  const times = { baseRows: [] as number[], allRows: [] as number[] };
  const ours: number[] = [];
  try {
    // The first of each is over before anything counts: new connections, new plans.
    await writeAsSync(test.database, []);
    await writeBareRows(test.database, { baseRows: [], allRows: [] });
    for (let round = 0; round < ROUNDS; round += 1) {
      await writeAsSync(test.database, ours);
      await writeBareRows(test.database, times);
    }
  } finally {
    await test.drop();
  }
  printPairs('1,000 file upserts beside the same rows by one statement for each table', {
    ours,
    theirs: times.allRows,
    budget: 1.3,
  });
}

async function writeAsSync(database: Database, times: number[]): Promise<void> {
  const { id: sessionId } = await build.session(database);
  const { id: volumeId } = await insertVolume(database, sessionId);
  const files = [...makeFiles()].map(([name, bytes]) => ({
    ...describeFile(bytes),
    path: `made/${name}`,
    executable: false,
    source: 'terminal' as const,
  }));
  const put = files.map(({ path, sha256, executable }) => ({ path, type: 'file' as const, sha256, executable }));
  await timed(times, async () => {
    await storeBlobs(database, files);
    await database.transaction(async (tx) => {
      await lockSessionById(database, sessionId, tx);
      await writeTree(database, { sessionId, rows: new Map(), removed: [], folders: ['made'], files }, tx);
      await moveBase(database, { volumeId, put, removed: [] }, tx);
    });
  });
}
