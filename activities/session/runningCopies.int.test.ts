import { removeEndedCopies } from '#platform/db/repositories/runningCopies.ts';
import { findSessionById, type SessionRecord } from '#platform/db/repositories/sessions.ts';
import {
  buildFrozenReview,
  decideFrozenReview,
  openHoldersCopy,
  type FrozenReview,
} from '#tests/support/frozenReview.ts';
import { createSessionStack, fileOnVolume, sessionRun, type SessionStack } from '#tests/support/sessionStack.ts';
import { createNodeSwitch } from '#tests/support/unreachableNode.ts';
import { waitFor } from '#tests/support/waitFor.ts';

const node = createNodeSwitch();
let stack: SessionStack;
let idle: SessionRecord;

/** A copy that runs, with the review that it is for. */
async function opened(): Promise<{ review: FrozenReview; copy: SessionRecord }> {
  const review = await buildFrozenReview(stack.database);
  const asked = await openHoldersCopy(stack, review);
  return { review, copy: await stack.reaches(asked, 'running') };
}

const objectsOf = async ({ uuid }: SessionRecord): Promise<number> => {
  const { pods, volumes } = await stack.runtime.list();
  return [...pods, ...volumes].filter((object) => object.uuid === uuid).length;
};

beforeAll(async () => {
  const settings = { RUNNING_COPY_IDLE_SECONDS: '10', NODE_LOST_SECONDS: '2', POD_START_SECONDS: '15' };
  stack = await createSessionStack(settings, { wrapRuntime: node.around });
  ({ copy: idle } = await opened());
}, 60_000);
afterAll(() => stack.stop(), 60_000);

/** Closed, with neither pod nor volume, and nothing known of a volume. */
async function isGone(copy: SessionRecord, reason: string): Promise<void> {
  expect((await stack.reaches(copy, 'closed')).phaseReason).toBe(reason);
  expect(await objectsOf(copy)).toBe(0);
  expect(await stack.volumeState(copy)).toBeNull();
}

describe('a throw-away copy', () => {
  it('is gone with the verdict, whatever runs in it', async () => {
    const { review, copy } = await opened();
    await stack.type(copy, `trap '' HUP TERM; touch begun.txt; sleep 300`);
    await waitFor(async () => (await fileOnVolume(stack, copy, 'begun.txt')) !== null, { what: 'the program' });
    await decideFrozenReview(stack, review);
    await isGone(copy, 'copy-over');
  });

  it('is gone once its owner gave the review back', async () => {
    const { review, copy } = await opened();
    await stack.database.query('UPDATE review_requests SET assigned_to = NULL WHERE id = $1', [review.id]);
    await isGone(copy, 'copy-over');
  });

  it('is gone with the verdict though its workflow was terminated before', async () => {
    const { review, copy } = await opened();
    await sessionRun(stack, copy).terminate('by a test');
    await decideFrozenReview(stack, review);
    await isGone(copy, 'copy-over');
  });

  it('is gone with a verdict that comes while it opens', async () => {
    const review = await buildFrozenReview(stack.database);
    const copy = await openHoldersCopy(stack, review);
    await decideFrozenReview(stack, review);
    await isGone(copy, 'copy-over');
  });

  it('is given up on a node that does not answer: nothing on it is worth waiting for', async () => {
    const { review, copy } = await opened();
    node.lose(copy.uuid);
    await decideFrozenReview(stack, review);
    await isGone(copy, 'copy-over');
  });

  it('is gone by itself when nothing happens in it, and then its row goes, too', async () => {
    await isGone(idle, 'idle');
    await removeEndedCopies(stack.database, { ageSeconds: 3_600 });
    expect(await findSessionById(stack.database, idle.id)).not.toBeNull();
    await removeEndedCopies(stack.database, { ageSeconds: 0 });
    expect(await findSessionById(stack.database, idle.id)).toBeNull();
  });
});
