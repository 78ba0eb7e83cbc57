import { randomUUID } from 'node:crypto';
import type { WorkflowHandle } from '@temporalio/client';
import { listComments } from '#platform/db/repositories/reviewComments.ts';
import { listHistory, verifyHistory } from '#platform/db/repositories/reviewHistory.ts';
import { findReview } from '#platform/db/repositories/reviews.ts';
import { setBot } from '#platform/db/repositories/users.ts';
import { build, type BuiltUser } from '#tests/support/factories.ts';
import { decide, startReviewStage, type OpenReview, type ReviewStage } from '#tests/support/reviewStage.ts';
import { waitFor } from '#tests/support/waitFor.ts';
import {
  autoDecisionSignal,
  claimUpdate,
  commentSignal,
  reassignUpdate,
  withdrawUpdate,
} from '#workflows/review/review.messages.ts';

let stage: ReviewStage;
let bot: BuiltUser;

beforeAll(async () => {
  stage = await startReviewStage();
  bot = await build.user(stage.database, { username: 'linter' });
  await setBot(stage.database, { usernameKey: 'linter', isBot: true }, null);
});
afterAll(() => stage.close());

const detailsOf = async (handle: WorkflowHandle): Promise<string> =>
  (await handle.query<{ currentDetails?: string }>('__temporal_workflow_metadata')).currentDetails ?? '';

const told = (review: OpenReview, text: string): Promise<boolean> =>
  waitFor(async () => (await detailsOf(review.handle)).includes(text), { deadlineMs: 20_000, what: text });

const commentsOf = (review: OpenReview) =>
  listComments(stage.database, { reviewId: review.id, viewerId: 0, after: null, limit: 100 });

const verdict = (review: OpenReview, actorId: number, opId: string = randomUUID()) => ({
  opId,
  decision: 'approve' as const,
  actorId,
  expectedSnapshotId: review.snapshotId,
  note: 'All checks are green.',
});

describe('the signal comment', () => {
  it('publishes a general comment of a bot once, however often it is sent; it blocks nothing', async () => {
    const review = await stage.openReview();
    const comment = { opId: 'lint-1', actorId: bot.id, text: ' Two warnings in main.py. ' };
    for (let sent = 0; sent < 3; sent += 1) await review.handle.signal(commentSignal, comment);
    await review.handle.signal(commentSignal, { ...comment, opId: 'lint-2', text: 'And one more.' });
    await waitFor(async () => (await commentsOf(review)).length === 2, { what: 'two comments' });
    const [first] = await commentsOf(review);
    expect(first).toMatchObject({ text: 'Two warnings in main.py.', type: 'general', author: { id: bot.id } });
    expect(first?.publishedAt).not.toBeNull();
    await decide(review, claimUpdate, { actorId: stage.reviewer.id });
    const history = await listHistory(stage.database, review.id);
    expect(history.map(({ description }) => description.split(':')[0])).toEqual([
      'submit',
      'comment',
      'comment',
      'claim',
    ]);
    expect((await findReview(stage.database, review.id))?.openIssues).toBe(0);
    expect((await verifyHistory(stage.database, review.id)).valid).toBe(true);
  });

  it('is not for people, nor for accounts that are not there: told in the details', async () => {
    const review = await stage.openReview();
    for (const actorId of [stage.reviewer.id, stage.author.id, 2_147_483_647]) {
      await review.handle.signal(commentSignal, { opId: `as-${actorId}`, actorId, text: 'hello' });
      await told(review, `Account ${actorId} is not a bot that may comment.`);
    }
    expect(await commentsOf(review)).toEqual([]);
    await decide(review, withdrawUpdate, { actorId: stage.author.id });
  });
});

