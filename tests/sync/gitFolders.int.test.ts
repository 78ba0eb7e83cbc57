import { restoreGitFolder } from '#api/commands/sessions/gitFolders.ts';
import { readNotSaved } from '#platform/db/repositories/itemEvents.ts';
import { removeOldGitFolders, removeUnreferencedGitPacks } from '#platform/db/repositories/retention.ts';
import { reconcile } from '#activities/session/reconcile.ts';
import type { SyncDeps } from '#activities/session/syncCycle.ts';
import { packingGit } from '#tests/support/editor.ts';
import { build } from '#tests/support/factories.ts';
import { createGitGround, type GitGround } from '#tests/support/gitGround.ts';
import type { GroundSession } from '#tests/support/openedSession.ts';
import { Repository } from '#tests/support/repository.ts';
import { waitFor } from '#tests/support/waitFor.ts';

let git: GitGround;
let session: GroundSession;
beforeAll(async () => {
  git = await createGitGround();
  session = git.session;
});
afterAll(() => git.close());

const beat = (): void => undefined;
const pathsOf = async (): Promise<string[]> => (await git.saved()).map(({ path }) => path);

function withConfig(changes: Partial<SyncDeps['config']>): SyncDeps {
  return { ...git.ground.deps, config: { ...git.test.config, ...changes } };
}

describe('a repository', () => {
  it('is the same after its session was closed and opened again, and its volume is not kept for it', async () => {
    const repository = await git.begin();
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
    expect(Object.keys(await git.editor.files(session)).sort()).toEqual(['after.txt', 'main.py', 'run.sh']);
  });

  it('is saved while the session is open, and restored when the volume is lost', async () => {
    const repository = await git.begin('clone');
    expect(await session.reconcile()).toMatchObject({ notSaved: 0 });
    expect(await readNotSaved(git.test.database, session.ref.sessionId)).toEqual([]);
    repository.commit('second.txt', 'second\n');
    await session.reconcile();
    const before = repository.describe();
    await session.reconcile();
    await session.replaceVolume();
    expect(repository.describe()).toBe(before);
    const [record] = await git.saved();
    expect(await git.storedDigest(record!)).toBe(record!.sha256);
    expect(await git.editor.files(session)).toEqual({
      clone: null,
      'clone/main.py': 'print(1)\n',
      'clone/second.txt': 'second\n',
    });
  });

  it('waits until nothing was written to it for a while; until then it is told as not saved', async () => {
    const repository = await git.begin();
    const deps = withConfig({ GIT_QUIET_SECONDS: 1 });
    const cycle = () => reconcile(deps, { ...session.ref, cause: 'test' }, beat);
    await cycle();
    expect(await git.saved()).toEqual([]);
    expect(await readNotSaved(git.test.database, session.ref.sessionId)).toEqual([{ path: '.git', reason: 'git' }]);
    await waitFor(async () => (await cycle(), (await git.saved()).length === 1), { what: 'the saving' });
    expect(await readNotSaved(git.test.database, session.ref.sessionId)).toEqual([]);
    const [first] = await git.saved();
    repository.commit('more.txt', 'more\n');
    await cycle();
    expect(await git.saved()).toMatchObject([{ packId: first!.packId }]);
    // The earlier state is saved: there is nothing to tell.
    expect(await readNotSaved(git.test.database, session.ref.sessionId)).toEqual([]);
  });

  it('is not transferred again as long as nobody writes to it, and of several states only the last is stored', async () => {
    const repository = await git.begin();
    await session.reconcile();
    const [first] = await git.saved();
    let packs = 0;
    await reconcile(
      packingGit(git.ground, async (order, take, pack) => ((packs += 1), pack(order, take))),
      { ...session.ref, cause: 'test' },
      beat,
    );
    expect(packs).toBe(0);
    repository.commit('a.txt', 'a\n');
    await session.reconcile();
    const [second] = await git.saved();
    expect(second!.sha256).not.toBe(first!.sha256);
    const packsLeft = await git.test.database.query(`SELECT id FROM git_packs WHERE session_id = $1`, [
      session.ref.sessionId,
    ]);
    expect(packsLeft).toHaveLength(1);
    expect(await git.all()).toHaveLength(1);
  });

  it('takes the place of a file of its name', async () => {
    await git.begin('clone');
    session.workspace.rename('clone/.git', 'clone/.berth-hidden');
    session.workspace.write('clone/.git', 'gitdir: ../elsewhere\n');
    await session.reconcile();
    expect(Object.keys(await git.editor.files(session))).toContain('clone/.git');
    session.workspace.remove('clone/.git');
    session.workspace.rename('clone/.berth-hidden', 'clone/.git');
    await session.reconcile();
    expect(Object.keys(await git.editor.files(session)).sort()).toEqual(['clone', 'clone/main.py']);
    expect(await session.save()).toMatchObject({ drained: true });
    await session.replaceVolume();
    expect(new Repository(session.workspace.root, 'clone').git('log', '--format=%s')).toBe('Change main.py\n');
  });

  it('inside another, and a worktree whose .git is a file, are all there again', async () => {
    const repository = await git.begin('outer');
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
    const repository = await git.begin('one');
    await session.reconcile();
    const [first] = await git.saved();
    const before = repository.describe();
    await session.reconcile();
    const [refreshed] = await git.saved();
    session.workspace.rename('one', 'two');
    await session.reconcile();
    expect(await git.all()).toMatchObject([{ path: 'two/.git', packId: refreshed!.packId }]);
    await git.test.database.query(
      `UPDATE workspace_items SET name = 'three' WHERE session_id = $1 AND full_path = 'two'`,
      [session.ref.sessionId],
    );
    expect(await pathsOf()).toEqual(['three/.git']);
    for (let count = 0; count < 3; count += 1) await session.reconcile();
    expect(await git.all()).toMatchObject([{ path: 'three/.git', packId: refreshed!.packId }]);
    expect(new Repository(session.workspace.root, 'three').describe()).toBe(before);
    expect(await git.editor.files(session)).toEqual({ three: null, 'three/main.py': 'print(1)\n' });
    expect(session.workspace.list().filter((path) => !path.includes('.git/'))).toEqual(['three/', 'three/main.py']);
    expect(first!.packId).toBeLessThanOrEqual(refreshed!.packId);
  });
});

