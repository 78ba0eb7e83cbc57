import { jest } from '@jest/globals';
import { findVolume } from '#platform/db/repositories/volumes.ts';
import { listWarmSlots } from '#platform/db/repositories/warmSlots.ts';
import { podName } from '#shared/domain/podNames.ts';
import { createTestNamespace, type TestNamespace } from '#tests/support/cluster.ts';
import { startCopyGround, type CopyGround } from '#tests/support/copyGround.ts';
import { waitFor } from '#tests/support/waitFor.ts';
import { runPool } from '#tests/support/warmPool.ts';

// Real pods on a busy machine: the waits inside have deadlines of their own.
jest.setTimeout(300_000);

let namespace: TestNamespace;
let ground: CopyGround;
beforeAll(async () => {
  namespace = await createTestNamespace();
  ground = await startCopyGround(namespace.settings);
});
afterAll(async () => {
  await ground?.close();
  await namespace?.drop();
});

/** All files that the author's session has in the database. */
const filesOf = async (sessionId: number): Promise<unknown> =>
  ground.api.database.query(
    `SELECT id, full_path, version, sha256 FROM workspace_items WHERE session_id = $1 ORDER BY id`,
    [sessionId],
  );

describe('a throw-away copy in a pod', () => {
  it('takes a ready pod, holds the frozen bytes and nothing else, and leaves nothing after the verdict', async () => {
    expect(await runPool(ground.api.deps, 1)).toMatchObject({ ready: 1 });
    const [slot] = await listWarmSlots(ground.api.database, 'ready');
    const { author, reviewer, session, id, snapshotId } = await ground.heldReview();
    const before = await filesOf(session.id);

    const copy = await ground.openCopy(reviewer, id);
    expect(copy.uuid).toBe(slot!.uuid);
    const pod = await namespace.get<{ metadata: { uid: string } }>('pod', podName(copy.uuid));
    expect(pod.metadata.uid).toBe(slot!.podUid);
    const seen = await ground.runOn(reviewer, id, 'cat main.py; find . -type f ! -name ".berth-volume"; id -u');
    expect(seen).toMatchObject({
      exitCode: 0,
      isChanged: false,
      isStale: false,
      stdout: { content: "print('frozen')\n./main.py\n1000\n" },
    });
    const spoiling = await ground.runOn(reviewer, id, 'echo spoilt > main.py && echo more > more.txt');
    expect(spoiling).toMatchObject({ exitCode: 0, isChanged: false });
    expect(await ground.runOn(reviewer, id, 'cat main.py')).toMatchObject({ isChanged: true });
    // The author's session has neither a pod nor a volume of all this, and not one changed row.
    expect(await filesOf(session.id)).toEqual(before);
    expect(await findVolume(ground.api.database, session.id)).toBeNull();

    const verdict = { expectedSnapshotId: snapshotId, receiptIds: [seen.id] };
    expect(await ground.post(reviewer, `/reviews/${id}/approve`, verdict)).toMatchObject({ status: 200 });
    expect((await ground.reaches(copy.uuid, 'closed')).phaseReason).toBe('copy-over');
    await waitFor(
      async () => {
        const { items } = await namespace.get<{ items: unknown[] }>('pods,persistentvolumeclaims,secrets');
        return items.length === 0;
      },
      { deadlineMs: 90_000, what: 'its pod, claim and key to go' },
    );
    const receipt = (await ground.get(author, `/reviews/${id}/receipts/${seen.id}`)).body;
    expect(receipt).toMatchObject({ isCited: true, exitCode: 0 });
  });

  it('goes with its pod when the reviewer gives the review back, while a program in it still runs', async () => {
    await runPool(ground.api.deps, 0);
    const { reviewer, id } = await ground.heldReview();
    const copy = await ground.openCopy(reviewer, id);
    const run = await ground.post(reviewer, `/reviews/${id}/runs`, { command: 'trap "" TERM; sleep 600' });
    const receipt = `/reviews/${id}/receipts/${run.body.id}`;
    await waitFor(async () => (await ground.get(reviewer, receipt)).body.status === 'running', {
      deadlineMs: 60_000,
      what: 'the program to run',
    });
    expect((await ground.post(reviewer, `/reviews/${id}/release`)).status).toBe(200);
    await ground.reaches(copy.uuid, 'closed');
    await waitFor(async () => !(await namespace.kubectl('get', 'pods')).includes(podName(copy.uuid)), {
      deadlineMs: 90_000,
      what: 'its pod to go',
    });
  });
});
