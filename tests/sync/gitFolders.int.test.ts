import { restoreGitFolder } from '#api/commands/sessions/gitFolders.ts';
import { readGitPack } from '#platform/db/repositories/gitPacks.ts';
import { listGitFolders, type GitFolderRecord } from '#platform/db/repositories/gitFolders.ts';
import { readNotSaved } from '#platform/db/repositories/itemEvents.ts';
import { removeOldGitFolders, removeUnreferencedGitPacks } from '#platform/db/repositories/retention.ts';
import { findVolume } from '#platform/db/repositories/volumes.ts';
import { reconcile } from '#activities/session/reconcile.ts';
import { saveFiles } from '#activities/session/saveFiles.ts';
import type { SyncDeps } from '#activities/session/syncCycle.ts';
import { digest, emptyWorkspace } from '#tests/support/agentChanges.ts';
import { createTestDatabase, type TestDatabase } from '#tests/support/database.ts';
import { afterScan, createEditor, packingGit, type Editor } from '#tests/support/editor.ts';
import { createAgentGround, type AgentGround, type GroundSession } from '#tests/support/openedSession.ts';
import { Repository } from '#tests/support/repository.ts';
import { waitFor } from '#tests/support/waitFor.ts';

let test: TestDatabase;
let ground: AgentGround;
let editor: Editor;
let session: GroundSession;
beforeAll(async () => {
  test = await createTestDatabase({ GIT_QUIET_SECONDS: '0' });
  ground = await createAgentGround(test);
  editor = createEditor(ground);
  session = await ground.open();
});
afterAll(async () => {
  await ground.close();
  await test.drop();
});

const beat = (): void => undefined;

/** The one session of these tests, with nothing in it but a repository at `path`. */
async function open(path = ''): Promise<{ repository: Repository }> {
  const { sessionId } = session.ref;
  for (const table of ['workspace_items', 'git_folders', 'git_packs']) {
    await test.database.query(`DELETE FROM ${table} WHERE session_id = $1`, [sessionId]);
  }
  for (const table of ['sync_base', 'sent_changes']) {
    await test.database.query(`DELETE FROM ${table} WHERE volume_id = $1`, [session.volumeId]);
  }
  await test.database.query(`DELETE FROM events WHERE subject_id = $1`, [sessionId]);
  await test.database.query(`UPDATE sessions SET generation = 1 WHERE id = $1`, [sessionId]);
  await test.database.query(`UPDATE volumes SET state = 'live' WHERE session_id = $1`, [sessionId]);
  emptyWorkspace(session.workspace.root);
  session.workspace.write('.berth-volume', JSON.stringify({ volumeId: session.volumeId }));
  return { repository: Repository.init(session.workspace.root, path) };
}

const all = (): Promise<GitFolderRecord[]> => listGitFolders(test.database, session.ref.sessionId);
const saved = async (): Promise<GitFolderRecord[]> => (await all()).filter(({ removedAt }) => removedAt === null);
const pathsOf = async (): Promise<string[]> => (await saved()).map(({ path }) => path);

function withConfig(changes: Partial<SyncDeps['config']>): SyncDeps {
  return { ...ground.deps, config: { ...test.config, ...changes } };
}

async function storedDigest({ packId }: GitFolderRecord): Promise<string> {
  const parts: Buffer[] = [];
  for await (const part of readGitPack(test.database, packId)) parts.push(part);
  return digest(Buffer.concat(parts));
}

