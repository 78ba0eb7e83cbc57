import { createHash, randomUUID } from 'node:crypto';
import {
  WorkflowNotFoundError,
  WorkflowUpdateFailedError,
  WorkflowUpdateRPCTimeoutOrCancelledError,
} from '@temporalio/client';
import { ApplicationFailure, type UpdateDefinition } from '@temporalio/common';
import { createUpdateGate, updatesPerProcess, type UpdateGate } from '#api/commands/updateGate.ts';
import { refuseHolding } from '#api/commands/reviews/assignReview.ts';
import { loadReview } from '#api/commands/reviews/loadReview.ts';
import { restartReview } from '#api/commands/reviews/restartReview.ts';
import type { ApiDeps } from '#api/deps.ts';
import type { Caller } from '#api/http/route.ts';
import * as policy from '#api/policies/reviewPolicy.ts';
import { findReceipts } from '#platform/db/repositories/receipts.ts';
import { findHistoryByOpId } from '#platform/db/repositories/reviewHistory.ts';
import type { ReviewRecord } from '#platform/db/repositories/reviews.ts';
import { TemporalTimeoutError } from '#platform/temporal/client.ts';
import { ERROR_CATALOGUE, type ErrorCode } from '#shared/domain/errorCatalogue.ts';
import { AppError } from '#shared/domain/errors.ts';
import { citationRefusal } from '#shared/domain/receipt.ts';
import { reviewWorkflowId } from '#shared/domain/review.ts';
import type { DecisionAction, DecisionWords, RuleRefusal } from '#shared/domain/reviewRules.ts';
import * as messages from '#workflows/review/review.messages.ts';
import type { DecisionInput, DecisionResult } from '#workflows/review/review.messages.ts';

/** A person waits so long for the workflow's answer, its turn included; after that the decision is still on its way. */
const DECISION_DEADLINE_MS = 10_000;

/** A decision of a person about a review. */
export interface Decision {
  caller: Pick<Caller, 'id' | 'reviewerLevel'>;
  reviewId: number;
  action: DecisionAction;
  words: DecisionWords;
  /** The client's key: the same key is the same decision, however often it is sent. */
  idempotencyKey: string | null;
}

/** The review after the decision. `settled` false: the workflow has not answered yet, and the review is as before. */
export interface DecisionOutcome {
  review: ReviewRecord;
  settled: boolean;
}

/**
 * Asks the rules in SQL first, so that what is plainly refused never reaches the workflow, and then has the workflow
 * decide. Throws the rule's code either way.
 */
export async function decideReview(
  deps: Pick<ApiDeps, 'config' | 'database' | 'temporal' | 'log'>,
  decision: Decision,
): Promise<DecisionOutcome> {
  const review = await loadReview(deps, decision.caller, { id: decision.reviewId });
  const input = toInput(decision, review);
  const { action, words, caller } = decision;
  const refusal = REFUSALS[action](decision, review) ?? (await refuseHolding(deps, { caller, review, action, words }));
  // A repeat of a decision that took effect is refused by its own effect; the history knows it.
  if (refusal !== null && (await wasCarriedOut(deps, review, input))) return { review, settled: true };
  policy.assertAllowed(refusal);
  policy.assertAllowed(await refuseReceipts(deps, review, input));
  const settled = await sendUpdate(deps, { review, action, input });
  return { review: await loadReview(deps, decision.caller, { id: decision.reviewId }), settled };
}

/** Whether the verdict can cite what it cites, before the workflow is troubled with it. */
async function refuseReceipts(
  { database }: Pick<ApiDeps, 'database'>,
  review: ReviewRecord,
  { receiptIds = [] }: DecisionInput,
): Promise<RuleRefusal | null> {
  if (receiptIds.length === 0) return null;
  const found = await findReceipts(database, { reviewId: review.id, ids: receiptIds });
  return citationRefusal(receiptIds, found, review.manifestHash);
}

const REFUSALS: Readonly<Record<DecisionAction, (decision: Decision, review: ReviewRecord) => RuleRefusal | null>> = {
  claim: ({ caller }, review) => policy.refuseClaim(caller, review),
  release: ({ caller }, review) => policy.refuseRelease(caller, review),
  approve: ({ caller, words }, review) => policy.refuseApprove(caller, review, words),
  reject: ({ caller, words }, review) => policy.refuseReject(caller, review, words),
  override: ({ caller, words }, review) => policy.refuseOverride(caller, review, words),
  reassign: ({ caller, words }, review) => policy.refuseReassign(caller, review, words),
  withdraw: ({ caller, words }, review) => policy.refuseWithdraw(caller, review, words),
  refreshSnapshot: ({ caller }, review) => policy.refuseRefreshSnapshot(caller, review),
};

