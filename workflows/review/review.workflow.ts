import { CancellationScope, allHandlersFinished, condition, continueAsNew, workflowInfo } from '@temporalio/workflow';
import { nextClock, ring, type NextClock } from '#workflows/review/review.clocks.ts';
import { registerHandlers } from '#workflows/review/review.handlers.ts';
import { ReviewMachine } from '#workflows/review/review.machine.ts';
import type { ReviewOutcome, ReviewWorkflowInput } from '#workflows/review/review.messages.ts';
import { createReviewProxies } from '#workflows/review/review.proxies.ts';
import type { ReviewRun } from '#workflows/review/review.run.ts';
import { decide, freeze, read, writeRemark } from '#workflows/review/review.steps.ts';
import { createDisplay } from '#workflows/review/review.visibility.ts';

/** A run with more events than this continues as a new one: replaying thousands of events takes seconds. */
const MAX_HISTORY_EVENTS = 1_500;

/** The life of a review, from its submission to a verdict or its withdrawal. Handlers only enqueue; one loop decides. */
export async function review(input: ReviewWorkflowInput): Promise<{ outcome: ReviewOutcome }> {
  const machine = new ReviewMachine(input.reviewId, input.carried?.recentOpIds);
  const run: ReviewRun = {
    machine,
    proxies: createReviewProxies(),
    changed: false,
    askNotBefore: 0,
    maxHistoryEvents: input.maxHistoryEvents ?? MAX_HISTORY_EVENTS,
    show: createDisplay(machine),
  };
  registerHandlers(run);
  // A cancel from outside would leave an open review that nobody can decide. Withdrawing is the way to end one.
  return CancellationScope.nonCancellable(async () => {
    await start(run);
    run.show();
    for (let { outcome } = machine; ; { outcome } = machine) {
      if (outcome !== null) return finish(run, outcome);
      await continueWhenLong(run, input);
      await step(run);
      run.show();
    }
  });
}

/** The snapshot comes first: until it is there nothing can be decided. A run that continues has it already. */
async function start(run: ReviewRun): Promise<void> {
  await read(run);
  const { review: row, outcome } = run.machine;
  if (row === null || outcome !== null || row.snapshotId !== null) return;
  run.show();
  const answer = await freeze(run, row, { opId: `submit-${row.reviewId}`, actorId: null });
  if (answer.refused === null) return;
  await read(run);
  // Without a snapshot nobody can claim the review; its submitter can still refresh or withdraw it.
  run.machine.needsAttention = true;
}

/** One turn of the loop: a decision, a look at the row, or a clock that rings. */
async function step(run: ReviewRun): Promise<void> {
  const { machine } = run;
  const rang = await waitForWork(run);
  const [decision] = machine.queue;
  if (decision !== undefined) {
    machine.settle(decision, await decide(run, decision));
  } else if (machine.remarks.length > 0) {
    // Taken out first: a signal that arrives meanwhile must not see it twice.
    const remark = machine.remarks.shift();
    if (remark !== undefined) await writeRemark(run, remark);
  } else if (run.changed) {
    run.changed = false;
    await read(run);
  } else if (rang !== null) {
    await ring(run, rang);
  }
}

/** Waits for work, at most until the next clock rings. Resolves with the clock when it rang first. */
async function waitForWork(run: ReviewRun): Promise<NextClock | null> {
  const { machine } = run;
  const ready = (): boolean =>
    machine.queue.length > 0 || machine.remarks.length > 0 || run.changed || mayContinueAsNew(run);
  const clock = nextClock(run);
  if (clock === null) {
    await condition(ready);
    return null;
  }
  return (await condition(ready, clock.waitMs, { summary: clock.summary })) ? null : clock;
}

function mayContinueAsNew({ machine, maxHistoryEvents }: ReviewRun): boolean {
  const { continueAsNewSuggested, historyLength } = workflowInfo();
  const isLong = continueAsNewSuggested || historyLength > maxHistoryEvents;
  const isIdle = machine.queue.length === 0 && machine.remarks.length === 0;
  return isLong && isIdle && allHandlersFinished();
}

async function continueWhenLong(run: ReviewRun, input: ReviewWorkflowInput): Promise<void> {
  if (!mayContinueAsNew(run)) return;
  await continueAsNew<typeof review>({ ...input, carried: { recentOpIds: run.machine.recentOpIds } });
}

async function finish({ machine, show }: ReviewRun, outcome: ReviewOutcome): Promise<{ outcome: ReviewOutcome }> {
  machine.refuseRest();
  show();
  await condition(allHandlersFinished);
  return { outcome };
}
