import { randomUUID } from 'node:crypto';
import { WorkflowUpdateFailedError, type WorkflowHandle } from '@temporalio/client';
import { ApplicationFailure } from '@temporalio/common';
import { listHistory, verifyHistory } from '#platform/db/repositories/reviewHistory.ts';
import { findReview } from '#platform/db/repositories/reviews.ts';
import type { SEARCH_ATTRIBUTES } from '#shared/domain/queues.ts';
import { build, type BuiltUser } from '#tests/support/factories.ts';
import { decide, startReviewStage, type OpenReview, type ReviewStage } from '#tests/support/reviewStage.ts';
import { waitFor } from '#tests/support/waitFor.ts';
import {
  approveUpdate,
  changedSignal,
  claimUpdate,
  stateQuery,
  withdrawUpdate,
  type DecisionResult,
} from '#workflows/review/review.messages.ts';

let stage: ReviewStage;

beforeAll(async () => {
  stage = await startReviewStage();
});
afterAll(() => stage.close());

function claim(review: OpenReview, by: BuiltUser, opId: string = randomUUID()): Promise<DecisionResult> {
  return decide(review, claimUpdate, { actorId: by.id, opId });
}

function approve(review: OpenReview, expectedSnapshotId = review.snapshotId): Promise<DecisionResult> {
  return decide(review, approveUpdate, { actorId: stage.reviewer.id, expectedSnapshotId });
}

/** The code of the refusal, or null when there was none. */
async function refusalOf(update: Promise<unknown>): Promise<string | null> {
  try {
    await update;
    return null;
  } catch (error) {
    if (error instanceof WorkflowUpdateFailedError && error.cause instanceof ApplicationFailure)
      return error.cause.type ?? '';
    throw error;
  }
}

async function detailsOf(handle: WorkflowHandle): Promise<string> {
  const metadata = await handle.query<{ currentDetails?: string }>('__temporal_workflow_metadata');
  return metadata.currentDetails ?? '';
}

/** How many updates the history holds. Its length would also count the tasks that the worker is just working on. */
async function acceptedUpdates(handle: WorkflowHandle): Promise<number> {
  const { events } = await handle.fetchHistory();
  return (events ?? []).filter((event) => event.workflowExecutionUpdateAcceptedEventAttributes).length;
}

describe('signals from outside', () => {
  it('with no input, {}, a string and wrong types leave the review working, and the strange ones are told', async () => {
    const review = await stage.openReview();
    const payloads: unknown[][] = [[], [{}], ['now'], [7], [null], [[1, 2]], [{ opId: 3 }]];
    for (const args of payloads) await review.handle.signal<unknown[]>('changed', ...args);
    await review.handle.signal<unknown[]>('noSuchSignal', 'hello');
    await waitFor(async () => (await detailsOf(review.handle)).includes('noSuchSignal'), {
      what: 'the unknown signal',
    });
    const details = await detailsOf(review.handle);
    expect(details).toContain('changed came with "now"');
    expect(details).toContain('changed came with 7');
    expect((await claim(review, stage.reviewer)).status).toBe('in_review');
    expect((await approve(review)).status).toBe('approved');
    expect(await review.handle.result()).toEqual({ outcome: 'approved' });
  });

  it('have a description that an operator can act on, as have updates and the query', async () => {
    const review = await stage.openReview();
    const metadata = await review.handle.query<{
      definition: Record<
        'signalDefinitions' | 'updateDefinitions' | 'queryDefinitions',
        Array<{ name?: string; description?: string }>
      >;
    }>('__temporal_workflow_metadata');
    const { signalDefinitions, updateDefinitions, queryDefinitions } = metadata.definition;
    expect(updateDefinitions.map((each) => each.name).sort()).toEqual(
      ['approve', 'claim', 'override', 'reassign', 'refreshSnapshot', 'reject', 'release', 'withdraw'].sort(),
    );
    const own = [...signalDefinitions, ...updateDefinitions, ...queryDefinitions].filter(
      (each) => each.name && !each.name.startsWith('__'),
    );
    for (const { name, description } of own) expect([name, (description ?? '').length > 20]).toEqual([name, true]);
  });
});

describe('updates from outside', () => {
  it('without an opId or an actor are refused and leave nothing in the history', async () => {
    const review = await stage.openReview();
    for (const args of [[], [{}], ['claim'], [7], [null], [{ opId: 'x' }]]) {
      expect(await refusalOf(review.handle.executeUpdate('claim', { args: args as [unknown] }))).toBe('INVALID_INPUT');
    }
    expect(await acceptedUpdates(review.handle)).toBe(0);
    expect((await claim(review, stage.reviewer)).seq).toBe(2);
    expect(await acceptedUpdates(review.handle)).toBe(1);
  });

  it('with an older snapshot are refused with REVIEW_SNAPSHOT_CHANGED', async () => {
    const review = await stage.openReview();
    await claim(review, stage.reviewer);
    expect(await refusalOf(approve(review, review.snapshotId - 1))).toBe('REVIEW_SNAPSHOT_CHANGED');
    expect(await refusalOf(approve(review))).toBeNull();
  });

  it('that race for a claim have one winner', async () => {
    const review = await stage.openReview();
    const people = await Promise.all(Array.from({ length: 8 }, () => build.user(stage.database, { reviewerLevel: 1 })));
    const refusals = await Promise.all(people.map((person) => refusalOf(claim(review, person))));
    expect(refusals.filter((code) => code === null)).toHaveLength(1);
    expect(refusals.filter((code) => code === 'REVIEW_ALREADY_CLAIMED')).toHaveLength(7);
    expect((await findReview(stage.database, review.id))?.assignedTo?.id).toBe(people[refusals.indexOf(null)]?.id);
  });

  it('are judged by the level of now, not by that of the claim', async () => {
    const review = await stage.openReview();
    const demoted = await build.user(stage.database, { reviewerLevel: 1 });
    await claim(review, demoted);
    await stage.database.query('UPDATE users SET reviewer_level = 0, is_reviewer = false WHERE id = $1', [demoted.id]);
    const approval = decide(review, approveUpdate, { actorId: demoted.id, expectedSnapshotId: review.snapshotId });
    expect(await refusalOf(approval)).toBe('REVIEW_LEVEL_TOO_LOW');
  });
});