const UPDATES: Readonly<Record<DecisionAction, UpdateDefinition<DecisionResult, [DecisionInput]>>> = {
  claim: messages.claimUpdate,
  release: messages.releaseUpdate,
  reassign: messages.reassignUpdate,
  approve: messages.approveUpdate,
  reject: messages.rejectUpdate,
  override: messages.overrideUpdate,
  withdraw: messages.withdrawUpdate,
  refreshSnapshot: messages.refreshSnapshotUpdate,
};

/** True when the workflow has decided, false when the deadline came first. Throws the workflow's refusal under its code. */
async function sendUpdate(
  deps: Pick<ApiDeps, 'config' | 'temporal'>,
  update: { review: ReviewRecord; action: DecisionAction; input: DecisionInput },
): Promise<boolean> {
  const deadline = Date.now() + DECISION_DEADLINE_MS;
  try {
    await gateOf(deps).pass(reviewWorkflowId(update.review.id), deadline, () =>
      deps.temporal.within(deadline - Date.now(), () => executeUpdate(deps, update)),
    );
    return true;
  } catch (error) {
    if (!isTimeout(error)) throw fromFailure(error);
    if (await deps.temporal.healthy()) return false;
    // Nothing was accepted by a server that is not there: "on its way" would be a promise that nobody keeps.
    throw new AppError('TEMPORAL_UNAVAILABLE', { cause: error });
  }
}

/** The call's deadline is the client's and ours: whichever comes first. */
function isTimeout(error: unknown): boolean {
  return error instanceof WorkflowUpdateRPCTimeoutOrCancelledError || error instanceof TemporalTimeoutError;
}

/** The row was open a moment ago, so a run that is not there was ended from outside: it is started again, once. */
async function executeUpdate(
  deps: Pick<ApiDeps, 'config' | 'temporal'>,
  { review, action, input }: { review: ReviewRecord; action: DecisionAction; input: DecisionInput },
): Promise<void> {
  const handle = deps.temporal.client.workflow.getHandle(reviewWorkflowId(review.id));
  const execute = () => handle.executeUpdate(UPDATES[action], { args: [input], updateId: input.opId });
  try {
    await execute();
  } catch (error) {
    if (!(error instanceof WorkflowNotFoundError)) throw error;
    await restartReview(deps, review);
    await execute();
  }
}

async function wasCarriedOut(
  { database }: Pick<ApiDeps, 'database'>,
  review: ReviewRecord,
  input: DecisionInput,
): Promise<boolean> {
  return (await findHistoryByOpId(database, { reviewId: review.id, opId: input.opId }, null)) !== null;
}

function toInput(decision: Decision, review: ReviewRecord): DecisionInput {
  const { caller, action, words, idempotencyKey } = decision;
  const opId =
    idempotencyKey === null
      ? randomUUID()
      : createHash('sha256')
          .update(JSON.stringify([caller.id, action, idempotencyKey]))
          .digest('hex');
  return {
    opId,
    actorId: caller.id,
    seenSeq: review.changeSeq,
    note: words.note,
    ...(words.expectedSnapshotId === null ? {} : { expectedSnapshotId: words.expectedSnapshotId }),
    ...(words.assigneeId === undefined ? {} : { assigneeId: words.assigneeId, force: words.force ?? false }),
    ...(words.receiptIds === undefined || words.receiptIds.length === 0 ? {} : { receiptIds: [...words.receiptIds] }),
  };
}

/** A refusal of the workflow under the code that the api itself would have used. */
function fromFailure(error: unknown): AppError {
  if (error instanceof AppError) return error;
  if (error instanceof WorkflowUpdateFailedError && error.cause instanceof ApplicationFailure) {
    const { type, message, details } = error.cause;
    if (isErrorCode(type)) return new AppError(type, { detail: message, data: toData(details?.[0]), cause: error });
  }
  if (error instanceof WorkflowNotFoundError) {
    return new AppError('REVIEW_ALREADY_DECIDED', { detail: 'The review has just ended.', cause: error });
  }
  return new AppError('TEMPORAL_UNAVAILABLE', { cause: error });
}

function isErrorCode(type: string | null | undefined): type is ErrorCode {
  return typeof type === 'string' && Object.hasOwn(ERROR_CATALOGUE, type);
}

function toData(details: unknown): Record<string, unknown> {
  return typeof details === 'object' && details !== null ? { ...details } : {};
}

// One gate for each Temporal connection of the process; a process has one, a test may have several.
const gates = new WeakMap<object, UpdateGate>();

function gateOf({ temporal, config }: Pick<ApiDeps, 'temporal' | 'config'>): UpdateGate {
  const gate = gates.get(temporal) ?? createUpdateGate(updatesPerProcess(config.API_MAX_REPLICAS));
  gates.set(temporal, gate);
  return gate;
}