describe('a repository', () => {
  it('is the same after its session was closed and opened again, and its volume is not kept for it', async () => {
    const { repository } = await open();
    repository.git('branch', 'feature');
    repository.write('main.py', 'print("not committed")\n');
    repository.write('run.sh', '#!/bin/sh\n', 0o755);
    repository.git('add', 'run.sh');
    const before = repository.describe();
    expect(await session.save()).toEqual({ drained: true, superseded: false, notSaved: 0 });
    await session.replaceVolume();
    expect(repository.describe()).toBe(before);
    repository.commit('after.txt', 'it can be worked on\n');
    const after = repository.describe();
    expect(await session.save()).toMatchObject({ drained: true });
    await session.replaceVolume();
    expect(repository.describe()).toBe(after);
    expect(Object.keys(await editor.files(session)).sort()).toEqual(['after.txt', 'main.py', 'run.sh']);
  });

  it('is saved while the session is open, and restored when the volume is lost', async () => {
    const { repository } = await open('clone');
    expect(await session.reconcile()).toMatchObject({ notSaved: 0 });
    expect(await readNotSaved(test.database, session.ref.sessionId)).toEqual([]);
    repository.commit('second.txt', 'second\n');
    await session.reconcile();
    const before = repository.describe();
    await session.reconcile();
    await session.replaceVolume();
    expect(repository.describe()).toBe(before);
    const [record] = await saved();
    expect(await storedDigest(record!)).toBe(record!.sha256);
    expect(await editor.files(session)).toEqual({
      clone: null,
      'clone/main.py': 'print(1)\n',
      'clone/second.txt': 'second\n',
    });
  });

  it('waits until nothing was written to it for a while; until then it is told as not saved', async () => {
    const { repository } = await open();
    const deps = withConfig({ GIT_QUIET_SECONDS: 1 });
    const cycle = () => reconcile(deps, { ...session.ref, cause: 'test' }, beat);
    await cycle();
    expect(await saved()).toEqual([]);
    expect(await readNotSaved(test.database, session.ref.sessionId)).toEqual([{ path: '.git', reason: 'git' }]);
    await waitFor(async () => (await cycle(), (await saved()).length === 1), { what: 'the saving' });
    expect(await readNotSaved(test.database, session.ref.sessionId)).toEqual([]);
    const [first] = await saved();
    repository.commit('more.txt', 'more\n');
    await cycle();
    expect(await saved()).toMatchObject([{ packId: first!.packId }]);
    // The earlier state is saved: there is nothing to tell.
    expect(await readNotSaved(test.database, session.ref.sessionId)).toEqual([]);
  });

  it('is not transferred again as long as nobody writes to it, and of several states only the last is stored', async () => {
    const { repository } = await open();
    await session.reconcile();
    const [first] = await saved();
    let packs = 0;
    await reconcile(
      packingGit(ground, async (order, take, pack) => ((packs += 1), pack(order, take))),
      { ...session.ref, cause: 'test' },
      beat,
    );
    expect(packs).toBe(0);
    repository.commit('a.txt', 'a\n');
    await session.reconcile();
    const [second] = await saved();
    expect(second!.sha256).not.toBe(first!.sha256);
    const packsLeft = await test.database.query(`SELECT id FROM git_packs WHERE session_id = $1`, [
      session.ref.sessionId,
    ]);
    expect(packsLeft).toHaveLength(1);
    expect(await all()).toHaveLength(1);
  });

  it('inside another, and a worktree whose .git is a file, are all there again', async () => {
    const { repository } = await open('outer');
    const inner = Repository.init(session.workspace.root, 'outer/vendor/inner');
    repository.git('worktree', 'add', '--quiet', '../tree');
    const worktree = new Repository(session.workspace.root, 'tree');
    const describe = (): string[] => [repository.describe(), inner.describe(), worktree.describe()];
    const before = describe();
    expect(await session.save()).toMatchObject({ drained: true });
    expect(await pathsOf()).toEqual(['outer/.git', 'outer/vendor/inner/.git']);
    await session.replaceVolume();
    expect(describe()).toEqual(before);
  });

  it('moves with the folder around it, from the terminal and from the editor, without being transferred again', async () => {
    const { repository } = await open('one');
    await session.reconcile();
    const [first] = await saved();
    const before = repository.describe();
    await session.reconcile();
    const [refreshed] = await saved();
    session.workspace.rename('one', 'two');
    await session.reconcile();
    expect(await all()).toMatchObject([{ path: 'two/.git', packId: refreshed!.packId }]);
    await test.database.query(`UPDATE workspace_items SET name = 'three' WHERE session_id = $1 AND full_path = 'two'`, [
      session.ref.sessionId,
    ]);
    expect(await pathsOf()).toEqual(['three/.git']);
    for (let count = 0; count < 3; count += 1) await session.reconcile();
    expect(await all()).toMatchObject([{ path: 'three/.git', packId: refreshed!.packId }]);
    expect(new Repository(session.workspace.root, 'three').describe()).toBe(before);
    expect(await editor.files(session)).toEqual({ three: null, 'three/main.py': 'print(1)\n' });
    expect(session.workspace.list().filter((path) => !path.includes('.git/'))).toEqual(['three/', 'three/main.py']);
    expect(first!.packId).toBeLessThanOrEqual(refreshed!.packId);
  });
});

