import { readdirSync } from 'node:fs';
import path from 'node:path';
import { listHistory, verifyHistory } from '#platform/db/repositories/reviewHistory.ts';
import { findReview } from '#platform/db/repositories/reviews.ts';
import { useFreshReviewIds } from '#tests/support/reviewWorkers.ts';
import { startStack, type Stack } from '#tests/support/stack.ts';
import { newPerson, postAs, submitAs, type StackAnswer, type StackPerson } from '#tests/support/stackPeople.ts';
import { waitFor } from '#tests/support/waitFor.ts';

let stack: Stack;

beforeAll(async () => {
  stack = await startStack();
  await useFreshReviewIds(stack.database);
}, 90_000);
afterAll(() => stack.stop(), 60_000);

const person = (reviewerLevel: number): Promise<StackPerson> => newPerson(stack, reviewerLevel);
const post = (by: StackPerson, path: string, body?: unknown): Promise<StackAnswer> => postAs(stack, by, { path, body });
const submit = (author: StackPerson): Promise<number> => submitAs(stack, author);

const PATIENCE = { deadlineMs: 60_000 };

/** Kills the worker with SIGKILL so long from now, wherever its work then is, and starts it again. */
async function killWorkerAfter(milliseconds: number): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, milliseconds));
  await stack.worker.kill();
  stack.worker.start();
}

describe('a worker that is killed', () => {
  it.each([10, 60, 120])(
    '%i ms after a submission leaves exactly one snapshot and one history row',
    async (moment) => {
      const author = await person(0);
      const id = await submit(author);
      await killWorkerAfter(moment);
      await waitFor(async () => (await findReview(stack.database, id))?.snapshotId, {
        ...PATIENCE,
        what: 'the snapshot',
      });
      const [made] = await stack.database.query<{ snapshots: number }>(
        `SELECT count(*)::int AS snapshots FROM snapshots n JOIN sessions s ON s.id = n.session_id
       JOIN review_requests r ON r.session_id = s.uuid WHERE r.id = $1`,
        [id],
      );
      expect(made?.snapshots).toBe(1);
      expect(await listHistory(stack.database, id)).toHaveLength(1);
      expect((await verifyHistory(stack.database, id)).valid).toBe(true);
    },
    90_000,
  );

  it('while fifty people claim leaves one holder, one row, and no verdict lost after it', async () => {
    const author = await person(0);
    const id = await submit(author);
    await waitFor(async () => (await findReview(stack.database, id))?.snapshotId, {
      ...PATIENCE,
      what: 'the snapshot',
    });
    const people = await Promise.all(Array.from({ length: 50 }, () => person(1)));
    const killed = killWorkerAfter(40);
    const answers = await Promise.all(people.map((each) => post(each, `/reviews/${id}/claim`)));
    await killed;
    // Some had to be told that it takes longer; none was told something wrong.
    for (const { status } of answers) expect([200, 202, 409, 503]).toContain(status);
    expect(answers.filter((answer) => answer.status === 200).length).toBeLessThanOrEqual(1);
    const review = await waitFor(
      async () => {
        const row = await findReview(stack.database, id);
        return row?.assignedTo === null ? null : row;
      },
      { ...PATIENCE, what: 'a holder' },
    );
    const holder = people.find((each) => each.id === review.assignedTo?.id);
    if (holder === undefined) throw new Error('the holder is none of those who claimed');
    const winner = people[answers.findIndex((answer) => answer.status === 200)];
    expect(winner?.id ?? holder.id).toBe(holder.id);
    // Whoever asks now is told who won.
    const again = await Promise.all(
      people.filter((each) => each.id !== holder.id).map((each) => post(each, `/reviews/${id}/claim`)),
    );
    expect(again).toHaveLength(49);
    for (const { status, body } of again) {
      expect([status, body.data?.holder.id]).toEqual([409, holder.id]);
    }
    const verdict = { expectedSnapshotId: review.snapshotId, summary: '' };
    await waitFor(async () => (await post(holder, `/reviews/${id}/approve`, verdict)).status === 200, {
      ...PATIENCE,
      what: 'the verdict',
    });
    const history = await listHistory(stack.database, id);
    expect(history.map((row) => row.description.split(':')[0])).toEqual(['submit', 'claim', 'approve']);
    expect((await verifyHistory(stack.database, id)).valid).toBe(true);
  }, 150_000);

  it('while throw-away copies end at the verdicts leaves neither pods nor volumes of them', async () => {
    const [author, reviewer] = [await person(0), await person(2)];
    const reviews = await Promise.all([1, 2, 3].map(() => submit(author)));
    for (const id of reviews) {
      const snapshot = async () => (await findReview(stack.database, id))?.snapshotId;
      await waitFor(snapshot, { ...PATIENCE, what: 'the snapshot' });
      await post(reviewer, `/reviews/${id}/claim`);
    }
    const opened = await Promise.all(reviews.map((id) => post(reviewer, `/reviews/${id}/running-copies`, {})));
    const uuids = opened.map(({ body }) => body.uuid);
    const allAre = (phase: string) => async () => {
      const rows = await stack.database.query<{ phase: string }>(
        'SELECT phase FROM sessions WHERE uuid = ANY ($1::uuid[])',
        [uuids],
      );
      return rows.every((row) => row.phase === phase);
    };
    await waitFor(allAre('running'), { ...PATIENCE, what: 'the copies to run' });
    // One after the other, so that each is at another place of its end when the worker goes.
    for (const id of reviews) {
      const expectedSnapshotId = (await findReview(stack.database, id))?.snapshotId;
      expect((await post(reviewer, `/reviews/${id}/approve`, { expectedSnapshotId })).status).toBe(200);
    }
    await killWorkerAfter(0);
    await waitFor(allAre('closed'), { ...PATIENCE, what: 'the end of the copies' });
    const folders = ['volumes', 'pods'].map((name) => path.join(stack.config.BERTH_DATA_DIR, name));
    const left = folders.flatMap((folder) => readdirSync(folder));
    expect(left.filter((name) => uuids.some((uuid) => name.includes(uuid)))).toEqual([]);
    const volumes = await stack.database.query(
      `SELECT 1 FROM volumes v JOIN sessions s ON s.id = v.session_id WHERE s.uuid = ANY ($1::uuid[])`,
      [uuids],
    );
    expect(volumes).toEqual([]);
  }, 150_000);
});
