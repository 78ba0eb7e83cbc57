import { randomUUID } from 'node:crypto';
import { WorkflowUpdateFailedError, type WorkflowHandle } from '@temporalio/client';
import { ApplicationFailure } from '@temporalio/common';
import { submitReview } from '#api/commands/reviews/submitReview.ts';
import { listHistory, verifyHistory } from '#platform/db/repositories/reviewHistory.ts';
import { findReview } from '#platform/db/repositories/reviews.ts';
import { createEventListener } from '#platform/events/createEventListener.ts';
import { createLog } from '#platform/observability/log.ts';
import { createTemporal } from '#platform/temporal/client.ts';
import { SEARCH_ATTRIBUTES } from '#shared/domain/queues.ts';
import { reviewWorkflowId } from '#shared/domain/review.ts';
import { createTestDatabase, type TestDatabase } from '#tests/support/database.ts';
import { build, type BuiltUser } from '#tests/support/factories.ts';
import {
  startReviewWorkers,
  useFreshReviewIds,
  type ReviewWorkerDeps,
  type ReviewWorkers,
} from '#tests/support/reviewWorkers.ts';
import { waitFor } from '#tests/support/waitFor.ts';
import {
  approveUpdate,
  changedSignal,
  claimUpdate,
  stateQuery,
  withdrawUpdate,
} from '#workflows/review/review.messages.ts';

let test: TestDatabase;
let deps: ReviewWorkerDeps;
let workers: ReviewWorkers;
let author: BuiltUser;
let reviewer: BuiltUser;

beforeAll(async () => {
  test = await createTestDatabase();
  const log = createLog(test.config, 'test');
  deps = {
    config: test.config,
    database: test.database,
    temporal: createTemporal(test.config),
    events: createEventListener({ config: test.config, database: test.database, log }),
  };
  await useFreshReviewIds(test.database);
  workers = await startReviewWorkers(deps);
  author = await build.user(test.database);
  reviewer = await build.user(test.database, { reviewerLevel: 1 });
}, 60_000);
afterAll(async () => {
  await workers.stop();
  await deps.events.close();
  await deps.temporal.close();
  await test.drop();
});

interface OpenReview {
  id: number;
  snapshotId: number;
  handle: WorkflowHandle;
}

async function openReview(): Promise<OpenReview> {
  const session = await build.session(test.database, { userId: author.id });
  await build.file(test.database, { sessionId: session.id, name: 'main.py' });
  const body = { title: 'fractals', description: '', priority: 'medium' as const };
  const { id } = await submitReview(test, { caller: author, sessionUuid: session.uuid, body });
  const snapshotId = await waitFor(async () => (await findReview(test.database, id))?.snapshotId, {
    what: 'a snapshot',
  });
  return { id, snapshotId, handle: deps.temporal.client.workflow.getHandle(reviewWorkflowId(id)) };
}

function claim({ handle }: OpenReview, by: BuiltUser, opId: string = randomUUID()) {
  return handle.executeUpdate(claimUpdate, { args: [{ opId, actorId: by.id }], updateId: opId });
}