describe('a .git that was removed', () => {
  it('leaves the session after two scans, and can be had back for thirty days', async () => {
    await open('clone');
    await session.reconcile();
    const [before] = await saved();
    session.workspace.remove('clone/.git');
    await session.reconcile();
    expect(await saved()).toMatchObject([{ path: 'clone/.git' }]);
    await session.reconcile();
    expect(await saved()).toEqual([]);
    expect(await all()).toMatchObject([{ path: 'clone/.git', sha256: before!.sha256 }]);
    await agePast('29 days');
    expect(await removeOldGitFolders(test.database)).toBe(0);
    expect(await storedDigest((await all())[0]!)).toBe(before!.sha256);
    await agePast('2 days');
    await removeOldGitFolders(test.database);
    await removeUnreferencedGitPacks(test.database);
    expect(await all()).toEqual([]);
    expect(await session.save()).toMatchObject({ drained: true });
  });

  it('and made anew is another: what it was before is kept among the removed', async () => {
    const { repository } = await open();
    repository.commit('precious.txt', 'years of work\n');
    await session.reconcile();
    const [before] = await saved();
    session.workspace.remove('.git');
    Repository.init(session.workspace.root);
    await session.reconcile();
    expect((await all()).map(({ removedAt, sha256 }) => [removedAt === null, sha256 === before!.sha256])).toEqual([
      [true, false],
      [false, true],
    ]);
  });

  it('only seems so to a scan that is partial, or of a volume that cannot show whose it is', async () => {
    await open('clone');
    await session.reconcile();
    session.workspace.rename('clone/.git', 'clone/.berth-hidden');
    session.workspace.remove('.berth-volume');
    for (let count = 0; count < 3; count += 1) await session.reconcile();
    expect(await pathsOf()).toEqual(['clone/.git']);
  });

  it('and comes back before the second scan was never gone', async () => {
    await open('clone');
    await session.reconcile();
    for (let count = 0; count < 2; count += 1) {
      session.workspace.rename('clone/.git', 'clone/.berth-hidden');
      await session.reconcile();
      session.workspace.rename('clone/.berth-hidden', 'clone/.git');
      await session.reconcile();
    }
    expect(await saved()).toMatchObject([{ path: 'clone/.git', missingSince: null }]);
  });

  it('goes with the folder around it when that is deleted in the editor of a closed session', async () => {
    await open('clone');
    expect(await session.save()).toMatchObject({ drained: true });
    await test.database.query(`DELETE FROM workspace_items WHERE session_id = $1`, [session.ref.sessionId]);
    await session.replaceVolume();
    expect(session.workspace.list()).toEqual([]);
    expect(await all()).toMatchObject([{ removedAt: expect.any(Date) as Date }]);
  });
});

describe('a .git that cannot be saved', () => {
  it.each([
    ['is over the limit', { MAX_GIT_BYTES: 2_000 }, 'git-too-large'],
    ['has no room beside the others of its session', { MAX_SESSION_GIT_BYTES: 2_000 }, 'git-session-full'],
  ])('because it %s keeps its volume, and says so', async (_, limit, reason) => {
    await open('clone');
    expect(await saveFiles(withConfig(limit), session.ref, beat)).toEqual({
      drained: false,
      superseded: false,
      notSaved: 1,
    });
    expect((await findVolume(test.database, session.ref.sessionId))?.state).toBe('live');
    expect(await readNotSaved(test.database, session.ref.sessionId)).toEqual([{ path: 'clone/.git', reason }]);
    expect(await session.save()).toMatchObject({ drained: true });
  });

  it('because the agent is of an earlier release is told as it was then', async () => {
    await open('clone');
    const old = packingGit(ground, null);
    expect(await saveFiles(old, session.ref, beat)).toMatchObject({ drained: false, notSaved: 1 });
    expect(await readNotSaved(test.database, session.ref.sessionId)).toEqual([{ path: 'clone/.git', reason: 'git' }]);
  });

  it('because its stored bytes are no pack does not keep its session from opening', async () => {
    await open('clone');
    expect(await session.save()).toMatchObject({ drained: true });
    await test.database.query(
      `UPDATE git_pack_parts SET bytes = 'rubbish' WHERE pack_id IN (SELECT pack_id FROM git_folders WHERE session_id = $1)`,
      [session.ref.sessionId],
    );
    await session.replaceVolume();
    expect(session.workspace.list()).toEqual(['clone/', 'clone/main.py']);
    expect((await findVolume(test.database, session.ref.sessionId))?.state).toBe('live');
  });
});