describe('a claim', () => {
  it('ends by itself when its time has passed, told in the history as done by no person', async () => {
    const review = await stage.openReview();
    await claim(review, stage.reviewer);
    await stage.database.query(`UPDATE review_requests SET claim_expires_at = now() WHERE id = $1`, [review.id]);
    await review.handle.signal(changedSignal, { opId: randomUUID() });
    await waitFor(async () => (await findReview(stage.database, review.id))?.assignedTo === null, {
      deadlineMs: 20_000,
      what: 'the end of the claim',
    });
    const last = (await listHistory(stage.database, review.id)).at(-1);
    expect(last).toMatchObject({ changedBy: null, oldStatus: 'in_review', newStatus: 'in_review' });
    expect(last?.description).toBe(`release: the claim of ${stage.reviewer.username} ended without a verdict.`);
    // The row says so a moment before the run that wrote it knows; who does not say which row they saw is refused until then.
    await waitFor(async () => (await review.handle.query(stateQuery)).assigneeId === null, { what: 'a free review' });
    const other = await build.user(stage.database, { reviewerLevel: 1 });
    expect((await claim(review, other)).status).toBe('in_review');
  });
});

describe('a run', () => {
  it('shows status, holder, priority, owner and outcome as search attributes', async () => {
    const review = await stage.openReview();
    const attributes = async () => {
      const { typedSearchAttributes } = await review.handle.describe();
      return Object.fromEntries(typedSearchAttributes.getAll().map(({ key, value }) => [key.name, value])) as Partial<
        Record<keyof typeof SEARCH_ATTRIBUTES, unknown>
      >;
    };
    expect(await waitFor(async () => (await attributes()).DueAt, { what: 'DueAt' })).toBeInstanceOf(Date);
    await claim(review, stage.reviewer);
    await waitFor(async () => (await attributes()).ReviewStatus === 'in_review', { what: 'ReviewStatus' });
    expect(await attributes()).toMatchObject({
      ReviewerId: String(stage.reviewer.id),
      OwnerId: String(stage.author.id),
      Priority: 'medium',
      NeedsAttention: false,
    });
    await approve(review);
    await review.handle.result();
    expect(await attributes()).toMatchObject({ ReviewStatus: 'approved', EndReason: 'approved' });
  });

  it('survives that its workers stop in between: what was asked meanwhile is done once', async () => {
    const review = await stage.openReview();
    await stage.stopWorkers();
    const opId = randomUUID();
    const asked = claim(review, stage.reviewer, opId);
    await stage.startWorkers();
    expect((await asked).status).toBe('in_review');
    expect((await claim(review, stage.reviewer, opId)).seq).toBe(2);
    expect(await listHistory(stage.database, review.id)).toHaveLength(2);
    expect((await verifyHistory(stage.database, review.id)).valid).toBe(true);
  });

  it('does not end by a cancel from outside, for then nobody could decide', async () => {
    const review = await stage.openReview();
    await review.handle.cancel();
    expect((await claim(review, stage.reviewer)).status).toBe('in_review');
    await decide(review, withdrawUpdate, { actorId: stage.author.id });
    expect(await review.handle.result()).toEqual({ outcome: 'withdrawn' });
    expect((await findReview(stage.database, review.id))?.status).toBe('in_review');
  });

  it('continues as a new one when its history is long, and still knows what was decided', async () => {
    const review = await stage.openReview();
    const opId = randomUUID();
    await claim(review, stage.reviewer, opId);
    const { runId } = await review.handle.describe();
    for (let sent = 0; (await review.handle.describe()).runId === runId; sent += 1) {
      expect(sent).toBeLessThan(1_500);
      await review.handle.signal(changedSignal, {});
      await review.handle.query(stateQuery);
    }
    expect((await claim(review, stage.reviewer, opId)).seq).toBe(2);
    expect(await review.handle.query(stateQuery)).toMatchObject({ status: 'in_review', assigneeId: stage.reviewer.id });
    expect((await approve(review)).seq).toBe(3);
  }, 120_000);

  it('ends as gone when the review is erased with its session', async () => {
    const review = await stage.openReview();
    await stage.database.query(
      'DELETE FROM sessions WHERE uuid = (SELECT session_id FROM review_requests WHERE id = $1)',
      [review.id],
    );
    await review.handle.signal(changedSignal, {});
    expect(await review.handle.result()).toEqual({ outcome: 'gone' });
  });
});
