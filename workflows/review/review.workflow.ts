import {
  ActivityCancellationType,
  ApplicationFailure,
  CancellationScope,
  allHandlersFinished,
  condition,
  continueAsNew,
  log,
  proxyActivities,
  setHandler,
  workflowInfo,
} from '@temporalio/workflow';
import type { UpdateDefinition } from '@temporalio/common';
import type { ReviewTransitionAction } from '#shared/domain/reviewTransitions.ts';
import { ReviewMachine, type PendingDecision } from '#workflows/review/review.machine.ts';
import * as messages from '#workflows/review/review.messages.ts';
import type {
  DecisionInput,
  DecisionResult,
  ReviewOutcome,
  ReviewWorkflowInput,
} from '#workflows/review/review.messages.ts';
import type { ReviewActivities, ReviewRecord, TransitionInput } from '#workflows/review/review.ports.ts';
import { createDisplay } from '#workflows/review/review.visibility.ts';

/** A run with more events than this continues as a new one: replaying thousands of events takes seconds. */
const MAX_HISTORY_EVENTS = 1_500;
/** A lease timer never fires sooner: the database's clock, which decides, may be a little behind. */
const MIN_LEASE_WAIT_MS = 5_000;

const RETRY = { initialInterval: '500 milliseconds', maximumInterval: '10 seconds' } as const;

const write = proxyActivities<Pick<ReviewActivities, 'readReview' | 'freezeSnapshot' | 'appendReviewHistory'>>({
  startToCloseTimeout: '20 seconds',
  cancellationType: ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
  retry: RETRY,
});
const sync = proxyActivities<Pick<ReviewActivities, 'syncBeforeSnapshot'>>({
  startToCloseTimeout: '45 seconds',
  // The whole of it: a sync that does not come must not hold the submission up.
  scheduleToCloseTimeout: '90 seconds',
  heartbeatTimeout: '15 seconds',
  cancellationType: ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
  retry: { ...RETRY, maximumAttempts: 2 },
});

/** The life of a review, from its submission to a verdict or its withdrawal. Handlers only enqueue; one loop decides. */
export async function review(input: ReviewWorkflowInput): Promise<{ outcome: ReviewOutcome }> {
  const machine = new ReviewMachine(input.reviewId, input.carried?.recentOpIds);
  const notices = { changed: false };
  const show = createDisplay(machine);
  handleMessages(machine, notices);
  // A cancel from outside would leave an open review that nobody can decide. Withdrawing is the way to end one.
  return CancellationScope.nonCancellable(async () => {
    await start(machine);
    show();
    while (machine.outcome === null) {
      if (isLong() && machine.queue.length === 0 && allHandlersFinished()) {
        await continueAsNew<typeof review>({ reviewId: input.reviewId, carried: { recentOpIds: machine.recentOpIds } });
      }
      await step(machine, notices);
      show();
    }
    machine.refuseRest();
    await condition(allHandlersFinished);
    return { outcome: machine.outcome };
  });
}

function isLong(): boolean {
  const info = workflowInfo();
  return info.continueAsNewSuggested || info.historyLength > MAX_HISTORY_EVENTS;
}

async function start(machine: ReviewMachine): Promise<void> {
  await read(machine);
  const row = machine.review;
  if (row !== null && machine.outcome === null && row.snapshotId === null) {
    const answer = await freeze(machine, row, { opId: `submit-${row.reviewId}`, actorId: null });
    if (answer.refused !== null) await read(machine);
    // Without a snapshot nobody can claim the review; its submitter can still refresh or withdraw it.
    machine.needsAttention = answer.refused !== null;
  }
}

async function step(machine: ReviewMachine, notices: { changed: boolean }): Promise<void> {
  const woken = await waitForWork(machine, () => machine.queue.length > 0 || notices.changed);
  const [decision] = machine.queue;
  if (decision !== undefined) {
    machine.settle(decision, await decide(machine, decision));
  } else if (notices.changed) {
    notices.changed = false;
    await read(machine);
  } else if (!woken) {
    await endLease(machine);
  }
}

/** Waits for work or the end of the lease. False: the lease ended. */
async function waitForWork(machine: ReviewMachine, hasWork: () => boolean): Promise<boolean> {
  const ready = (): boolean => hasWork() || (isLong() && allHandlersFinished());
  if (machine.leaseEndsAt === null) {
    await condition(ready);
    return true;
  }
  const wait = Math.max(MIN_LEASE_WAIT_MS, machine.leaseEndsAt - Date.now());
  return condition(ready, wait, { summary: `claim of ${machine.review?.assignedToName ?? 'nobody'}` });
}

async function decide(
  machine: ReviewMachine,
  decision: PendingDecision,
): Promise<NonNullable<PendingDecision['answer']>> {
  const { action, input } = decision;
  const row = machine.review;
  const refusal = machine.refusal(action, input);
  if (refusal !== null || row === null) {
    return refusal ?? { refused: 'NOT_FOUND', detail: 'The review does not exist any more.', data: {} };
  }
  if (action === 'refreshSnapshot') return freeze(machine, row, { opId: input.opId, actorId: input.actorId });
  return append(machine, {
    reviewId: machine.reviewId,
    opId: input.opId,
    action,
    actorId: input.actorId,
    expectedSnapshotId: input.expectedSnapshotId ?? null,
    note: input.note ?? '',
  });
}

