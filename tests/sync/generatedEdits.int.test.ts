import { lstatSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { handOffsSettled } from '#api/commands/items/handOffChange.ts';
import { isBelow } from '#shared/domain/paths.ts';
import { sha256 } from '#platform/db/content.ts';
import { readTree, type TreeRow } from '#platform/db/repositories/itemBatches.ts';
import { readBase } from '#platform/db/repositories/syncBase.ts';
import { loadFiles } from '#activities/session/loadFiles.ts';
import { reconcile } from '#activities/session/reconcile.ts';
import { saveFiles } from '#activities/session/saveFiles.ts';
import { createTestDatabase, type TestDatabase } from '#tests/support/database.ts';
import { dyingProcess, untilDeath, type Death } from '#tests/support/dyingProcess.ts';
import { shortPath, type Edit } from '#tests/support/mergeSimulation.ts';
import { createAgentGround, type AgentGround, type GroundSession } from '#tests/support/openedSession.ts';
import { editAsPerson, type Told } from '#tests/support/personEdits.ts';
import { scaled, SEED } from '#tests/support/scale.ts';
import { WorkspaceFolder } from '#tests/support/workspaceFolder.ts';

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
const deepPath = fc.array(names, { minLength: 1, maxLength: 3 }).map(shortPath);
// Few paths and few contents, so that edits meet and what was undone comes again.
const somePath = fc.oneof({ weight: 2, arbitrary: fc.constantFrom('a', 'c.py') }, { weight: 1, arbitrary: deepPath });
const text = fc.array(fc.constantFrom('1', '2', '3', ''), { maxLength: 5 }).map((lines) => lines.join('\n'));
const binary = fc.constantFrom('\0one', '\0two', '\0three');
const content = fc.oneof(fc.constantFrom('1\n2\n3\n', '1\n2\n3\nx\n'), fc.oneof(text, binary));
const common = [
  fc.record({ kind: fc.constant('write' as const), path: somePath, content, executable: fc.boolean() }),
  fc.record({ kind: fc.constant('line' as const), path: somePath, line: fc.nat(6), text: fc.constantFrom('x', 'y') }),
  fc.record({ kind: fc.constant('mkdir' as const), path: somePath }),
  fc.record({ kind: fc.constant('remove' as const), path: somePath }),
  fc.record({ kind: fc.constant('move' as const), path: somePath, to: somePath }),
  fc.record({ kind: fc.constant('chmod' as const), path: somePath }),
];
const link = fc.record({ kind: fc.constant('link' as const), path: somePath, target: names });
const write = common[0]!;
const editorEdits = fc.array(fc.oneof(write, ...common), { maxLength: 6 });
const terminalEdits = fc.array(fc.oneof(write, ...common, link), { maxLength: 6 });
/** One process in four lives; the others die at one of their first side effects, in one of three ways. */
const death: fc.Arbitrary<Death | null> = fc.option(
  fc.record({
    step: fc.integer({ min: 1, max: 12 }),
    when: fc.constantFrom('before' as const, 'middle' as const, 'after' as const),
  }),
  { freq: 4 },
);

/** Who edits: both everywhere, one of them alone, or each in a folder of its own. */
type Writers = 'both' | 'editor' | 'terminal' | 'apart';
const writers = fc.constantFrom<Writers[]>('both', 'both', 'editor', 'editor', 'terminal', 'apart');
const FOLDERS = { editor: 'mine', terminal: 'theirs' };

interface Round {
  editor: Edit[];
  terminal: Edit[];
  /** Whether the editor's changes are handed to the agent, or only found by the reconcile. */
  isHandedOn: boolean;
  /** Whether the edits go on while the reconcile runs. */
  isConcurrent: boolean;
  apiDies: Death | null;
  workerDies: Death | null;
  /** Whether the pod is replaced in the middle of the round. */
  podDies: boolean;
}
const round: fc.Arbitrary<Round> = fc.record({
  editor: editorEdits,
  terminal: terminalEdits,
  isHandedOn: fc.boolean(),
  isConcurrent: fc.boolean(),
  apiDies: death,
  workerDies: death,
  podDies: fc.integer({ min: 0, max: 19 }).map((chance) => chance === 0),
});

/** One generated run, and what has to be true of it in the end. */
interface Run {
  session: GroundSession;
  writers: Writers;
  told: Told;
  /** What programs alone would have made of the volume. */
  mirror: WorkspaceFolder;
  /** Digests of everything that anybody wrote. */
  written: Set<string>;
}

describe('generated edits on both sides of a real agent, with processes that die at any side effect', () => {
  it('lose no acknowledged byte, keep two only where both wrote, and come to rest', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.record({ writers, first: editorEdits, loadDies: death, saveDies: death }),
        fc.array(round, { minLength: 1, maxLength: 3 }),
        async (start, rounds) => {
          const run = await startRun(start);
          for (const step of rounds) await playRound(run, step);
          await comeToRest(run);
          await endSaved(run, start.saveDies);
          await checkReachable(run.told.acknowledged);
          rmSync(run.mirror.root, { recursive: true });
          await run.session.end();
        },
      ),
      { seed: SEED, numRuns: scaled(2_000), endOnFailure: true },
    );
  }, 3_600_000);
});

