import { defineSearchAttributeKey, SearchAttributeType } from '@temporalio/common';
import { WorkflowExecutionAlreadyStartedError } from '@temporalio/client';
import type { Logger } from 'pino';
import { taskQueues } from '#shared/domain/queues.ts';
import { reviewWorkflowId } from '#shared/domain/review.ts';
import { runWorkflowId } from '#shared/domain/run.ts';
import { sessionWorkflowId } from '#shared/domain/session.ts';
import type { Config } from '#platform/config/config.ts';
import type { Database } from '#platform/db/database.ts';
import { isReviewChange, type IntentRecord } from '#platform/db/repositories/intents.ts';
import {
  describeReviewSubject,
  describeRunSubject,
  describeSessionSubject,
} from '#platform/db/repositories/intentSubjects.ts';
import type { Temporal } from '#platform/temporal/client.ts';
import { changedSignal, REVIEW_WORKFLOW, type ReviewWorkflowInput } from '#workflows/review/review.messages.ts';
import {
  cancelRunSignal,
  RUN_WORKFLOW,
  type CancelRunInput,
  type RunWorkflowInput,
} from '#workflows/run/run.messages.ts';
import {
  closeSignal,
  openSignal,
  SESSION_WORKFLOW,
  type CloseInput,
  type OpenInput,
  type SessionWorkflowInput,
} from '#workflows/session/session.messages.ts';

/** What intents are sent with. */
export interface SendDeps {
  config: Config;
  database: Database;
  temporal: Temporal;
  log: Logger;
}

/** How long, in milliseconds, Temporal may take to accept an intent. */
const SEND_DEADLINE_MS = 5_000;
/** A workflow that runs is taken for the one that was asked for; one that failed may be started again. */
const ONCE = {
  workflowIdConflictPolicy: 'USE_EXISTING',
  workflowIdReusePolicy: 'ALLOW_DUPLICATE_FAILED_ONLY',
} as const;
const OWNER_ID = defineSearchAttributeKey('OwnerId', SearchAttributeType.KEYWORD);

/** Carries an intent to Temporal. Sending twice is harmless. Rejects when Temporal does not accept it. */
export function sendIntent(deps: SendDeps, intent: IntentRecord): Promise<void> {
  if (intent.subject === 'review') return startReview(deps, intent);
  return intent.subject === 'run' ? driveRun(deps, intent) : signalSession(deps, intent);
}

/**
 * Signal-with-start for both kinds. An open that meets a closing run is kept by it; a close that meets no run starts one
 * that only tears down, for nobody else would save what is on the volume.
 */
async function signalSession(deps: SendDeps, intent: IntentRecord): Promise<void> {
  const subject = await describeSessionSubject(deps.database, intent.subjectId);
  if (subject === null) return;
  const input: SessionWorkflowInput = {
    sessionId: intent.subjectId,
    uuid: subject.uuid,
    generation: intent.generation,
    ...(intent.kind === 'close' ? { admitted: true } : {}),
  };
  const options = {
    taskQueue: taskQueues(deps.config.TEMPORAL_TASK_QUEUE_PREFIX).orchestration,
    workflowId: sessionWorkflowId(subject.uuid),
    args: [input] as [SessionWorkflowInput],
    staticSummary: `${subject.owner} · ${subject.language} · ${JSON.stringify(subject.name)}`.slice(0, 200),
    staticDetails: `[The session's page](${deps.config.BERTH_PUBLIC_URL}/sessions/${subject.uuid})`,
    typedSearchAttributes: [{ key: OWNER_ID, value: String(subject.userId) }],
  };
  const { workflow } = deps.temporal.client;
  const open: OpenInput = { opId: intent.opId, generation: intent.generation };
  await deps.temporal.within(SEND_DEADLINE_MS, () =>
    intent.kind === 'open'
      ? workflow.signalWithStart(SESSION_WORKFLOW, { ...options, signal: openSignal, signalArgs: [open] })
      : workflow.signalWithStart(SESSION_WORKFLOW, {
          ...options,
          signal: closeSignal,
          signalArgs: [closeInput(intent)],
        }),
  );
}

function closeInput({ opId, payload }: IntentRecord): CloseInput {
  const text = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined);
  return { opId, reason: text(payload['reason']), actor: text(payload['actor']) };
}

/** Starts a review's workflow; for a change of its row one that runs is told, and one that somebody terminated starts again. */
async function startReview(deps: SendDeps, intent: IntentRecord): Promise<void> {
  const subject = await describeReviewSubject(deps.database, intent.subjectId);
  if (subject === null) return;
  const input: ReviewWorkflowInput = { reviewId: intent.subjectId };
  const options = {
    taskQueue: taskQueues(deps.config.TEMPORAL_TASK_QUEUE_PREFIX).orchestration,
    workflowId: reviewWorkflowId(intent.subjectId),
    ...ONCE,
    args: [input] as [ReviewWorkflowInput],
    staticSummary: `${subject.submitter} · ${JSON.stringify(subject.title)}`.slice(0, 200),
    staticDetails: `[The review's page](${deps.config.BERTH_PUBLIC_URL}/reviews/${intent.subjectId})`,
  };
  const { workflow } = deps.temporal.client;
  const change = { signal: changedSignal, signalArgs: [{ opId: intent.opId }] as [{ opId: string }] };
  await startOnce(() =>
    deps.temporal.within<unknown>(SEND_DEADLINE_MS, () =>
      isReviewChange(intent)
        ? workflow.signalWithStart(REVIEW_WORKFLOW, { ...options, ...change })
        : workflow.start(REVIEW_WORKFLOW, options),
    ),
  );
}

/**
 * Starts a run's workflow, or signals it to end the run. A cancel that meets no workflow starts one again, which ends what its
 * row still says is going on: somebody has terminated the one before.
 */
async function driveRun(deps: SendDeps, intent: IntentRecord): Promise<void> {
  const subject = await describeRunSubject(deps.database, intent.subjectId);
  if (subject === null) return;
  const { sessionUuid, userId, owner, sessionName, file } = subject;
  const options = {
    taskQueue: taskQueues(deps.config.TEMPORAL_TASK_QUEUE_PREFIX).orchestration,
    workflowId: runWorkflowId({ sessionUuid, runId: intent.subjectId }),
    args: [{ runId: intent.subjectId }] as [RunWorkflowInput],
    staticSummary: `${owner} · ${file ?? 'a command'} · ${JSON.stringify(sessionName)}`.slice(0, 200),
    staticDetails: `[The session's page](${deps.config.BERTH_PUBLIC_URL}/sessions/${sessionUuid})`,
    typedSearchAttributes: [{ key: OWNER_ID, value: String(userId) }],
  };
  const { workflow } = deps.temporal.client;
  await deps.temporal.within(SEND_DEADLINE_MS, async () => {
    if (intent.kind === 'cancel_run') {
      const signalArgs: [CancelRunInput] = [{ opId: intent.opId, actor: owner }];
      await workflow.signalWithStart(RUN_WORKFLOW, { ...options, signal: cancelRunSignal, signalArgs });
    } else await startOnce(() => workflow.start(RUN_WORKFLOW, { ...options, ...ONCE }));
  });
}

async function startOnce(start: () => Promise<unknown>): Promise<void> {
  try {
    await start();
  } catch (error) {
    // It has run already: the row will show it.
    if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
  }
}
