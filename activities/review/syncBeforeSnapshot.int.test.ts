import { submitReview } from '#api/commands/reviews/submitReview.ts';
import { listHistory } from '#platform/db/repositories/reviewHistory.ts';
import { findReview } from '#platform/db/repositories/reviews.ts';
import type { SessionRecord } from '#platform/db/repositories/sessions.ts';
import { findSnapshotItem, listSnapshotItems } from '#platform/db/repositories/snapshots.ts';
import { createLayout } from '#platform/runtime/local/layout.ts';
import { workspaceFolder } from '#platform/runtime/local/volumes.ts';
import { reviewWorkflowId } from '#shared/domain/review.ts';
import { decide, type OpenReview } from '#tests/support/reviewStage.ts';
import { useFreshReviewIds } from '#tests/support/reviewWorkers.ts';
import { createSessionStack, type SessionStack } from '#tests/support/sessionStack.ts';
import { waitFor } from '#tests/support/waitFor.ts';
import { WorkspaceFolder } from '#tests/support/workspaceFolder.ts';
import { withdrawUpdate } from '#workflows/review/review.messages.ts';

let stack: SessionStack;
let session: SessionRecord;

beforeAll(async () => {
  stack = await createSessionStack();
  await useFreshReviewIds(stack.database);
  session = await stack.open(await stack.newSession());
  await stack.reaches(session, 'running');
}, 90_000);
afterAll(() => stack.stop());

async function submit(): Promise<OpenReview> {
  const { database } = stack;
  const body = { title: 'fractals', description: '', priority: 'medium' as const };
  const { id } = await submitReview(stack, { caller: { id: session.userId }, sessionUuid: session.uuid, body });
  const snapshotId = await waitFor(async () => (await findReview(database, id))?.snapshotId, {
    deadlineMs: 45_000,
    what: 'a snapshot',
  });
  const handle = stack.temporal.client.workflow.getHandle(reviewWorkflowId(id));
  return { id, sessionUuid: session.uuid, snapshotId, handle };
}

async function frozenText(snapshotId: number, path: string): Promise<string | undefined> {
  const item = (await listSnapshotItems(stack.database, snapshotId)).find((each) => each.path === path);
  if (item === undefined) return undefined;
  return (await findSnapshotItem(stack.database, { snapshotId, snapshotItemId: item.id }))?.bytes?.toString();
}

describe('the snapshot of an open session', () => {
  it('holds what a program wrote on the volume in the very moment before the submission', async () => {
    const folder = workspaceFolder(createLayout(stack.config.BERTH_DATA_DIR).volumes, session.uuid);
    const workspace = new WorkspaceFolder(folder);
    for (let round = 1; round <= 3; round += 1) {
      workspace.write('out.txt', `written in round ${round}\n`);
      workspace.write(`deep/er/file${round}.txt`, 'new');
      const review = await submit();
      expect(await frozenText(review.snapshotId, 'out.txt')).toBe(`written in round ${round}\n`);
      expect(await frozenText(review.snapshotId, `deep/er/file${round}.txt`)).toBe('new');
      const [first] = await listHistory(stack.database, review.id);
      expect(first?.description).not.toContain('did not answer');
      await decide(review, withdrawUpdate, { actorId: session.userId });
    }
  }, 90_000);

  it('does not change with the live session: neither by an edit nor by a delete', async () => {
    const folder = workspaceFolder(createLayout(stack.config.BERTH_DATA_DIR).volumes, session.uuid);
    const workspace = new WorkspaceFolder(folder);
    const review = await submit();
    const before = await frozenText(review.snapshotId, 'main.py');
    workspace.write('main.py', 'print("changed after the submission")\n');
    workspace.remove('out.txt');
    await waitFor(async () => (await stack.fileInDatabase(session, 'out.txt')) === null, { what: 'the deletion' });
    await waitFor(async () => (await stack.fileInDatabase(session, 'main.py'))?.includes('changed after'), {
      what: 'the edit',
    });
    expect(before).toBeDefined();
    expect(await frozenText(review.snapshotId, 'main.py')).toBe(before);
    expect(await frozenText(review.snapshotId, 'out.txt')).toContain('written in round');
    await decide(review, withdrawUpdate, { actorId: session.userId });
  });

  it('holds what the last save brought when the session is closing', async () => {
    const folder = workspaceFolder(createLayout(stack.config.BERTH_DATA_DIR).volumes, session.uuid);
    new WorkspaceFolder(folder).write('last.txt', 'made just before the close');
    await stack.close(session);
    const review = await submit();
    expect(await frozenText(review.snapshotId, 'last.txt')).toBe('made just before the close');
    const [first] = await listHistory(stack.database, review.id);
    expect(first?.description).not.toContain('did not answer');
  }, 90_000);
});