describe('a .git that was removed', () => {
  it('is kept with nine others of its session, the newest ones', async () => {
    await git.begin('clone');
    for (let count = 0; count < 12; count += 1) {
      await build.gitFolder(git.test.database, {
        sessionId: session.ref.sessionId,
        path: `${count}/.git`,
        removed: true,
      });
    }
    await session.reconcile();
    const removed = (await git.all()).filter(({ removedAt }) => removedAt !== null);
    expect(removed).toHaveLength(10);
    expect(removed.map(({ path }) => path)).not.toContain('0/.git');
    const packs = await git.test.database.query(`SELECT 1 FROM git_packs WHERE session_id = $1`, [
      session.ref.sessionId,
    ]);
    expect(packs).toHaveLength(11);
  });

  it('leaves the session after two scans, and can be had back for thirty days', async () => {
    await git.begin('clone');
    await session.reconcile();
    const [before] = await git.saved();
    session.workspace.remove('clone/.git');
    await session.reconcile();
    expect(await git.saved()).toMatchObject([{ path: 'clone/.git' }]);
    await session.reconcile();
    expect(await git.saved()).toEqual([]);
    expect(await git.all()).toMatchObject([{ path: 'clone/.git', sha256: before!.sha256 }]);
    await agePast('29 days');
    expect(await removeOldGitFolders(git.test.database)).toBe(0);
    expect(await git.storedDigest((await git.all())[0]!)).toBe(before!.sha256);
    await agePast('2 days');
    await removeOldGitFolders(git.test.database);
    await removeUnreferencedGitPacks(git.test.database);
    expect(await git.all()).toEqual([]);
    expect(await session.save()).toMatchObject({ drained: true });
  });

  it('and made anew is another: what it was before is kept among the removed', async () => {
    const repository = await git.begin();
    repository.commit('precious.txt', 'years of work\n');
    await session.reconcile();
    const [before] = await git.saved();
    session.workspace.remove('.git');
    Repository.init(session.workspace.root);
    await session.reconcile();
    expect((await git.all()).map(({ removedAt, sha256 }) => [removedAt === null, sha256 === before!.sha256])).toEqual([
      [true, false],
      [false, true],
    ]);
  });

  it('only seems so to a scan that is partial, or of a volume that cannot show whose it is', async () => {
    await git.begin('clone');
    await session.reconcile();
    session.workspace.rename('clone/.git', 'clone/.berth-hidden');
    session.workspace.remove('.berth-volume');
    for (let count = 0; count < 3; count += 1) await session.reconcile();
    expect(await pathsOf()).toEqual(['clone/.git']);
  });

  it('and comes back before the second scan was never gone', async () => {
    await git.begin('clone');
    await session.reconcile();
    for (let count = 0; count < 2; count += 1) {
      session.workspace.rename('clone/.git', 'clone/.berth-hidden');
      await session.reconcile();
      session.workspace.rename('clone/.berth-hidden', 'clone/.git');
      await session.reconcile();
    }
    expect(await git.saved()).toMatchObject([{ path: 'clone/.git', missingSince: null }]);
  });

  it('goes with the folder around it when that is deleted in the editor of a closed session', async () => {
    await git.begin('clone');
    expect(await session.save()).toMatchObject({ drained: true });
    await git.test.database.query(`DELETE FROM workspace_items WHERE session_id = $1`, [session.ref.sessionId]);
    await session.replaceVolume();
    expect(session.workspace.list()).toEqual([]);
    expect(await git.all()).toMatchObject([{ removedAt: expect.any(Date) as Date }]);
  });
});

