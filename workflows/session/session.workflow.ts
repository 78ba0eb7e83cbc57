import {
  allHandlersFinished,
  ApplicationFailure,
  CancellationScope,
  condition,
  continueAsNew,
  isCancellation,
} from '@temporalio/workflow';
import { registerHandlers } from '#workflows/session/session.handlers.ts';
import { explain, StepFailed } from '#workflows/session/session.failures.ts';
import { live } from '#workflows/session/session.live.ts';
import type { RunningParts, SessionOutcome, SessionWorkflowInput } from '#workflows/session/session.messages.ts';
import { createSessionRun, showDetails, type SessionRun } from '#workflows/session/session.run.ts';
import { teardown, type End } from '#workflows/session/session.teardown.ts';

/**
 * Owns one opening of a session from its admission to its close. Ends `closed`, fails after an open that failed, and
 * continues as new into the generation that replaces it.
 */
export async function session(input: SessionWorkflowInput): Promise<SessionOutcome> {
  const run = createSessionRun(input);
  registerHandlers(run);
  showDetails(run);
  const scope = new CancellationScope();
  // A close cancels whatever the live part is doing. When the run itself is cancelled, so is the scope, and this wait ends.
  condition(() => run.machine.ending).then(
    () => scope.cancel(),
    () => undefined,
  );
  let ended: LiveOutcome;
  try {
    ended = { how: await scope.run(() => live(run)) };
  } catch (error) {
    ended = { how: 'ended', error };
  }
  // Outside the try: continue-as-new works by throwing, and a catch would take it for a failure and tear the pod down.
  if (ended.how === 'continue-as-new') return continueAsNew<typeof session>(nextOfSameGeneration(run));
  await CancellationScope.nonCancellable(() => tearDown(run, ended.error));
  const next = run.machine.nextGeneration;
  if (next !== null) return continueAsNew<typeof session>({ ...handedOn(run), generation: next });
  if (isCancellation(ended.error) && run.machine.end?.actor === CANCELLED_BY) throw ended.error;
  if (run.failure !== null) throw ApplicationFailure.nonRetryable(run.failure, 'OpenFailed');
  return { generation: input.generation, phase: run.machine.phase, reason: run.machine.endReason };
}

/** Who asked for the end when the run was cancelled from outside. */
const CANCELLED_BY = 'a cancellation';

interface LiveOutcome {
  how: 'ended' | 'continue-as-new';
  error?: unknown;
}

/** Tears down first and waits for handlers then: one that waits for a phase could otherwise hold the teardown for ever. */
async function tearDown(run: SessionRun, error: unknown): Promise<void> {
  await teardown(run, endOf(run, error));
  run.machine.settle();
  showDetails(run);
  await condition(allHandlersFinished);
}

function endOf(run: SessionRun, error: unknown): End {
  const { machine } = run;
  if (error !== undefined && !isCancellation(error) && !machine.ending) {
    const reason = error instanceof StepFailed ? error.reason : 'provisioning-failed';
    const cause = error instanceof StepFailed ? error.told.cause : null;
    machine.note(`${reason}: ${explain(error)}`, Date.now());
    const opening = machine.phase === 'requested' || machine.phase === 'provisioning' || machine.phase === 'loading';
    machine.requestEnd({ reason, actor: 'Berth' });
    if (!opening) return { phase: 'closed', reason, cause };
    run.failure = `The session could not be opened (${reason}): ${explain(error)}`;
    return { phase: 'failed', reason, cause };
  }
  if (isCancellation(error) && !machine.ending) machine.requestEnd({ reason: 'operator', actor: CANCELLED_BY });
  // Closing a session on a lost node waits for the node, and its people are told so.
  return { phase: 'closed', reason: machine.endReason, cause: run.parts.nodeLost === true ? machine.cause : null };
}

/** What every run takes over from the one before it. Search attributes stay by themselves, so their state goes with it. */
function handedOn({ input, machine }: SessionRun): Omit<SessionWorkflowInput, 'admitted' | 'carried'> {
  const { sessionId, uuid, generation, limits } = input;
  return {
    sessionId,
    uuid,
    generation,
    ...(machine.needsAttention && { needsAttention: true }),
    ...(limits !== undefined && { limits }),
  };
}

function nextOfSameGeneration(run: SessionRun): SessionWorkflowInput {
  return {
    ...handedOn(run),
    admitted: true,
    carried: {
      syncSeq: run.machine.syncSeq,
      recentOpIds: run.machine.recentOpIds,
      running: run.parts as RunningParts,
    },
  };
}
