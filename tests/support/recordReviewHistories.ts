import { mkdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { writeHistory } from '#tests/support/histories.ts';
import { startTestServers } from '#tests/support/servers.ts';
import { decide, startReviewStage, type OpenReview, type ReviewStage } from '#tests/support/reviewStage.ts';
import { build } from '#tests/support/factories.ts';
import { waitFor } from '#tests/support/waitFor.ts';
import { rearmDue } from '#platform/db/repositories/reviewClocks.ts';
import { listHistory } from '#platform/db/repositories/reviewHistory.ts';
import { findReview } from '#platform/db/repositories/reviews.ts';
import { taskQueues } from '#shared/domain/queues.ts';
import { setBot } from '#platform/db/repositories/users.ts';
import {
  approveUpdate,
  autoDecisionSignal,
  changedSignal,
  claimUpdate,
  overrideUpdate,
  commentSignal,
  reassignUpdate,
  refreshSnapshotUpdate,
  rejectUpdate,
  releaseUpdate,
  REVIEW_WORKFLOW,
  withdrawUpdate,
  type ReviewWorkflowInput,
} from '#workflows/review/review.messages.ts';

const FOLDER = fileURLToPath(new URL('../../workflows/review/histories', import.meta.url));

type Scenario = (stage: ReviewStage, review: OpenReview) => Promise<void>;

const SHORT_CLOCKS = { REVIEW_MEDIUM_DUE_SECONDS: '4', REVIEW_CLAIM_SECONDS: '4', REVIEW_REMINDER_PERCENT: '50' };
const REASON = 'The loop never ends; please bound it.';

const claim = (stage: ReviewStage, review: OpenReview) => decide(review, claimUpdate, { actorId: stage.reviewer.id });
const withdraw = (stage: ReviewStage, review: OpenReview) =>
  decide(review, withdrawUpdate, { actorId: stage.author.id });
const approve = (stage: ReviewStage, review: OpenReview) =>
  decide(review, approveUpdate, { actorId: stage.reviewer.id, expectedSnapshotId: review.snapshotId });
const chief = (stage: ReviewStage) => build.user(stage.database, { reviewerLevel: 4 });

/** Waits until the history has so many rows of a verb. */
async function rows(stage: ReviewStage, review: OpenReview, verb: string, count = 1): Promise<void> {
  await waitFor(
    async () => {
      const history = await listHistory(stage.database, review.id);
      return history.filter((row) => row.description.startsWith(verb)).length >= count;
    },
    { what: `${String(count)} rows ${verb}` },
  );
}

/** The lives of reviews whose histories every later version of the workflow must be able to replay. */
const SCENARIOS: Readonly<Record<string, Scenario>> = {
  async approved(stage, review) {
    await claim(stage, review);
    await approve(stage, review);
  },
  async 'rejected-after-refresh'(stage, review) {
    await claim(stage, review);
    await decide(review, refreshSnapshotUpdate, { actorId: stage.author.id });
    const snapshotId = (await findReview(stage.database, review.id))?.snapshotId ?? 0;
    await decide(review, rejectUpdate, { actorId: stage.reviewer.id, expectedSnapshotId: snapshotId, note: REASON });
  },
  async 'released-and-withdrawn'(stage, review) {
    await claim(stage, review);
    await decide(review, releaseUpdate, { actorId: stage.reviewer.id });
    await withdraw(stage, review);
  },
  async overridden(stage, review) {
    const verdict = { actorId: (await chief(stage)).id, expectedSnapshotId: review.snapshotId, note: REASON };
    await decide(review, overrideUpdate, verdict);
  },
  async 'taken-over'(stage, review) {
    await claim(stage, review);
    const verdict = { actorId: (await chief(stage)).id, expectedSnapshotId: review.snapshotId };
    await decide(review, approveUpdate, verdict);
  },
  async 'claims-race'(stage, review) {
    const people = await Promise.all(Array.from({ length: 6 }, () => build.user(stage.database, { reviewerLevel: 1 })));
    await Promise.allSettled(people.map((person) => decide(review, claimUpdate, { actorId: person.id })));
    await withdraw(stage, review);
  },
  async 'lease-warned'(stage, review) {
    await claim(stage, review);
    await rows(stage, review, 'sla:');
    await approve(stage, review);
  },
  async 'lease-ended'(stage, review) {
    await claim(stage, review);
    await rows(stage, review, 'release:');
    await withdraw(stage, review);
  },
  async 'lapsed-claim-taken-over'(stage, review) {
    await claim(stage, review);
    await stage.database.query('UPDATE review_requests SET claim_expires_at = now() WHERE id = $1', [review.id]);
    const next = await build.user(stage.database, { reviewerLevel: 1 });
    const seenSeq = (await findReview(stage.database, review.id))?.changeSeq ?? 0;
    await decide(review, claimUpdate, { actorId: next.id, seenSeq });
    await withdraw(stage, review);
  },
  async 'reminded-and-claimed'(stage, review) {
    await rows(stage, review, 'sla:');
    await claim(stage, review);
    await approve(stage, review);
  },
  async 'escalated-and-withdrawn'(stage, review) {
    await rows(stage, review, 'sla:', 2);
    await withdraw(stage, review);
  },
  async 'due-moved'(stage, review) {
    await rearmDue(stage.database, { reviewId: review.id, dueSeconds: 3_600 }, null);
    await review.handle.signal(changedSignal, {});
    await rearmDue(stage.database, { reviewId: review.id, dueSeconds: 1 }, null);
    await review.handle.signal(changedSignal, {});
    await rows(stage, review, 'sla:', 2);
    await withdraw(stage, review);
  },
  async gone(stage, review) {
    await stage.database.query('DELETE FROM sessions WHERE uuid = $1', [review.sessionUuid]);
    await review.handle.signal(changedSignal, {});
  },
  async 'sync-missed'(stage, review) {
    // The session says that it is open, and nothing answers for it.
    await stage.database.query(`UPDATE sessions SET phase = 'running', generation = 1 WHERE uuid = $1`, [
      review.sessionUuid,
    ]);
    await decide(review, refreshSnapshotUpdate, { actorId: stage.author.id });
    await withdraw(stage, review);
  },
  async reassigned(stage, review) {
    const leader = await build.user(stage.database, { reviewerLevel: 3 });
    const peer = await build.user(stage.database, { reviewerLevel: 1 });
    await decide(review, reassignUpdate, { actorId: leader.id, assigneeId: peer.id });
    await decide(review, claimUpdate, { actorId: peer.id });
    const note = 'Somebody else knows this better.';
    await decide(review, reassignUpdate, { actorId: leader.id, assigneeId: stage.reviewer.id, note, force: false });
    await decide(review, approveUpdate, { actorId: stage.reviewer.id, expectedSnapshotId: review.snapshotId });
  },
  async 'withdrawn-by-level-4'(stage, review) {
    const chief = await build.user(stage.database, { reviewerLevel: 4 });
    await decide(review, claimUpdate, { actorId: stage.reviewer.id });
    await decide(review, withdrawUpdate, { actorId: chief.id, note: 'It was submitted by mistake.' });
  },
  async 'automation-signals'(stage, review) {
    const bot = await build.user(stage.database, { username: 'linter' });
    await setBot(stage.database, { usernameKey: 'linter', isBot: true }, null);
    const { snapshotId: expectedSnapshotId } = review;
    const verdict = { decision: 'approve' as const, actorId: stage.reviewer.id, expectedSnapshotId, note: 'Green.' };
    await review.handle.signal(commentSignal, { opId: 'lint', actorId: bot.id, text: 'Two warnings.' });
    await review.handle.signal(commentSignal, { opId: 'lint', actorId: bot.id, text: 'Two warnings.' });
    await review.handle.signal<unknown[]>('comment', 'hello');
    await review.handle.signal<unknown[]>('autoDecision');
    await review.handle.signal(autoDecisionSignal, { ...verdict, opId: 'early' });
    await decide(review, claimUpdate, { actorId: stage.reviewer.id });
    await review.handle.signal(autoDecisionSignal, { ...verdict, opId: 'green' });
  },
  async 'strange-signals'(stage, review) {
    for (const args of [[], ['now'], [7], [null]]) await review.handle.signal<unknown[]>('changed', ...args);
    await review.handle.signal<unknown[]>('noSuchSignal', 'hello');
    await withdraw(stage, review);
  },
};

/** A life in several runs: the first ends in continue-as-new, the last goes on with the clocks. */
async function recordContinued(stage: ReviewStage): Promise<void> {
  const review = await stage.openReview();
  await review.handle.terminate('a run that continues sooner follows');
  const input: ReviewWorkflowInput = { reviewId: review.id, maxHistoryEvents: 30 };
  const { workflow } = stage.temporal.client;
  const { firstExecutionRunId } = await workflow.start(REVIEW_WORKFLOW, {
    taskQueue: taskQueues(stage.config.TEMPORAL_TASK_QUEUE_PREFIX).orchestration,
    workflowId: review.handle.workflowId,
    args: [input],
  });
  const present = { ...review, handle: workflow.getHandle(review.handle.workflowId) };
  await rows(stage, present, 'sla:');
  await waitFor(async () => {
    await present.handle.signal(changedSignal, {});
    return (await present.handle.describe()).runId !== firstExecutionRunId;
  });
  await rows(stage, present, 'sla:', 2);
  await withdraw(stage, present);
  await present.handle.result();
  const first = workflow.getHandle(review.handle.workflowId, firstExecutionRunId);
  writeHistory(FOLDER, 'continued-first-run', await first.fetchHistory());
  writeHistory(FOLDER, 'continued-last-run', await present.handle.fetchHistory());
}

/**
 * Lives every scenario on a server of its own and writes their histories, without the names of this machine. What is
 * called `before-clocks-…` was recorded by earlier code and stays as it is.
 */
async function record(): Promise<void> {
  const servers = await startTestServers();
  process.env['BERTH_TEST_POSTGRES_URL'] = servers.postgresUrl;
  process.env['BERTH_TEST_TEMPORAL_ADDRESS'] = servers.temporalAddress;
  mkdirSync(FOLDER, { recursive: true });
  try {
    const stage = await startReviewStage(SHORT_CLOCKS);
    // Names on the command line: only these, so that what was recorded by an earlier release stays as it was.
    const wanted = process.argv.slice(2);
    for (const [name, live] of Object.entries(SCENARIOS)) {
      if (wanted.length > 0 && !wanted.includes(name)) continue;
      const review = await stage.openReview();
      await live(stage, review);
      await review.handle.result();
      writeHistory(FOLDER, name, await review.handle.fetchHistory());
    }
    if (wanted.length === 0 || wanted.includes('continued')) await recordContinued(stage);
    await stage.close();
  } finally {
    await servers.stop();
  }
}

await record();
