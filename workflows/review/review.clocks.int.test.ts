import { randomUUID } from 'node:crypto';
import { WorkflowUpdateFailedError, type WorkflowHandle } from '@temporalio/client';
import { defaultPayloadConverter } from '@temporalio/common';
import { wakeReviews } from '#activities/review/wakeReviews.ts';
import { rearmDue } from '#platform/db/repositories/reviewClocks.ts';
import { listHistory, verifyHistory } from '#platform/db/repositories/reviewHistory.ts';
import { findReview, publishReviewChange, releaseReview } from '#platform/db/repositories/reviews.ts';
import { taskQueues, type SEARCH_ATTRIBUTES } from '#shared/domain/queues.ts';
import { build, type BuiltUser } from '#tests/support/factories.ts';
import { decide, startReviewStage, type OpenReview, type ReviewStage } from '#tests/support/reviewStage.ts';
import { waitFor } from '#tests/support/waitFor.ts';
import {
  approveUpdate,
  changedSignal,
  claimUpdate,
  releaseUpdate,
  REVIEW_WORKFLOW,
  withdrawUpdate,
  type ReviewWorkflowInput,
} from '#workflows/review/review.messages.ts';

let stage: ReviewStage;
let lead: BuiltUser;

beforeAll(async () => {
  stage = await startReviewStage({
    REVIEW_MEDIUM_DUE_SECONDS: '3',
    REVIEW_CLAIM_SECONDS: '120',
    REVIEW_REMINDER_PERCENT: '50',
  });
  lead = await build.user(stage.database, { reviewerLevel: 2 });
});
afterAll(() => stage.close());

async function rows(review: OpenReview, verb: string): Promise<string[]> {
  const history = await listHistory(stage.database, review.id);
  return history.map((row) => row.description).filter((text) => text.startsWith(verb));
}

async function toldOf(review: OpenReview): Promise<Array<{ userId: number; kind: string }>> {
  return stage.database.query('SELECT user_id AS "userId", kind FROM notifications WHERE review_id = $1 ORDER BY id', [
    review.id,
  ]);
}

async function attributesOf(handle: WorkflowHandle): Promise<Partial<Record<keyof typeof SEARCH_ATTRIBUTES, unknown>>> {
  const { typedSearchAttributes } = await handle.describe();
  return Object.fromEntries(typedSearchAttributes.getAll().map(({ key, value }) => [key.name, value]));
}

async function detailsOf(handle: WorkflowHandle): Promise<string> {
  const metadata = await handle.query<{ currentDetails?: string }>('__temporal_workflow_metadata');
  return metadata.currentDetails ?? '';
}

const slaRows = (review: OpenReview, count: number) =>
  waitFor(async () => (await rows(review, 'sla:')).length >= count, { what: `${String(count)} sla rows` });

describe('a review that nobody claims', () => {
  it('is reminded of once and escalated once, which its run shows until somebody claims it', async () => {
    const review = await stage.openReview();
    const due = (await findReview(stage.database, review.id))?.dueAt;
    expect(await waitFor(async () => (await attributesOf(review.handle)).DueAt, { what: 'DueAt' })).toEqual(due);
    await slaRows(review, 1);
    await waitFor(async () => (await detailsOf(review.handle)).includes('reminded at'), { what: 'the reminder shown' });
    await slaRows(review, 2);
    await waitFor(async () => (await attributesOf(review.handle)).NeedsAttention === true, { what: 'NeedsAttention' });
    const details = await detailsOf(review.handle);
    expect(details).toContain('- turn: the queue, any reviewer of level 1 or higher, since ');
    expect(details).toContain('**needs attention**: escalated at ');
    expect(await toldOf(review)).toEqual([
      { userId: stage.reviewer.id, kind: 'reminder' },
      { userId: lead.id, kind: 'escalation' },
    ]);
    await decide(review, claimUpdate, { actorId: stage.reviewer.id });
    await waitFor(async () => (await attributesOf(review.handle)).NeedsAttention === false, { what: 'no attention' });
    expect((await attributesOf(review.handle)).DueAt).toBeUndefined();
    const held = await detailsOf(review.handle);
    expect(held).toContain(`- turn: ${stage.reviewer.username}, since `);
    expect(held).toContain(`- timer: warn ${stage.reviewer.username} that the claim ends at `);
    await decide(review, releaseUpdate, { actorId: stage.reviewer.id });
    for (let sent = 0; sent < 3; sent += 1) await review.handle.signal(changedSignal, {});
    await decide(review, withdrawUpdate, { actorId: stage.author.id });
    await review.handle.result();
    expect(await rows(review, 'sla:')).toHaveLength(2);
    expect((await verifyHistory(stage.database, review.id)).valid).toBe(true);
  });

  it('is told of at the time that its priority sets when that changes', async () => {
    const review = await stage.openReview({ priority: 'low' });
    expect(await detailsOf(review.handle)).toContain('- timer: remind a reviewer of the first look at ');
    expect((await attributesOf(review.handle)).NeedsAttention).toBe(false);
    await stage.database.transaction((tx) => rearmDue(stage.database, { reviewId: review.id, dueSeconds: 1 }, tx));
    await review.handle.signal(changedSignal, { opId: randomUUID() });
    await slaRows(review, 2);
    await decide(review, withdrawUpdate, { actorId: stage.author.id });
  });
});

