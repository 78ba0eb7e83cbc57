import { readNotSaved } from '#platform/db/repositories/itemEvents.ts';
import { removeUnreferencedGitPacks } from '#platform/db/repositories/retention.ts';
import { findVolume } from '#platform/db/repositories/volumes.ts';
import { reconcile } from '#activities/session/reconcile.ts';
import { saveFiles } from '#activities/session/saveFiles.ts';
import type { SyncDeps } from '#activities/session/syncCycle.ts';
import { afterScan, lookingAtGit, packingGit } from '#tests/support/editor.ts';
import { createGitGround, type GitGround } from '#tests/support/gitGround.ts';
import type { GroundSession } from '#tests/support/openedSession.ts';

let git: GitGround;
let session: GroundSession;
beforeAll(async () => {
  git = await createGitGround();
  session = git.session;
});
afterAll(() => git.close());

const beat = (): void => undefined;

function withConfig(changes: Partial<SyncDeps['config']>): SyncDeps {
  return { ...git.ground.deps, config: { ...git.test.config, ...changes } };
}

describe('a .git that cannot be saved', () => {
  it.each([
    ['is over the limit', { MAX_GIT_BYTES: 2_000 }, 'git-too-large'],
    ['has no room beside the others of its session', { MAX_SESSION_GIT_BYTES: 2_000 }, 'git-session-full'],
  ])('because it %s keeps its volume, and says so', async (_, limit, reason) => {
    await git.begin('clone');
    expect(await saveFiles(withConfig(limit), session.ref, beat)).toEqual({
      drained: false,
      superseded: false,
      notSaved: 1,
    });
    expect((await findVolume(git.test.database, session.ref.sessionId))?.state).toBe('live');
    expect(await readNotSaved(git.test.database, session.ref.sessionId)).toEqual([{ path: 'clone/.git', reason }]);
    expect(await session.save()).toMatchObject({ drained: true });
  });

  it('because the agent lied about its size is not stored', async () => {
    await git.begin('clone');
    const lying = lookingAtGit(git.ground, (look) => ({ ...look, size: 10 }));
    const deps = { ...lying, config: { ...git.test.config, MAX_SESSION_GIT_BYTES: 2_000 } };
    await reconcile(deps, { ...session.ref, cause: 'test' }, beat);
    expect(await git.saved()).toEqual([]);
  });

  it('because the agent is of an earlier release is told as it was then', async () => {
    await git.begin('clone');
    const old = packingGit(git.ground, null);
    expect(await saveFiles(old, session.ref, beat)).toMatchObject({ drained: false, notSaved: 1 });
    expect(await readNotSaved(git.test.database, session.ref.sessionId)).toEqual([
      { path: 'clone/.git', reason: 'git' },
    ]);
  });

  it('because its stored bytes are no pack does not keep its session from opening', async () => {
    await git.begin('clone');
    expect(await session.save()).toMatchObject({ drained: true });
    await git.test.database.query(
      `UPDATE git_pack_parts SET bytes = 'rubbish' WHERE pack_id IN (SELECT pack_id FROM git_folders WHERE session_id = $1)`,
      [session.ref.sessionId],
    );
    await session.replaceVolume();
    expect(session.workspace.list()).toEqual(['clone/', 'clone/main.py']);
    expect((await findVolume(git.test.database, session.ref.sessionId))?.state).toBe('live');
  });
});

describe('a saving', () => {
  it('that dies in the middle leaves the state before, and the next one makes it good', async () => {
    const repository = await git.begin();
    await session.reconcile();
    const [before] = await git.saved();
    repository.write('.git/large', 'x'.repeat(3_000_000));
    const dying = packingGit(git.ground, async (order, take, pack) => {
      await pack(order, async (piece) => {
        await take(piece);
        throw new Error('killed');
      });
      throw new Error('it went on');
    });
    await expect(reconcile(dying, { ...session.ref, cause: 'test' }, beat)).rejects.toThrow('killed');
    expect(await git.saved()).toEqual([before]);
    expect(await git.storedDigest(before!)).toBe(before!.sha256);
    await session.reconcile();
    const [after] = await git.saved();
    expect(after!.size).toBeGreaterThan(3_000_000);
    expect(await git.storedDigest(after!)).toBe(after!.sha256);
    await git.test.database.query(
      `UPDATE git_packs SET created_at = now() - interval '2 hours' WHERE session_id = $1`,
      [session.ref.sessionId],
    );
    await removeUnreferencedGitPacks(git.test.database);
    expect(await git.storedDigest((await git.saved())[0]!)).toBe(after!.sha256);
  });

  it('of a folder that a program writes to takes nothing, and is done again', async () => {
    const repository = await git.begin();
    const disturbed = packingGit(git.ground, async (order, take, pack) => {
      repository.commit('meanwhile.txt', 'x\n');
      return pack(order, take);
    });
    await reconcile(disturbed, { ...session.ref, cause: 'test' }, beat);
    expect(await git.saved()).toEqual([]);
    await session.reconcile();
    expect(await git.saved()).toHaveLength(1);
  });

  it('that is overtaken by a later opening writes nothing', async () => {
    await git.begin();
    const overtaken = packingGit(git.ground, async (order, take, pack) => {
      const packed = await pack(order, take);
      await git.test.database.query(`UPDATE sessions SET generation = 2 WHERE id = $1`, [session.ref.sessionId]);
      return packed;
    });
    expect(await saveFiles(overtaken, session.ref, beat)).toMatchObject({ superseded: true });
    expect(await git.all()).toEqual([]);
  });

  it('that is overtaken by a later cycle writes nothing', async () => {
    await git.begin();
    const overtaken = packingGit(git.ground, async (order, take, pack) => {
      const packed = await pack(order, take);
      await git.test.database.query(`UPDATE sessions SET sync_epoch = sync_epoch + 1 WHERE id = $1`, [
        session.ref.sessionId,
      ]);
      return packed;
    });
    await reconcile(overtaken, { ...session.ref, cause: 'test' }, beat);
    expect(await git.all()).toEqual([]);
  });

  it('at close does not end while something is still written to it', async () => {
    const repository = await git.begin();
    let commits = 0;
    const busy = afterScan(git.ground, async () => {
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
