import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { writeBareRows } from '#tests/bench/bareRows.ts';
import { printPairs, timed } from '#tests/bench/figures.ts';
import { archiveOf, makeFiles } from '#tests/bench/tar.ts';
import { createTestDatabase } from '#tests/support/database.ts';
import { createAgentGround, type AgentGround } from '#tests/support/openedSession.ts';
import { plantFiles } from '#tests/support/plantFiles.ts';

const FILES = 10_000;
const CHANGED = 10;
const ROUNDS = 3;
const MADE = 'made';

interface Times {
  load: number[];
  save: number[];
  change: number[];
  tarIn: number[];
  tarOut: number[];
  scan: number[];
  baseRows: number[];
  allRows: number[];
}

/**
 * Ten thousand files from the database onto a volume and from a volume into the database, and ten changed among them: what
 * activities take, with digests, rows, versions and flush. Beside them what tar takes on
 * the same disk and the rows take in bare statements, and a bare scan.
 */
export async function compareManyFiles(): Promise<void> {
  const test = await createTestDatabase({ MAX_SESSION_ITEMS: String(2 * FILES) });
  const ground = await createAgentGround(test);
  const times: Times = { load: [], save: [], change: [], tarIn: [], tarOut: [], scan: [], baseRows: [], allRows: [] };
  try {
    for (let round = 0; round < ROUNDS; round += 1) await compareOnce(ground, { round, times });
  } finally {
    await ground.close();
    await test.drop();
  }
  const pairs = (what: string, ours: number[], theirs: number[]): void =>
    printPairs(what, { ours, theirs, budget: null });
  const withRows = (tar: number[]): number[] => tar.map((time, turn) => time + (times.allRows[turn] ?? NaN));
  pairs('10,000 files from the database onto a volume, beside tar and bare rows', times.load, withRows(times.tarIn));
  pairs('10,000 files from a volume into the database, beside tar and bare rows', times.save, withRows(times.tarOut));
  pairs('10 changed of 10,000 into the database, beside a bare scan with digests', times.change, times.scan);
}

async function compareOnce(ground: AgentGround, { round, times }: { round: number; times: Times }): Promise<void> {
  const { database, config } = ground.test;
  const planted = [...makeFiles(FILES)].map(([name, bytes]) => ({ path: name, bytes }));
  const loaded = await ground.open({
    state: 'new',
    plant: ({ ref }) => plantFiles(database, ref.sessionId, planted),
  });
  await timed(times.load, () => loaded.load());
  await loaded.end();
  const session = await ground.open();
  await session.reconcile();
  const archive = archiveOf(makeFiles(FILES));
  unpack(archive, path.join(session.workspace.root, MADE));
  await timed(times.save, () => untilChanged(session, FILES));
  for (let file = 0; file < CHANGED; file += 1) session.workspace.write(`${MADE}/file-${file}.txt`, `round ${round}\n`);
  await timed(times.change, () => untilChanged(session, CHANGED));
  const copy = path.join(config.BERTH_DATA_DIR, `copy-${String(round)}`);
  await timed(times.tarIn, async () => unpack(archive, copy));
  await timed(times.tarOut, () => shell('tar cf - . | cat > /dev/null', copy));
  await timed(times.scan, () => shell('find . -type f -exec sha256sum {} + > /dev/null', copy));
  await writeBareRows(database, times, FILES);
  await session.end();
}

/** One cycle takes so many bytes at most: as many as it needs until all changes are in the database. */
async function untilChanged(session: { reconcile(): Promise<{ changed: number; more: boolean }> }, files: number) {
  let taken = 0;
  for (let more = true; more;) {
    const result = await session.reconcile();
    taken += result.changed;
    ({ more } = result);
  }
  if (taken < files) throw new Error(`Only ${String(taken)} of ${String(files)} files came into the database.`);
}

function unpack(archive: Buffer, folder: string): void {
  mkdirSync(folder, { recursive: true, mode: 0o755 });
  execFileSync('sh', ['-c', 'tar xf - --no-same-owner && sync -f .'], { cwd: folder, input: archive });
}

async function shell(command: string, cwd: string): Promise<void> {
  const child = spawn('sh', ['-c', command], { cwd, stdio: 'inherit' });
  const [code] = (await once(child, 'close')) as [number | null];
  if (code !== 0) throw new Error(`${command} ended with ${String(code)}.`);
}