async function endLease(machine: ReviewMachine): Promise<void> {
  const opId = `lease-${machine.review?.claimExpiresAt ?? ''}`;
  const answer = await append(machine, {
    reviewId: machine.reviewId,
    opId,
    action: 'leaseEnded',
    actorId: null,
    expectedSnapshotId: null,
    note: '',
  });
  // The row knows better: it was released, renewed or decided, or the database's clock is behind.
  if (answer.refused !== null) await read(machine);
}

async function append(
  machine: ReviewMachine,
  transition: TransitionInput,
): Promise<NonNullable<PendingDecision['answer']>> {
  const summary = `${transition.action} · ${machine.review?.status ?? ''} · by ${transition.actorId === null ? 'timer' : `user ${transition.actorId}`}`;
  const result = await write.appendReviewHistory.executeWithOptions({ summary }, [transition]);
  if (result.refused !== null) return result;
  machine.apply(result.review);
  return { refused: null, seq: result.seq, status: result.review.status };
}

async function freeze(
  machine: ReviewMachine,
  row: ReviewRecord,
  operation: { opId: string; actorId: number | null },
): Promise<NonNullable<PendingDecision['answer']>> {
  const synced = await askToSync(row, operation.opId);
  const summary = `freeze "${row.title}"`.slice(0, 200);
  const result = await write.freezeSnapshot.executeWithOptions({ summary }, [
    { reviewId: row.reviewId, ...operation, synced },
  ]);
  if (result.refused !== null) return result;
  machine.apply(result.review);
  return { refused: null, seq: result.seq, status: result.review.status };
}

async function askToSync(row: ReviewRecord, opId: string): Promise<boolean> {
  try {
    const { synced } = await sync.syncBeforeSnapshot.executeWithOptions(
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

async function read(machine: ReviewMachine): Promise<void> {
  machine.apply(
    await write.readReview.executeWithOptions({ summary: 'read the row' }, [{ reviewId: machine.reviewId }]),
  );
}

const DECISIONS: ReadonlyArray<{
  action: ReviewTransitionAction;
  update: UpdateDefinition<DecisionResult, [DecisionInput]>;
  description: string;
}> = [
  {
    action: 'claim',
    update: messages.claimUpdate,
    description: 'Gives the review to a reviewer for 24 hours; exactly one of many wins.',
  },
  {
    action: 'release',
    update: messages.releaseUpdate,
    description: 'Gives the review back to the queue; only its holder may.',
  },
  {
    action: 'approve',
    update: messages.approveUpdate,
    description: 'Approves the named snapshot; refused while an issue is open.',
  },
  {
    action: 'reject',
    update: messages.rejectUpdate,
    description: 'Rejects the named snapshot; needs an open issue or a summary of 20 characters.',
  },
  {
    action: 'override',
    update: messages.overrideUpdate,
    description: 'Approves over open issues; level 4, with a reason.',
  },
  {
    action: 'withdraw',
    update: messages.withdrawUpdate,
    description: 'Closes the review without a verdict; only its submitter may.',
  },
  {
    action: 'refreshSnapshot',
    update: messages.refreshSnapshotUpdate,
    description: 'Freezes the session as it is now; only the submitter may.',
  },
];

function handleMessages(machine: ReviewMachine, notices: { changed: boolean }): void {
  for (const { action, update, description } of DECISIONS) {
    setHandler(update, (input) => answer(machine, machine.enqueue(action, input)), {
      description: `${description} Input: opId, actorId, and for verdicts expectedSnapshotId. Berth sends it for people.`,
      validator: (input: unknown) => {
        const refusal = machine.refusal(action, input);
        if (refusal !== null) throw toFailure(refusal);
      },
    });
  }
  setHandler(
    messages.changedSignal,
    (input?: unknown) => {
      notices.changed = true;
      if (input !== undefined && (typeof input !== 'object' || input === null)) {
        machine.ignore(`changed came with ${typeof input} instead of an object; the row was read all the same`);
      }
    },
    { description: 'Has the review read its row again. Safe at any time, with or without input.' },
  );
  setHandler(messages.stateQuery, () => machine.state, {
    description: 'Where the review stands: status, holder and snapshot as the run knows them.',
  });
}

async function answer(machine: ReviewMachine, decision: PendingDecision): Promise<DecisionResult> {
  await condition(() => decision.answer !== null);
  if (decision.answer === null) throw toFailure({ refused: 'INTERNAL', detail: 'no answer', data: {} });
  if (decision.answer.refused !== null) throw toFailure(decision.answer);
  return { status: decision.answer.status, seq: decision.answer.seq };
}

/** A refusal as the caller's update sees it: the code is the type, the data the details. */
function toFailure(refusal: { refused: string; detail: string; data: Record<string, unknown> }): ApplicationFailure {
  return ApplicationFailure.create({
    message: refusal.detail,
    type: refusal.refused,
    nonRetryable: true,
    details: [refusal.data],
  });
}
