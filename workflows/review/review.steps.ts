import { log } from '@temporalio/workflow';
import type { PendingDecision } from '#workflows/review/review.machine.ts';
import type { CommentInput } from '#workflows/review/review.messages.ts';
import type { ReviewRecord, TransitionInput } from '#workflows/review/review.ports.ts';
import type { ReviewRun } from '#workflows/review/review.run.ts';

type Answer = NonNullable<PendingDecision['answer']>;

/** Carries out one decision, or says why not. */
export async function decide(run: ReviewRun, decision: PendingDecision): Promise<Answer> {
  const { action, input } = decision;
  const row = run.machine.review;
  const refusal = run.machine.refusal(action, input);
  if (refusal !== null || row === null) {
    return refusal ?? { refused: 'NOT_FOUND', detail: 'The review does not exist any more.', data: {} };
  }
  if (action === 'refreshSnapshot') return freeze(run, row, { opId: input.opId, actorId: input.actorId });
  return append(run, {
    reviewId: run.machine.reviewId,
    opId: input.opId,
    action,
    actorId: input.actorId,
    expectedSnapshotId: input.expectedSnapshotId ?? null,
    note: input.note ?? '',
    ...(input.assigneeId === undefined ? {} : { assigneeId: input.assigneeId }),
    ...(input.force === undefined ? {} : { force: input.force }),
    ...(input.receiptIds !== undefined && { receiptIds: input.receiptIds }),
  });
}

/** Writes the comment of a program, or tells in the details why not. */
export async function writeRemark(run: ReviewRun, remark: CommentInput): Promise<void> {
  const { machine } = run;
  const summary = `comment · by bot ${remark.actorId}`;
  const result = await run.proxies.write.addBotComment.executeWithOptions({ summary }, [
    { reviewId: machine.reviewId, ...remark },
  ]);
  if (result.refused !== null) machine.ignore(`comment ${remark.opId.slice(0, 60)}: ${result.detail}`);
}

/** Takes the review from a holder whose time has run out. */
export async function endLease(run: ReviewRun): Promise<void> {
  const opId = `lease-${run.machine.review?.claimExpiresAt ?? ''}`;
  const answer = await append(run, {
    reviewId: run.machine.reviewId,
    opId,
    action: 'leaseEnded',
    actorId: null,
    expectedSnapshotId: null,
    note: '',
  });
  // The row knows better: it was released, renewed or decided, or the database's clock is behind.
  if (answer.refused !== null) await read(run);
}

async function append(run: ReviewRun, transition: TransitionInput): Promise<Answer> {
  const summary = `${transition.action} · ${run.machine.review?.status ?? ''} · by ${transition.actorId === null ? 'timer' : `user ${transition.actorId}`}`;
  const result = await run.proxies.write.appendReviewHistory.executeWithOptions({ summary }, [transition]);
  if (result.refused !== null) return result;
  run.machine.apply(result.review);
  return { refused: null, seq: result.seq, status: result.review.status };
}

/** Asks the session to sync, and freezes what PostgreSQL then holds, whether it did or not. */
export async function freeze(
  run: ReviewRun,
  row: ReviewRecord,
  operation: { opId: string; actorId: number | null },
): Promise<Answer> {
  const synced = await askToSync(run, { row, opId: operation.opId });
  const summary = `freeze "${row.title.slice(0, 60)}"`;
  const result = await run.proxies.write.freezeSnapshot.executeWithOptions({ summary }, [
    { reviewId: row.reviewId, ...operation, synced },
  ]);
  if (result.refused !== null) return result;
  run.machine.apply(result.review);
  run.machine.needsAttention = false;
  return { refused: null, seq: result.seq, status: result.review.status };
}

async function askToSync(run: ReviewRun, { row, opId }: { row: ReviewRecord; opId: string }): Promise<boolean> {
  try {
    const { synced } = await run.proxies.sync.syncBeforeSnapshot.executeWithOptions(
      { summary: `sync session ${row.sessionUuid}` },
      [{ reviewId: row.reviewId, sessionUuid: row.sessionUuid, opId }],
    );
    return synced;
  } catch (error) {
    // Out of attempts. What PostgreSQL holds is frozen, and the history says that the sync did not come.
    log.warn('the session could not be asked to sync', { error: String(error) });
    return false;
  }
}

/** Reads the row again. */
export async function read(run: ReviewRun): Promise<void> {
  run.machine.apply(
    await run.proxies.write.readReview.executeWithOptions({ summary: 'read the row' }, [
      { reviewId: run.machine.reviewId },
    ]),
  );
}
