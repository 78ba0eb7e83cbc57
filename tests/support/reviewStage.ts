import { randomUUID } from 'node:crypto';
import type { WorkflowHandle } from '@temporalio/client';
import type { UpdateDefinition } from '@temporalio/common';
import { submitReview } from '#api/commands/reviews/submitReview.ts';
import { findReview } from '#platform/db/repositories/reviews.ts';
import { createEventListener } from '#platform/events/createEventListener.ts';
import { createLog } from '#platform/observability/log.ts';
import { createTemporal } from '#platform/temporal/client.ts';
import { reviewWorkflowId, type ReviewPriority } from '#shared/domain/review.ts';
import { createTestDatabase } from '#tests/support/database.ts';
import { build, type BuiltUser } from '#tests/support/factories.ts';
import {
  startReviewWorkers,
  useFreshReviewIds,
  type ReviewWorkerDeps,
  type ReviewWorkers,
} from '#tests/support/reviewWorkers.ts';
import { waitFor } from '#tests/support/waitFor.ts';
import type { DecisionInput, DecisionResult } from '#workflows/review/review.messages.ts';

/** A review that was submitted and has its snapshot. */
export interface OpenReview {
  id: number;
  sessionUuid: string;
  snapshotId: number;
  handle: WorkflowHandle;
}

/** A database, the workers of reviews, and an author and a reviewer of level 1. */
export interface ReviewStage extends ReviewWorkerDeps {
  author: BuiltUser;
  reviewer: BuiltUser;
  /** Submits a session with one file and waits for its snapshot. */
  openReview(given?: { priority?: ReviewPriority }): Promise<OpenReview>;
  /** Stops the workers as a crash between two tasks would. */
  stopWorkers(): Promise<void>;
  startWorkers(): Promise<void>;
  close(): Promise<void>;
}

/** Sends a decision as the api does: its id is the update's id. */
export function decide(
  { handle }: OpenReview,
  update: UpdateDefinition<DecisionResult, [DecisionInput]>,
  input: Omit<DecisionInput, 'opId'> & { opId?: string },
): Promise<DecisionResult> {
  const decision = { opId: randomUUID(), ...input };
  return handle.executeUpdate(update, { args: [decision], updateId: decision.opId });
}

/** Starts it all on the run's servers. `settings` are environment variables that replace the defaults of tests. */
export async function startReviewStage(settings: Record<string, string> = {}): Promise<ReviewStage> {
  const { config, database, drop } = await createTestDatabase(settings);
  const events = createEventListener({ config, database, log: createLog(config, 'test') });
  const deps: ReviewWorkerDeps = { config, database, temporal: createTemporal(config), events };
  await useFreshReviewIds(database);
  let workers: ReviewWorkers | null = await startReviewWorkers(deps);
  const author = await build.user(database);

  async function openReview(given: { priority?: ReviewPriority } = {}): Promise<OpenReview> {
    const session = await build.session(database, { userId: author.id });
    await build.file(database, { sessionId: session.id, name: 'main.py' });
    const body = { title: 'fractals', description: '', priority: given.priority ?? 'medium' };
    const { id } = await submitReview(deps, { caller: author, sessionUuid: session.uuid, body });
    const snapshotId = await waitFor(async () => (await findReview(database, id))?.snapshotId, { what: 'a snapshot' });
    const handle = deps.temporal.client.workflow.getHandle(reviewWorkflowId(id));
    return { id, sessionUuid: session.uuid, snapshotId, handle };
  }

  return {
    ...deps,
    author,
    reviewer: await build.user(database, { reviewerLevel: 1 }),
    openReview,
    async stopWorkers() {
      await workers?.stop();
      workers = null;
    },
    async startWorkers() {
      workers ??= await startReviewWorkers(deps);
    },
    async close() {
      await workers?.stop();
      await events.close();
      await deps.temporal.close();
      await drop();
    },
  };
}
