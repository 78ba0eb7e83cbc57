import { podName } from '#shared/domain/podNames.ts';
import { writeBareRows } from '#tests/bench/bareRows.ts';
import { printPairs, printTimes, timed } from '#tests/bench/figures.ts';
import { giveByTar, makeFiles, takeByTar, type PodName } from '#tests/bench/tar.ts';
import { writeFiles, WORKSPACE } from '#tests/bench/transfers.ts';
import type { TestNamespace } from '#tests/support/cluster.ts';
import { createTestDatabase } from '#tests/support/database.ts';
import { createAgentGround, type AgentGround } from '#tests/support/openedSession.ts';
import { plantFiles } from '#tests/support/plantFiles.ts';

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
  const planted = [...makeFiles()].map(([path, bytes]) => ({ path, bytes }));
  const loaded = await ground.open({ state: 'new', plant: ({ ref }) => plantFiles(database, ref.sessionId, planted) });
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