async function startRun({
  writers,
  first,
  loadDies,
}: {
  writers: Writers;
  first: Edit[];
  loadDies: Death | null;
}): Promise<Run> {
  const told: Told = { sent: new Set(), acknowledged: new Set() };
  const person = { deps: whole(), seen: test.database };
  const session = await ground.open({
    state: 'new',
    plant: async (planted) => {
      if (writers !== 'apart') for (const edit of first) await editAsPerson(person, planted, edit, told);
      for (const path of writers === 'apart' ? Object.values(FOLDERS) : []) {
        await editAsPerson(person, planted, { kind: 'mkdir', path }, told);
      }
    },
  });
  const dying = dyingProcess(whole(), loadDies);
  if (!(await untilDeath(loadFiles(dying.deps, session.ref, () => undefined)))) await session.load();
  const mirror = new WorkspaceFolder(mkdtempSync(join(tmpdir(), 'berth-mirror-')));
  for (const path of session.workspace.list()) if (path.endsWith('/')) mirror.mkdir(path.slice(0, -1));
  for (const [path, bytes] of session.workspace.contents()) {
    mirror.write(path, bytes, session.workspace.isExecutable(path));
  }
  return { session, writers, told, mirror, written: told.sent };
}

function whole(): ReturnType<typeof dyingProcess>['deps'] {
  return { ...ground.deps, config: test.config, savePauseMs: 5 };
}

async function playRound(run: Run, step: Round): Promise<void> {
  const { session } = run;
  const phase = step.isHandedOn ? 'running' : 'loading';
  await test.database.query(`UPDATE sessions SET phase = $2 WHERE id = $1`, [session.ref.sessionId, phase]);
  const worker = dyingProcess(whole(), step.workerDies);
  const work = async (): Promise<boolean> => {
    const death = untilDeath(reconcile(worker.deps, { ...session.ref, cause: 'test' }, () => undefined));
    // A pod that goes while somebody talks to it fails that talk: as good as a death of whoever talks.
    if (step.podDies) await Promise.all([session.replacePod(), death.catch(() => false)]);
    return step.podDies ? false : await death;
  };
  if (step.isConcurrent) {
    await Promise.all([playEdits(run, step), work()]);
    await handOffsSettled();
    checkWhole(run);
    return;
  }
  await playEdits(run, step);
  await handOffsSettled();
  checkWhole(run);
  // What a program left here before a whole cycle is as good as acknowledged after it.
  const left = [...session.workspace.contents().values()].map((bytes) => sha256(bytes));
  if (await work()) for (const digest of left) run.told.acknowledged.add(digest);
  checkWhole(run);
}

async function playEdits({ session, writers, told, mirror, written }: Run, step: Round): Promise<void> {
  const api = dyingProcess(whole(), step.apiDies);
  for (const edit of writers === 'editor' ? [] : step.terminal) {
    const made = placed(edit, writers, 'terminal');
    session.workspace.edit(made);
    mirror.edit(made);
    for (const bytes of mirror.contents().values()) written.add(sha256(bytes));
  }
  for (const edit of writers === 'terminal' ? [] : step.editor) {
    const made = placed(edit, writers, 'editor');
    const lived = await untilDeath(editAsPerson({ deps: api.deps, seen: test.database }, session, made, told));
    // Whoever asks again meets the next process.
    if (!lived) api.deps = whole();
  }
}

function placed(edit: Edit, writers: Writers, side: keyof typeof FOLDERS): Edit {
  if (writers !== 'apart') return edit;
  const path = `${FOLDERS[side]}/${edit.path}`;
  return edit.kind === 'move' ? { ...edit, path, to: `${FOLDERS[side]}/${edit.to}` } : { ...edit, path };
}

