import type { UpdateDefinition } from '@temporalio/common';
import {
  ApplicationFailure,
  CancellationScope,
  condition,
  setDefaultSignalHandler,
  setHandler,
} from '@temporalio/workflow';
import type { ReviewTransitionAction } from '#shared/domain/reviewTransitions.ts';
import { readAutoDecision, readComment } from '#workflows/review/review.inputs.ts';
import type { PendingDecision } from '#workflows/review/review.machine.ts';
import * as messages from '#workflows/review/review.messages.ts';
import type { DecisionInput, DecisionResult } from '#workflows/review/review.messages.ts';
import type { TransitionRefusal } from '#workflows/review/review.ports.ts';
import type { ReviewRun } from '#workflows/review/review.run.ts';

const DECISIONS: ReadonlyArray<{
  action: ReviewTransitionAction;
  update: UpdateDefinition<DecisionResult, [DecisionInput]>;
  description: string;
}> = [
  {
    action: 'claim',
    update: messages.claimUpdate,
    description:
      'Gives the review to a reviewer for the time of a claim (REVIEW_CLAIM_SECONDS); exactly one of many wins.',
  },
  {
    action: 'release',
    update: messages.releaseUpdate,
    description: 'Gives the review back to the queue; only its holder may.',
  },
  {
    action: 'reassign',
    update: messages.reassignUpdate,
    description: 'Gives the review to assigneeId for the time of a claim: level 2 their own, level 3 any.',
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
    description: 'Closes the review without a verdict; only its submitter may, or level 4 with a reason.',
  },
  {
    action: 'refreshSnapshot',
    update: messages.refreshSnapshotUpdate,
    description: 'Freezes the session as it is now; only the submitter may.',
  },
];

/** Registers every handler. They only enqueue and read; none of them can throw on what it is sent but a validator. */
export function registerHandlers(run: ReviewRun): void {
  const { machine } = run;
  for (const { action, update, description } of DECISIONS) {
    setHandler(update, (input) => waitForAnswer(machine.enqueue(action, input)), {
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
      run.changed = true;
      if (input === undefined || (typeof input === 'object' && input !== null && !Array.isArray(input))) return;
      machine.ignore(`changed came with ${JSON.stringify(input).slice(0, 100)}; the row was read all the same`);
    },
    {
      description: 'Has the review read its row again. Needs no input. Harmless at any time and as often as you like.',
    },
  );
  registerAutomation(run);
  setDefaultSignalHandler((name) => {
    machine.ignore(`the signal ${JSON.stringify(name.slice(0, 100))} is not known`);
    run.show();
  });
  setHandler(messages.stateQuery, () => machine.state, {
    description: 'Where the review stands: status, holder and snapshot as the run knows them. Changes nothing.',
  });
}

/** What automation and operators may send. Anything else than what is wanted is told in the details, and nothing throws. */
function registerAutomation(run: ReviewRun): void {
  const { machine } = run;
  setHandler(
    messages.autoDecisionSignal,
    (input?: unknown) => {
      const read = readAutoDecision(input);
      if (typeof read === 'string') machine.ignore(read);
      else machine.enqueueSignal(read.action, read.input);
      run.show();
    },
    {
      description:
        'Decides in the name of a person who has the rights for it and holds the review, or has level 4. Input: {"opId": "ci-17", "decision": "approve" or "reject", "actorId": 5, "expectedSnapshotId": 12, "note": "why"}. Sent twice with one opId it counts once; a refusal is told below.',
    },
  );
  setHandler(
    messages.commentSignal,
    (input?: unknown) => {
      const read = readComment(input);
      if (typeof read === 'string') machine.ignore(read);
      else machine.enqueueRemark(read);
      run.show();
    },
    {
      description:
        'Publishes a general comment of a bot account; it blocks nothing. Input: {"opId": "lint-17", "actorId": 9, "text": "what to say"}. Sent twice with one opId it counts once; a refusal is told below.',
    },
  );
}

/** Waits until the main loop has answered: it answers whatever was enqueued, also when the review ends. */
async function waitForAnswer(decision: PendingDecision): Promise<DecisionResult> {
  // Handlers run in the root scope, where after a cancel every wait fails at once; the review goes on and answers.
  await CancellationScope.nonCancellable(() => condition(() => decision.answer !== null));
  if (decision.answer === null) throw toFailure({ refused: 'INTERNAL', detail: 'no answer', data: {} });
  if (decision.answer.refused !== null) throw toFailure(decision.answer);
  return { status: decision.answer.status, seq: decision.answer.seq };
}

/** A refusal as the caller's update sees it: the code is the type, the data the details. */
function toFailure(refusal: TransitionRefusal): ApplicationFailure {
  return ApplicationFailure.create({
    message: refusal.detail,
    type: refusal.refused,
    nonRetryable: true,
    details: [refusal.data],
  });
}