describe('a claim', () => {
  it('is warned of and ends by itself, each once and told to its holder', async () => {
    const review = await stage.openReview({ priority: 'low' });
    await decide(review, claimUpdate, { actorId: stage.reviewer.id });
    await stage.database.query(
      `UPDATE review_requests SET claim_expires_at = now() + interval '2 seconds' WHERE id = $1`,
      [review.id],
    );
    await review.handle.signal(changedSignal, {});
    const free = { deadlineMs: 30_000, what: 'the end of the claim' };
    await waitFor(async () => (await findReview(stage.database, review.id))?.assignedTo === null, free);
    expect(await rows(review, 'sla:')).toEqual([
      expect.stringMatching(`^sla: the claim ends at .*; told: ${stage.reviewer.username}.$`),
    ]);
    expect(await toldOf(review)).toEqual([
      { userId: stage.reviewer.id, kind: 'reminder' },
      { userId: stage.reviewer.id, kind: 'unassigned' },
    ]);
    await decide(review, withdrawUpdate, { actorId: stage.author.id });
    expect(await rows(review, 'release:')).toHaveLength(1);
  });

  it('is not refused by a run that has not heard yet that the review is free', async () => {
    const review = await stage.openReview({ priority: 'low' });
    await decide(review, claimUpdate, { actorId: stage.reviewer.id });
    await stage.database.transaction(async (tx) => {
      await releaseReview(stage.database, { reviewId: review.id, onlyExpired: false }, tx);
      await publishReviewChange(stage.database, { reviewId: review.id, kinds: ['review'] }, tx);
    });
    const seenSeq = (await findReview(stage.database, review.id))?.changeSeq ?? 0;
    const late = decide(review, claimUpdate, { actorId: lead.id, seenSeq: seenSeq - 2 });
    await expect(late).rejects.toThrow(WorkflowUpdateFailedError);
    expect((await decide(review, claimUpdate, { actorId: lead.id, seenSeq })).status).toBe('in_review');
    expect((await findReview(stage.database, review.id))?.assignedTo?.id).toBe(lead.id);
    await decide(review, approveUpdate, { actorId: lead.id, expectedSnapshotId: review.snapshotId });
    expect(await review.handle.result()).toEqual({ outcome: 'approved' });
    expect(await rows(review, 'sla:')).toEqual([]);
  });
});

describe('a run that continues as new', () => {
  it('keeps every clock: what rang does not ring again, what is set rings once', async () => {
    const review = await stage.openReview({ priority: 'low' });
    await review.handle.terminate('a run that continues sooner follows');
    const input: ReviewWorkflowInput = { reviewId: review.id, maxHistoryEvents: 30 };
    const handle = await stage.temporal.client.workflow.start(REVIEW_WORKFLOW, {
      taskQueue: taskQueues(stage.config.TEMPORAL_TASK_QUEUE_PREFIX).orchestration,
      workflowId: review.handle.workflowId,
      args: [input],
    });
    const present = { ...review, handle: stage.temporal.client.workflow.getHandle(handle.workflowId) };
    const runs = new Set<string>();
    const untilRuns = (count: number) =>
      waitFor(
        async () => {
          await present.handle.signal(changedSignal, {});
          runs.add((await present.handle.describe()).runId);
          return runs.size >= count;
        },
        { what: `${String(count)} runs` },
      );
    await untilRuns(2);
    // The reminder is due at once, the escalation only after more runs.
    await stage.database.query(
      `UPDATE review_requests SET submitted_at = now() - interval '1 hour', due_at = now() + interval '1 second' WHERE id = $1`,
      [review.id],
    );
    await present.handle.signal(changedSignal, {});
    await slaRows(review, 1);
    await untilRuns(3);
    await slaRows(review, 2);
    await untilRuns(4);
    await decide(present, withdrawUpdate, { actorId: stage.author.id });
    expect(await present.handle.result()).toEqual({ outcome: 'withdrawn' });
    expect(await rows(review, 'sla:')).toEqual([
      expect.stringContaining('the first look is due'),
      expect.stringContaining('nobody has claimed it'),
    ]);
  }, 60_000);
});

describe('a review whose run was terminated', () => {
  it('is started again once a clock is late, and then rings', async () => {
    const review = await stage.openReview({ priority: 'low' });
    await review.handle.terminate('by a test');
    await stage.database.query(`UPDATE review_requests SET due_at = now() - interval '1 hour' WHERE id = $1`, [
      review.id,
    ]);
    expect(await wakeReviews(stage, 7_200)).toBe(0);
    expect(await wakeReviews(stage, 120)).toBe(1);
    await slaRows(review, 2);
    expect(await wakeReviews(stage, 120)).toBe(0);
    await decide(review, withdrawUpdate, { actorId: stage.author.id });
  });
});

describe('what an operator reads', () => {
  it('has a summary on every activity and every timer', async () => {
    const review = await stage.openReview();
    // A claim that comes with the end of the freezing leaves no moment in which the first timer would run.
    await waitFor(
      async () => {
        const { events } = await review.handle.fetchHistory();
        return events?.some((event) => event.timerStartedEventAttributes);
      },
      { what: 'the first timer' },
    );
    await decide(review, claimUpdate, { actorId: stage.reviewer.id });
    await decide(review, withdrawUpdate, { actorId: stage.author.id });
    await review.handle.result();
    const { events } = await review.handle.fetchHistory();
    const summaries = (events ?? [])
      .filter((event) => event.activityTaskScheduledEventAttributes ?? event.timerStartedEventAttributes)
      .map(({ userMetadata }) => {
        const payload = userMetadata?.summary;
        return payload === null || payload === undefined
          ? ''
          : defaultPayloadConverter.fromPayload<string>(
              payload as Parameters<typeof defaultPayloadConverter.fromPayload>[0],
            );
      });
    expect(summaries.filter((summary) => summary.length < 10)).toEqual([]);
    expect(summaries).toContain('remind a reviewer of the first look');
    expect(summaries).toContain(`warn ${stage.reviewer.username} that the claim ends`);
  });
});
