import { submitReview } from '#api/commands/reviews/submitReview.ts';
import { listHistory, verifyHistory, type HistoryRecord } from '#platform/db/repositories/reviewHistory.ts';
import { findReview } from '#platform/db/repositories/reviews.ts';
import { createTemporal, type Temporal } from '#platform/temporal/client.ts';
import { reviewWorkflowId } from '#shared/domain/review.ts';
import { build, type BuiltUser } from '#tests/support/factories.ts';
import { useFreshReviewIds } from '#tests/support/reviewWorkers.ts';
import { createChance } from '#tests/support/chance.ts';
import { scaled, SEED } from '#tests/support/scale.ts';
import { startStack, type Stack } from '#tests/support/stack.ts';
import { waitFor } from '#tests/support/waitFor.ts';
import { approveUpdate, claimUpdate, withdrawUpdate } from '#workflows/review/review.messages.ts';

/** A clock may ring so much later than set where a worker was started again in between. */
const DRIFT_MS = 60_000;
const PATIENCE = { deadlineMs: 120_000 };

let stack: Stack;
let temporal: Temporal;
let author: BuiltUser;
let reviewer: BuiltUser;
let chief: BuiltUser;

beforeAll(async () => {
  stack = await startStack({
    REVIEW_MEDIUM_DUE_SECONDS: '4',
    REVIEW_CLAIM_SECONDS: '4',
    REVIEW_REMINDER_PERCENT: '50',
  });
  await useFreshReviewIds(stack.database);
  temporal = createTemporal(stack.config);
  author = await build.user(stack.database);
  reviewer = await build.user(stack.database, { reviewerLevel: 1 });
  // Of the two reviewers one may be reminded and the other hold a review: then an operator is told.
  await build.user(stack.database, { isOperator: true });
  chief = await build.user(stack.database, { reviewerLevel: 4 });
}, 90_000);
afterAll(async () => {
  await temporal?.close();
  await stack?.stop();
}, 60_000);

/** What becomes of a review, and which rows of its history no kill may lose or double. */
const LIVES = {
  untouched: ['submit', 'sla reminder', 'sla escalation'],
  claimed: ['submit', 'claim', 'sla warning', 'release'],
  approved: ['submit', 'claim', 'approve'],
  withdrawn: ['submit', 'withdraw'],
} as const;
type Life = keyof typeof LIVES;

async function begin(life: Life): Promise<{ id: number; life: Life }> {
  const session = await build.session(stack.database, { userId: author.id });
  await build.file(stack.database, { sessionId: session.id, name: 'main.py' });
  // Who acts on a review has days for it: its own clocks are not what is tested.
  const priority = life === 'untouched' ? 'medium' : 'low';
  const body = { title: life, description: '', priority } as const;
  const { id } = await submitReview(stack, { caller: author, sessionUuid: session.uuid, body });
  const what = { ...PATIENCE, what: 'the snapshot' };
  const expectedSnapshotId = await waitFor(async () => (await findReview(stack.database, id))?.snapshotId, what);
  const handle = temporal.client.workflow.getHandle(reviewWorkflowId(id));
  const send = (update: typeof claimUpdate, actor: BuiltUser) =>
    handle.executeUpdate(update, { args: [{ opId: `${life}-${id}`, actorId: actor.id, expectedSnapshotId }] });
  if (life === 'claimed') await send(claimUpdate, reviewer);
  if (life === 'approved') await send(approveUpdate, chief);
  if (life === 'withdrawn') await send(withdrawUpdate, author);
  return { id, life };
}

function kindOf({ opId, description }: HistoryRecord): string {
  const verb = description.split(':')[0] ?? '';
  if (verb !== 'sla') return verb;
  return opId.includes('warning') ? 'sla warning' : opId.replace('clock-', 'sla ');
}

/** Kills the worker three times at moments of chance, and leaves it running. */
async function killThrice(chance: () => number): Promise<void> {
  for (let kills = 0; kills < 3; kills += 1) {
    await new Promise((resolve) => setTimeout(resolve, 1_000 + chance() * 3_500));
    await stack.worker.kill();
    stack.worker.start();
  }
}

describe('the clocks of reviews whose worker is killed again and again', () => {
  it('ring exactly once each, and never after a verdict or a withdrawal', async () => {
    const chance = createChance(SEED);
    const names = Object.keys(LIVES) as Life[];
    for (let round = 0; round < scaled(10); round += 1) {
      const killing = killThrice(chance);
      const reviews = await Promise.all([...names, ...names].map(begin));
      const kinds = async (id: number) => (await listHistory(stack.database, id)).map(kindOf);
      for (const { id, life } of reviews) {
        const what = { ...PATIENCE, what: `all rows of ${life}` };
        await waitFor(async () => (await kinds(id)).length >= LIVES[life].length, what);
      }
      await killing;
      for (const { id, life } of reviews) {
        const handle = temporal.client.workflow.getHandle(reviewWorkflowId(id));
        // Whatever still rang would be in the history by the end of the run.
        if (life === 'untouched' || life === 'claimed') {
          await handle.executeUpdate(withdrawUpdate, { args: [{ opId: `end-${id}`, actorId: author.id }] });
        }
        const outcome = life === 'approved' ? 'approved' : 'withdrawn';
        expect(await handle.result()).toEqual({ outcome });
        const rows = (await kinds(id)).slice(0, LIVES[life].length);
        expect(rows).toEqual(LIVES[life]);
        const ends = outcome === 'withdrawn' && life !== 'withdrawn' ? 1 : 0;
        expect(await kinds(id)).toHaveLength(LIVES[life].length + ends);
        expect((await verifyHistory(stack.database, id)).valid).toBe(true);
        await expectNotices(id, life);
      }
    }
  }, 900_000);
});

async function expectNotices(id: number, life: Life): Promise<void> {
  const notices = await stack.database.query<{ kind: string }>(
    'SELECT kind FROM notifications WHERE review_id = $1 ORDER BY id',
    [id],
  );
  const expected = { untouched: ['reminder', 'escalation'], claimed: ['reminder', 'unassigned'] };
  expect(notices.map(({ kind }) => kind)).toEqual(life in expected ? expected[life as keyof typeof expected] : []);
  if (life !== 'untouched') return;
  const due = (await findReview(stack.database, id))?.dueAt?.getTime() ?? 0;
  const rang = (await listHistory(stack.database, id)).find(({ opId }) => opId === 'clock-escalation');
  const drift = (rang?.createdAt.getTime() ?? Infinity) - due;
  expect(drift).toBeGreaterThanOrEqual(0);
  expect(drift).toBeLessThan(DRIFT_MS);
}
