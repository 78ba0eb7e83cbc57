import type { Database, Tx } from '#platform/db/database.ts';
import { insertNotification } from '#platform/db/repositories/notifications.ts';
import { CLOCK_OPERATIONS, leaseWarningOperation } from '#platform/db/repositories/reviewClocks.ts';
import { appendHistory } from '#platform/db/repositories/reviewHistory.ts';
import { lockReviewAlone, publishReviewChange, type ReviewRecord } from '#platform/db/repositories/reviews.ts';
import type { NotificationKind } from '#shared/domain/notification.ts';
import type { ClockKind } from '#shared/domain/reviewClocks.ts';
import { endLapsedClaim } from '#activities/review/lapsedClaim.ts';
import { readTimes, readWithTimes, type ClockDeps } from '#activities/review/readTimes.ts';
import { whomToEscalateTo, whomToRemind, type Addressees } from '#activities/review/whomToTell.ts';
import type { ReviewActivities, RingResult } from '#workflows/review/review.ports.ts';

type RingInput = Parameters<ReviewActivities['ringClock']>[0];

/** The row did not let go of a claim whose time has passed by another clock: it is asked again so much later. */
const ASK_AGAIN_MS = 1_000;

/**
 * Carries out what is due, in one transaction under the review's lock: the row and its history decide, the workflow's
 * timer only asks. Nothing happens when it rang already, when somebody acted meanwhile, or when it is too early, which
 * the result says. Resolves with the row as it then is.
 */
export function ringClock(deps: ClockDeps, { reviewId, kind }: RingInput): Promise<RingResult> {
  const { database } = deps;
  return database.transaction(async (tx) => {
    const review = await lockReviewAlone(database, reviewId, tx);
    const times = review === null ? null : await readTimes(deps, review, tx);
    if (review === null || times === null) return { review: null, earlyByMs: 0 };
    const clock = times.clocks.find((each) => each.kind === kind);
    let earlyByMs = 0;
    if (clock !== undefined) {
      earlyByMs = Math.max(0, Date.parse(clock.at) - times.record.now.getTime());
      if (earlyByMs === 0) {
        if (await RINGS[kind](deps, review, tx)) await publish(database, reviewId, tx);
        else earlyByMs = ASK_AGAIN_MS;
      }
    }
    return { review: await readWithTimes(deps, reviewId, tx), earlyByMs };
  });
}

/** Each resolves with false when the row does not allow it yet. */
const RINGS: Readonly<Record<ClockKind, (deps: ClockDeps, review: ReviewRecord, tx: Tx) => Promise<boolean>>> = {
  async reminder(deps, review, tx) {
    const due = asTime(review.dueAt);
    await tell(deps.database, review, {
      opId: CLOCK_OPERATIONS.reminder,
      kind: 'reminder',
      to: await whomToRemind(deps, review, tx),
      notice: `${named(review)} waits for you to claim it. The first look is due at ${due}.`,
      event: `the first look is due at ${due}`,
      tx,
    });
    return true;
  },
  async escalation(deps, review, tx) {
    const due = asTime(review.dueAt);
    await tell(deps.database, review, {
      opId: CLOCK_OPERATIONS.escalation,
      kind: 'escalation',
      to: await whomToEscalateTo(deps, review, tx),
      notice: `Nobody has claimed ${named(review)}, priority ${review.priority}. The first look was due at ${due}.`,
      event: `the first look was due at ${due} and nobody has claimed it`,
      tx,
    });
    return true;
  },
  async leaseWarning({ database }, review, tx) {
    const { assignedTo: holder, claimExpiresAt: end } = review;
    if (holder === null || end === null) return false;
    await tell(database, review, {
      opId: leaseWarningOperation(end),
      kind: 'reminder',
      to: { people: [holder], why: holder.username },
      notice: `Your claim of ${named(review)} ends at ${asTime(end)}. Without a verdict it goes back to the queue; your drafts are kept.`,
      event: `the claim ends at ${asTime(end)}`,
      tx,
    });
    return true;
  },
  leaseEnd: ({ database }, review, tx) => endLapsedClaim(database, review, tx),
};

interface Telling {
  /** The key of the history's row and of the notice. */
  opId: string;
  kind: NotificationKind;
  to: Addressees;
  notice: string;
  event: string;
  tx: Tx;
}

/** Writes a row of the history and tells the people, who have the turn. */
async function tell(database: Database, review: ReviewRecord, telling: Telling): Promise<void> {
  const { opId, kind, to, notice, event, tx } = telling;
  await appendHistory(
    database,
    {
      reviewId: review.id,
      opId,
      changedBy: null,
      oldStatus: review.status,
      newStatus: review.status,
      description: `sla: ${event}; told: ${to.why}.`,
    },
    tx,
  );
  await insertNotification(
    database,
    {
      userIds: to.people.map((person) => person.id),
      kind,
      subject: { reviewId: review.id },
      summary: notice,
      theirTurn: true,
      batchKey: `review-${review.id}-${opId}`,
    },
    tx,
  );
}

async function publish(database: Database, reviewId: number, tx: Tx): Promise<void> {
  await publishReviewChange(database, { reviewId, kinds: ['review', 'history'] }, tx);
}

function named(review: ReviewRecord): string {
  return `"${review.title}" by ${review.submittedBy.username}`;
}

/** To the minute, for people: 2026-01-02 03:04 UTC. */
function asTime(time: Date | null): string {
  return time === null ? 'some time' : `${time.toISOString().slice(0, 16).replace('T', ' ')} UTC`;
}