describe('a load', () => {
  it('that died after it had unpacked takes what is there already', async () => {
    const repository = await git.begin('clone');
    const before = repository.describe();
    expect(await session.save()).toMatchObject({ drained: true });
    await session.replaceVolume();
    await git.test.database.query(`UPDATE volumes SET state = 'loading' WHERE session_id = $1`, [
      session.ref.sessionId,
    ]);
    await session.load();
    expect(repository.describe()).toBe(before);
    await session.reconcile();
    expect(await git.saved()).toHaveLength(1);
  });

  it('does not bring back what a used volume has had, but what it never had', async () => {
    const repository = await git.begin('clone');
    await session.reconcile();
    const before = repository.describe();
    await session.reconcile();
    session.workspace.remove('clone/.git');
    await session.reconcile();
    expect(repository.exists).toBe(false);
    const [missing] = await git.saved();
    await git.test.database.query(`UPDATE git_folders SET removed_at = now() WHERE session_id = $1`, [
      session.ref.sessionId,
    ]);
    await restoreGitFolder(git.ground.deps, { session: { id: session.ref.sessionId }, id: missing!.id });
    await session.reconcile();
    expect(repository.describe()).toBe(before);
    await session.reconcile();
    expect(await git.saved()).toMatchObject([{ volumeId: session.volumeId, missingSince: null }]);
  });
});

async function agePast(time: string): Promise<void> {
  await git.test.database.query(`UPDATE git_folders SET removed_at = removed_at - $2::interval WHERE session_id = $1`, [
    session.ref.sessionId,
    time,
  ]);
  await git.test.database.query(`UPDATE git_packs SET created_at = created_at - $2::interval WHERE session_id = $1`, [
    session.ref.sessionId,
    time,
  ]);
}