function approve({ handle, snapshotId }: OpenReview, expectedSnapshotId = snapshotId) {
  const opId = randomUUID();
  return handle.executeUpdate(approveUpdate, {
    args: [{ opId, actorId: reviewer.id, expectedSnapshotId }],
    updateId: opId,
  });
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

describe('signals from outside', () => {
  it('with no input, {}, a string and wrong types leave the review working, and the strange ones are told', async () => {
    const review = await openReview();
    const payloads: unknown[][] = [[], [{}], ['now'], [7], [null], [[1, 2]], [{ opId: 3 }]];
    for (const args of payloads) await review.handle.signal<unknown[]>('changed', ...args);
    await review.handle.signal<unknown[]>('noSuchSignal', 'hello');
    await waitFor(async () => (await detailsOf(review.handle)).includes('noSuchSignal'), {
      what: 'the unknown signal',
    });
    const details = await detailsOf(review.handle);
    expect(details).toContain('changed came with "now"');
    expect(details).toContain('changed came with 7');
    expect((await claim(review, reviewer)).status).toBe('in_review');
    expect((await approve(review)).status).toBe('approved');
    expect(await review.handle.result()).toEqual({ outcome: 'approved' });
  });

  it('have a description that an operator can act on, as have updates and the query', async () => {
    const review = await openReview();
    const metadata = await review.handle.query<{
      definition: Record<
        'signalDefinitions' | 'updateDefinitions' | 'queryDefinitions',
        Array<{ name?: string; description?: string }>
      >;
    }>('__temporal_workflow_metadata');
    const { signalDefinitions, updateDefinitions, queryDefinitions } = metadata.definition;
    expect(updateDefinitions.map((each) => each.name).sort()).toEqual(
      ['approve', 'claim', 'override', 'refreshSnapshot', 'reject', 'release', 'withdraw'].sort(),
    );
    const own = [...signalDefinitions, ...updateDefinitions, ...queryDefinitions].filter(
      (each) => each.name && !each.name.startsWith('__'),
    );
    for (const { name, description } of own) expect([name, (description ?? '').length > 20]).toEqual([name, true]);
  });
});

describe('updates from outside', () => {
  it('without an opId or an actor are refused and leave nothing in the history', async () => {
    const review = await openReview();
    const lengthOf = async () => (await review.handle.describe()).historyLength;
    const before = await lengthOf();
    for (const args of [[], [{}], ['claim'], [7], [null], [{ opId: 'x' }]]) {
      expect(await refusalOf(review.handle.executeUpdate('claim', { args: args as [unknown] }))).toBe('INVALID_INPUT');
    }
    expect(await lengthOf()).toBe(before);
    expect((await claim(review, reviewer)).seq).toBe(2);
  });

  it('with an older snapshot are refused with REVIEW_SNAPSHOT_CHANGED', async () => {
    const review = await openReview();
    await claim(review, reviewer);
    expect(await refusalOf(approve(review, review.snapshotId - 1))).toBe('REVIEW_SNAPSHOT_CHANGED');
    expect(await refusalOf(approve(review))).toBeNull();
  });

  it('that race for a claim have one winner', async () => {
    const review = await openReview();
    const people = await Promise.all(Array.from({ length: 8 }, () => build.user(test.database, { reviewerLevel: 1 })));
    const refusals = await Promise.all(people.map((person) => refusalOf(claim(review, person))));
    expect(refusals.filter((code) => code === null)).toHaveLength(1);
    expect(refusals.filter((code) => code === 'REVIEW_ALREADY_CLAIMED')).toHaveLength(7);
    expect((await findReview(test.database, review.id))?.assignedTo?.id).toBe(people[refusals.indexOf(null)]?.id);
  });

  it('are judged by the level of now, not by that of the claim', async () => {
    const review = await openReview();
    const demoted = await build.user(test.database, { reviewerLevel: 1 });
    await claim(review, demoted);
    await test.database.query('UPDATE users SET reviewer_level = 0, is_reviewer = false WHERE id = $1', [demoted.id]);
    const opId = randomUUID();
    const input = { opId, actorId: demoted.id, expectedSnapshotId: review.snapshotId };
    expect(await refusalOf(review.handle.executeUpdate(approveUpdate, { args: [input] }))).toBe('REVIEW_LEVEL_TOO_LOW');
  });
});

describe('a claim', () => {
  it('ends by itself when its time has passed, told in the history as done by no person', async () => {
    const review = await openReview();
    await claim(review, reviewer);
    await test.database.query(`UPDATE review_requests SET claim_expires_at = now() WHERE id = $1`, [review.id]);
    await review.handle.signal(changedSignal, { opId: randomUUID() });
    await waitFor(async () => (await findReview(test.database, review.id))?.assignedTo === null, {
      deadlineMs: 20_000,
      what: 'the end of the claim',
    });
    const last = (await listHistory(test.database, review.id)).at(-1);
    expect(last).toMatchObject({ changedBy: null, oldStatus: 'in_review', newStatus: 'in_review' });
    expect(last?.description).toBe(`release: the claim of ${reviewer.username} ended without a verdict.`);
    const other = await build.user(test.database, { reviewerLevel: 1 });
    expect((await claim(review, other)).status).toBe('in_review');
  }, 30_000);
});

describe('a run', () => {
  it('shows status, holder, priority, owner and outcome as search attributes', async () => {
    const review = await openReview();
    const attributes = async () => {
      const { typedSearchAttributes } = await review.handle.describe();
      return Object.fromEntries(typedSearchAttributes.getAll().map(({ key, value }) => [key.name, value])) as Partial<
        Record<keyof typeof SEARCH_ATTRIBUTES, unknown>
      >;
    };
    expect(await waitFor(async () => (await attributes()).DueAt, { what: 'DueAt' })).toBeInstanceOf(Date);
    await claim(review, reviewer);
    await waitFor(async () => (await attributes()).ReviewStatus === 'in_review', { what: 'ReviewStatus' });
    expect(await attributes()).toMatchObject({
      ReviewerId: String(reviewer.id),
      OwnerId: String(author.id),
      Priority: 'medium',
      NeedsAttention: false,
    });
    await approve(review);
    await review.handle.result();
    expect(await attributes()).toMatchObject({ ReviewStatus: 'approved', EndReason: 'approved' });
  });

  it('survives that its workers stop in between: what was asked meanwhile is done once', async () => {
    const review = await openReview();
    await workers.stop();
    const opId = randomUUID();
    const asked = claim(review, reviewer, opId);
    workers = await startReviewWorkers(deps);
    expect((await asked).status).toBe('in_review');
    expect((await claim(review, reviewer, opId)).seq).toBe(2);
    expect(await listHistory(test.database, review.id)).toHaveLength(2);
    expect((await verifyHistory(test.database, review.id)).valid).toBe(true);
  }, 60_000);

  it('does not end by a cancel from outside, for then nobody could decide', async () => {
    const review = await openReview();
    await review.handle.cancel();
    expect((await claim(review, reviewer)).status).toBe('in_review');
    const opId = randomUUID();
    const withdrawn = { opId, actorId: author.id };
    await review.handle.executeUpdate(withdrawUpdate, { args: [withdrawn], updateId: opId });
    expect(await review.handle.result()).toEqual({ outcome: 'withdrawn' });
    expect((await findReview(test.database, review.id))?.status).toBe('in_review');
  });

  it('continues as a new one when its history is long, and still knows what was decided', async () => {
    const review = await openReview();
    const opId = randomUUID();
    await claim(review, reviewer, opId);
    const { runId } = await review.handle.describe();
    for (let sent = 0; (await review.handle.describe()).runId === runId; sent += 1) {
      expect(sent).toBeLessThan(1_500);
      await review.handle.signal(changedSignal, {});
      await review.handle.query(stateQuery);
    }
    expect((await claim(review, reviewer, opId)).seq).toBe(2);
    expect(await review.handle.query(stateQuery)).toMatchObject({ status: 'in_review', assigneeId: reviewer.id });
    expect((await approve(review)).seq).toBe(3);
  }, 120_000);

  it('ends as gone when the review is erased with its session', async () => {
    const review = await openReview();
    await test.database.query(
      'DELETE FROM sessions WHERE uuid = (SELECT session_id FROM review_requests WHERE id = $1)',
      [review.id],
    );
    await review.handle.signal(changedSignal, {});
    expect(await review.handle.result()).toEqual({ outcome: 'gone' });
  });
});
