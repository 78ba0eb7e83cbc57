import { listGitFolders } from '#platform/db/repositories/gitFolders.ts';
import type { SessionRecord } from '#platform/db/repositories/sessions.ts';
import { openPodShell, type PodShell } from '#tests/support/podShell.ts';
import { createSessionStack, type SessionStack } from '#tests/support/sessionStack.ts';
import { waitFor } from '#tests/support/waitFor.ts';

const COMMIT = 'git -c user.name=Ada -c user.email=ada@example.org commit --quiet --all --message';

let stack: SessionStack;
beforeAll(async () => {
  stack = await createSessionStack({ GIT_QUIET_SECONDS: '1' });
});
afterAll(() => stack.stop());

async function openShell(session: SessionRecord): Promise<PodShell> {
  await stack.open(session);
  await stack.reaches(session, 'running');
  return openPodShell(await stack.agent(session));
}

/** Resolves with the digest of the one saved repository once it is another than that. */
async function savedAfter(session: SessionRecord, before: string | null): Promise<string> {
  return waitFor(
    async () => {
      const [folder] = await listGitFolders(stack.database, session.id);
      return folder !== undefined && folder.sha256 !== before && folder.sha256;
    },
    { deadlineMs: 40_000, what: 'the saving' },
  );
}

describe('a repository that is made in a terminal', () => {
  it('is saved after each commit that touches no file, and is the same after close and open', async () => {
    const session = await stack.newSession();
    const shell = await openShell(session);
    await shell.run(`git init --quiet --initial-branch=main && git add . && ${COMMIT} first`);
    const first = await savedAfter(session, null);
    // Nothing but the repository changes by it: no hint tells of a file.
    await shell.run(`${COMMIT} second --allow-empty`);
    await savedAfter(session, first);
    await shell.run('git branch feature && echo "# more" >> main.py');
    const looked = 'git status --porcelain --branch; git log --all --format="%H %D %s"; git fsck';
    const before = await shell.run(looked);
    expect(before.output).toContain('second');
    await stack.close(session);
    await stack.reaches(session, 'closed');
    expect(await stack.volumeState(session)).toBeNull();
    const again = await openShell(session);
    expect(await again.run(looked)).toEqual(before);
    await stack.close(session);
    await stack.reaches(session, 'closed');
  });
});