/** Whatever may be seen of a file is what somebody wrote, whole; where two merge, nobody wrote it. */
function checkWhole({ session, writers, written }: Run): void {
  if (writers === 'both') return;
  for (const bytes of session.workspace.contents().values()) expect(written.has(sha256(bytes))).toBe(true);
}

/** Two quiet cycles at most once nothing is under way; a third changes nothing. */
async function comeToRest(run: Run): Promise<void> {
  const { session, writers, mirror } = run;
  await handOffsSettled();
  const before = await readTree(test.database, session.ref.sessionId);
  await session.reconcile();
  await session.reconcile();
  expect(await session.reconcile()).toEqual({ changed: 0, conflicts: 0, notSaved: 0, more: false });
  const rows = await readTree(test.database, session.ref.sessionId);
  const base = await readBase(test.database, session.volumeId);
  expect([...base].map(([path, entry]) => describeEntry(path, entry)).sort()).toEqual(describeRows(rows));
  checkVolume(session, rows);
  if (writers === 'both') return;
  expect([...rows.keys()].filter((path) => path.includes('.conflict-'))).toEqual([]);
  if (writers !== 'terminal') {
    const mine = (path: string): boolean => writers === 'editor' || isBelow(path, FOLDERS.editor);
    expect(describeRows(rows, mine)).toEqual(describeRows(before, mine));
    expect(await countForeignVersions(session, writers === 'editor' ? '' : FOLDERS.editor)).toBe(0);
  }
  if (writers === 'editor') return;
  const theirs = (path: string): boolean => writers === 'terminal' || isBelow(path, FOLDERS.terminal);
  expect(describeFolder(session.workspace, theirs)).toEqual(describeFolder(mirror, theirs));
}

async function endSaved({ session }: Run, saveDies: Death | null): Promise<void> {
  const dying = dyingProcess(whole(), saveDies);
  const lived = await untilDeath(saveFiles(dying.deps, session.ref, () => undefined));
  if (!lived) expect(await session.save()).toMatchObject({ drained: true });
  checkVolume(session, await readTree(test.database, session.ref.sessionId));
}

function checkVolume(session: GroundSession, rows: ReadonlyMap<string, TreeRow>): void {
  const onVolume = session.workspace.list().map((path) => path.replace(/\/$/, ''));
  expect(onVolume.sort()).toEqual([...rows.keys()].sort());
  for (const [path, bytes] of session.workspace.contents()) expect(sha256(bytes)).toBe(rows.get(path)?.sha256);
}

function describeEntry(path: string, entry: { type: string; sha256: string | null; executable: boolean }): string {
  return `${path} ${entry.type} ${entry.sha256} ${entry.executable}`;
}

function describeRows(rows: ReadonlyMap<string, TreeRow>, counts: (path: string) => boolean = () => true): string[] {
  return [...rows]
    .filter(([path]) => counts(path))
    .map(([path, row]) => describeEntry(path, row))
    .sort();
}

function describeFolder(folder: WorkspaceFolder, counts: (path: string) => boolean): string[] {
  const contents = folder.contents();
  return folder
    .list()
    .filter((path) => counts(path))
    .map((path) => {
      const bytes = contents.get(path);
      if (bytes === undefined) return path;
      const isLink = lstatSync(join(folder.root, path)).isSymbolicLink();
      return `${path} ${isLink ? 'link' : folder.isExecutable(path)} ${sha256(bytes)}`;
    });
}

/** Versions below a folder that a reconcile made of files that only a person edits. */
async function countForeignVersions({ ref }: GroundSession, folder: string): Promise<number> {
  const [row] = await test.database.query<{ versions: number }>(
    `SELECT count(*)::integer AS versions FROM file_versions
     WHERE session_id = $1 AND source IN ('terminal', 'merge') AND starts_with(path, $2)`,
    [ref.sessionId, folder],
  );
  return row!.versions;
}

async function checkReachable(acknowledged: Set<string>): Promise<void> {
  const missing = await test.database.query<{ sha256: string }>(
    `SELECT a.sha256 FROM unnest($1::text[]) AS a (sha256)
     WHERE NOT EXISTS (SELECT 1 FROM file_versions v JOIN blobs b USING (sha256) WHERE v.sha256 = a.sha256)`,
    [[...acknowledged]],
  );
  expect(missing).toEqual([]);
}
