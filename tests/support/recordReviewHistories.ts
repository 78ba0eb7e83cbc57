import { mkdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { writeHistory } from '#tests/support/histories.ts';
import { startTestServers } from '#tests/support/servers.ts';
import { decide, startReviewStage, type OpenReview, type ReviewStage } from '#tests/support/reviewStage.ts';
import { build } from '#tests/support/factories.ts';
import { waitFor } from '#tests/support/waitFor.ts';
import { findReview } from '#platform/db/repositories/reviews.ts';
import { setBot } from '#platform/db/repositories/users.ts';
import {
  approveUpdate,
  autoDecisionSignal,
  changedSignal,
  claimUpdate,
  commentSignal,
  reassignUpdate,
  refreshSnapshotUpdate,
  rejectUpdate,
  releaseUpdate,
  withdrawUpdate,
} from '#workflows/review/review.messages.ts';

const FOLDER = fileURLToPath(new URL('../../workflows/review/histories', import.meta.url));

type Scenario = (stage: ReviewStage, review: OpenReview) => Promise<void>;

/** The lives of reviews whose histories every later version of the workflow must be able to replay. */
const SCENARIOS: Readonly<Record<string, Scenario>> = {
  async approved(stage, review) {
    await decide(review, claimUpdate, { actorId: stage.reviewer.id });
    await decide(review, approveUpdate, { actorId: stage.reviewer.id, expectedSnapshotId: review.snapshotId });
  },
  async 'rejected-after-refresh'(stage, review) {
    await decide(review, claimUpdate, { actorId: stage.reviewer.id });
    await decide(review, refreshSnapshotUpdate, { actorId: stage.author.id });
    const snapshotId = (await findReview(stage.database, review.id))?.snapshotId ?? 0;
    const note = 'The loop never ends; please bound it.';
    await decide(review, rejectUpdate, { actorId: stage.reviewer.id, expectedSnapshotId: snapshotId, note });
  },
  async 'released-and-withdrawn'(stage, review) {
    await decide(review, claimUpdate, { actorId: stage.reviewer.id });
    await decide(review, releaseUpdate, { actorId: stage.reviewer.id });
    await decide(review, withdrawUpdate, { actorId: stage.author.id });
  },
  async 'claims-race'(stage, review) {
    const people = await Promise.all(Array.from({ length: 6 }, () => build.user(stage.database, { reviewerLevel: 1 })));
    await Promise.allSettled(people.map((person) => decide(review, claimUpdate, { actorId: person.id })));
    await decide(review, withdrawUpdate, { actorId: stage.author.id });
  },
  async 'lease-ended'(stage, review) {
    await decide(review, claimUpdate, { actorId: stage.reviewer.id });
    await stage.database.query('UPDATE review_requests SET claim_expires_at = now() WHERE id = $1', [review.id]);
    await review.handle.signal(changedSignal, {});
    await waitFor(async () => (await findReview(stage.database, review.id))?.assignedTo === null, {
      deadlineMs: 20_000,
      what: 'the end of the claim',
    });
    await decide(review, withdrawUpdate, { actorId: stage.author.id });
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
    await decide(review, withdrawUpdate, { actorId: stage.author.id });
  },
};

/** Lives every scenario on a server of its own and writes their histories, without the names of this machine. */
async function record(): Promise<void> {
  const servers = await startTestServers();
  process.env['BERTH_TEST_POSTGRES_URL'] = servers.postgresUrl;
  process.env['BERTH_TEST_TEMPORAL_ADDRESS'] = servers.temporalAddress;
  mkdirSync(FOLDER, { recursive: true });
  try {
    const stage = await startReviewStage();
    // Names on the command line: only these, so that what was recorded by an earlier release stays as it was.
    const wanted = process.argv.slice(2);
    for (const [name, live] of Object.entries(SCENARIOS)) {
      if (wanted.length > 0 && !wanted.includes(name)) continue;
      const review = await stage.openReview();
      await live(stage, review);
      await review.handle.result();
      writeHistory(FOLDER, name, await review.handle.fetchHistory());
    }
    await stage.close();
  } finally {
    await servers.stop();
  }
}

await record();