describe('the signal autoDecision', () => {
  it('decides once in the name of who holds the review, by the rules of everybody', async () => {
    const review = await stage.openReview();
    await review.handle.signal(autoDecisionSignal, verdict(review, stage.reviewer.id, 'too-early'));
    await told(review, 'autoDecision auto/too-early: Nobody holds this review.');
    await decide(review, claimUpdate, { actorId: stage.reviewer.id });
    await review.handle.signal(autoDecisionSignal, {
      ...verdict(review, stage.reviewer.id, 'older'),
      expectedSnapshotId: review.snapshotId - 1,
    });
    await told(review, `auto/older: The review is about snapshot ${review.snapshotId} now.`);
    await review.handle.signal(autoDecisionSignal, verdict(review, bot.id, 'by-a-bot'));
    await told(review, 'autoDecision auto/by-a-bot');
    expect((await findReview(stage.database, review.id))?.status).toBe('in_review');
    for (let sent = 0; sent < 2; sent += 1) {
      await review.handle.signal(autoDecisionSignal, verdict(review, stage.reviewer.id, 'green'));
    }
    expect(await review.handle.result()).toEqual({ outcome: 'approved' });
    const last = (await listHistory(stage.database, review.id)).at(-1);
    expect(last).toMatchObject({ changedBy: { id: stage.reviewer.id }, newStatus: 'approved', seq: 3 });
  });

  it('of the submitter or of too low a level is refused like their own', async () => {
    const review = await stage.openReview();
    const nobody = await build.user(stage.database);
    await review.handle.signal(autoDecisionSignal, verdict(review, stage.author.id, 'own'));
    await told(review, 'auto/own: You submitted this session or edited it.');
    await review.handle.signal(autoDecisionSignal, verdict(review, nobody.id, 'low'));
    await told(review, 'auto/low: A review of priority medium needs level 1.');
    expect(await listHistory(stage.database, review.id)).toHaveLength(1);
    await decide(review, withdrawUpdate, { actorId: stage.author.id });
  });
});

describe('strange signals', () => {
  const payloads: unknown[][] = [
    [],
    [null],
    ['approve'],
    [7],
    [[]],
    [{}],
    [{ opId: 7, actorId: 'me', text: {}, decision: 'approve' }],
    [{ opId: 'a\0b', actorId: 1, text: 'x', decision: 'approve' }],
    [{ opId: 'x', actorId: 2 ** 40, text: 'x', decision: 'approve' }],
    [{ opId: 'x', actorId: 1, text: 'y'.repeat(500_000), decision: 'approve', note: 'y'.repeat(500_000) }],
    [{ opId: 'a', actorId: 1, text: 'x' }, 'and more'],
  ];

  it.each(['autoDecision', 'comment'])(
    '%s with anything at all leaves the review working and tells it',
    async (name) => {
      const review = await stage.openReview();
      for (const args of payloads) await review.handle.signal<unknown[]>(name, ...args);
      await told(review, `${name} came with {"opId":"x","actorId":1,`);
      expect((await decide(review, claimUpdate, { actorId: stage.reviewer.id })).status).toBe('in_review');
      expect(await commentsOf(review)).toEqual([]);
      await decide(review, withdrawUpdate, { actorId: stage.author.id });
      expect(await review.handle.result()).toEqual({ outcome: 'withdrawn' });
    },
  );
});

describe('an update from outside', () => {
  it('of a kind that the database would refuse for ever is refused at once', async () => {
    const review = await stage.openReview();
    const send = (input: object) =>
      review.handle.executeUpdate('reassign', { args: [{ opId: randomUUID(), ...input }] as [unknown] });
    for (const input of [
      { actorId: 2 ** 40 },
      { actorId: stage.reviewer.id, assigneeId: 2 ** 40 },
      { actorId: stage.reviewer.id, note: 7 },
      { actorId: stage.reviewer.id, note: 'a\0b' },
    ]) {
      await expect(send(input)).rejects.toMatchObject({ cause: { type: 'INVALID_INPUT' } });
    }
    const leader = await build.user(stage.database, { reviewerLevel: 3 });
    const given = await decide(review, reassignUpdate, { actorId: leader.id, assigneeId: stage.reviewer.id });
    expect(given).toEqual({ status: 'pending', seq: 2 });
    await decide(review, withdrawUpdate, { actorId: stage.author.id });
  });
});
