import { defineSearchAttributeKey, SearchAttributeType } from '@temporalio/common';
import { WorkflowExecutionAlreadyStartedError } from '@temporalio/client';
import type { Logger } from 'pino';
import { taskQueues } from '#shared/domain/queues.ts';
import { reviewWorkflowId } from '#shared/domain/review.ts';
import { sessionWorkflowId } from '#shared/domain/session.ts';
import type { Config } from '#platform/config/config.ts';
import type { Database } from '#platform/db/database.ts';
import type { IntentRecord } from '#platform/db/repositories/intents.ts';
import { describeReviewSubject, describeSessionSubject } from '#platform/db/repositories/intentSubjects.ts';
import type { Temporal } from '#platform/temporal/client.ts';
import { REVIEW_WORKFLOW, type ReviewWorkflowInput } from '#workflows/review/review.messages.ts';
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
const OWNER_ID = defineSearchAttributeKey('OwnerId', SearchAttributeType.KEYWORD);

/** Carries an intent to Temporal. Sending twice is harmless. Rejects when Temporal does not accept it. */
export function sendIntent(deps: SendDeps, intent: IntentRecord): Promise<void> {
  return intent.subject === 'review' ? startReview(deps, intent) : signalSession(deps, intent);
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

async function startReview(deps: SendDeps, intent: IntentRecord): Promise<void> {
  const subject = await describeReviewSubject(deps.database, intent.subjectId);
  if (subject === null) return;
  const input: ReviewWorkflowInput = { reviewId: intent.subjectId };
  try {
    await deps.temporal.within(SEND_DEADLINE_MS, () =>
      deps.temporal.client.workflow.start(REVIEW_WORKFLOW, {
        taskQueue: taskQueues(deps.config.TEMPORAL_TASK_QUEUE_PREFIX).orchestration,
        workflowId: reviewWorkflowId(intent.subjectId),
        workflowIdConflictPolicy: 'USE_EXISTING',
        workflowIdReusePolicy: 'ALLOW_DUPLICATE_FAILED_ONLY',
        args: [input],
        staticSummary: `${subject.submitter} · ${JSON.stringify(subject.title)}`.slice(0, 200),
        staticDetails: `[The review's page](${deps.config.BERTH_PUBLIC_URL}/reviews/${intent.subjectId})`,
      }),
    );
  } catch (error) {
    // It has run already: the row will show it.
    if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
  }
}