describe('a saving', () => {
  it('that dies in the middle leaves the state before, and the next one makes it good', async () => {
    const { repository } = await open();
    await session.reconcile();
    const [before] = await saved();
    repository.write('.git/large', 'x'.repeat(3_000_000));
    const dying = packingGit(ground, async (order, take, pack) => {
      await pack(order, async (piece) => {
        await take(piece);
        throw new Error('killed');
      });
      throw new Error('it went on');
    });
    await expect(reconcile(dying, { ...session.ref, cause: 'test' }, beat)).rejects.toThrow('killed');
    expect(await saved()).toEqual([before]);
    expect(await storedDigest(before!)).toBe(before!.sha256);
    await session.reconcile();
    const [after] = await saved();
    expect(after!.size).toBeGreaterThan(3_000_000);
    expect(await storedDigest(after!)).toBe(after!.sha256);
    await test.database.query(`UPDATE git_packs SET created_at = now() - interval '2 hours' WHERE session_id = $1`, [
      session.ref.sessionId,
    ]);
    await removeUnreferencedGitPacks(test.database);
    expect(await storedDigest((await saved())[0]!)).toBe(after!.sha256);
  });

  it('of a folder that a program writes to takes nothing, and is done again', async () => {
    const { repository } = await open();
    const disturbed = packingGit(ground, async (order, take, pack) => {
      repository.commit('meanwhile.txt', 'x\n');
      return pack(order, take);
    });
    await reconcile(disturbed, { ...session.ref, cause: 'test' }, beat);
    expect(await saved()).toEqual([]);
    await session.reconcile();
    expect(await saved()).toHaveLength(1);
  });

  it('that is overtaken by a later opening writes nothing', async () => {
    await open();
    const overtaken = packingGit(ground, async (order, take, pack) => {
      const packed = await pack(order, take);
      await test.database.query(`UPDATE sessions SET generation = 2 WHERE id = $1`, [session.ref.sessionId]);
      return packed;
    });
    expect(await saveFiles(overtaken, session.ref, beat)).toMatchObject({ superseded: true });
    expect(await all()).toEqual([]);
  });

  it('that is overtaken by a later cycle writes nothing', async () => {
    await open();
    const overtaken = packingGit(ground, async (order, take, pack) => {
      const packed = await pack(order, take);
      await test.database.query(`UPDATE sessions SET sync_epoch = sync_epoch + 1 WHERE id = $1`, [
        session.ref.sessionId,
      ]);
      return packed;
    });
    await reconcile(overtaken, { ...session.ref, cause: 'test' }, beat);
    expect(await all()).toEqual([]);
  });

  it('at close does not end while something is still written to it', async () => {
    const { repository } = await open();
    let commits = 0;
    const busy = afterScan(ground, async () => {
      commits += 1;
      if (commits <= 3) repository.commit(`${commits}.txt`, 'x\n');
    });
    expect(await saveFiles(busy, session.ref, beat)).toMatchObject({ drained: true, notSaved: 0 });
    const before = repository.describe();
    await session.replaceVolume();
    expect(repository.git('log', '--format=%s')).toContain('Change 3.txt');
    expect(repository.describe()).toBe(before);
  });
});

describe('a load', () => {
  it('that died after it had unpacked takes what is there already', async () => {
    const { repository } = await open('clone');
    const before = repository.describe();
    expect(await session.save()).toMatchObject({ drained: true });
    await session.replaceVolume();
    await test.database.query(`UPDATE volumes SET state = 'loading' WHERE session_id = $1`, [session.ref.sessionId]);
    await session.load();
    expect(repository.describe()).toBe(before);
    await session.reconcile();
    expect(await saved()).toHaveLength(1);
  });

  it('does not bring back what a used volume has had, but what it never had', async () => {
    const { repository } = await open('clone');
    await session.reconcile();
    const before = repository.describe();
    await session.reconcile();
    session.workspace.remove('clone/.git');
    await session.reconcile();
    expect(repository.exists).toBe(false);
    const [missing] = await saved();
    await test.database.query(`UPDATE git_folders SET removed_at = now() WHERE session_id = $1`, [
      session.ref.sessionId,
    ]);
    await restoreGitFolder(ground.deps, { session: { id: session.ref.sessionId }, id: missing!.id });
    await session.reconcile();
    expect(repository.describe()).toBe(before);
    await session.reconcile();
    expect(await saved()).toMatchObject([{ volumeId: session.volumeId, missingSince: null }]);
  });
});

async function agePast(time: string): Promise<void> {
  await test.database.query(`UPDATE git_folders SET removed_at = removed_at - $2::interval WHERE session_id = $1`, [
    session.ref.sessionId,
    time,
  ]);
  await test.database.query(`UPDATE git_packs SET created_at = created_at - $2::interval WHERE session_id = $1`, [
    session.ref.sessionId,
    time,
  ]);
}
