import { cancelRun } from '#api/commands/runs/cancelRun.ts';
import { createRun } from '#api/commands/runs/createRun.ts';
import { CreateRun } from '#shared/contracts/run.ts';
import { isEndedRun, runWorkflowId } from '#shared/domain/run.ts';
import { findRunById, readRunOutputs, type RunRecord } from '#platform/db/repositories/runs.ts';
import type { SessionRecord } from '#platform/db/repositories/sessions.ts';
import type { SessionStack } from '#tests/support/sessionStack.ts';
import { waitFor } from '#tests/support/waitFor.ts';

/** A receipt with its outputs as text. */
export interface Receipt extends RunRecord {
  out: string;
  err: string;
}

/** Asks for a run as the api does. */
export function requestRun(
  stack: SessionStack,
  session: SessionRecord,
  wanted: Partial<CreateRun>,
): Promise<RunRecord> {
  return createRun(stack, { session, userId: session.userId, wanted: CreateRun.parse(wanted) });
}

/** Asks for the end of a run as the api does. */
export function requestCancel(stack: SessionStack, run: RunRecord): Promise<RunRecord> {
  return cancelRun(stack, run);
}

/** The run as its row says now. */
export async function readRun(stack: SessionStack, { id }: Pick<RunRecord, 'id'>): Promise<RunRecord> {
  const run = await findRunById(stack.database, id);
  if (run === null) throw new Error(`run ${id} is gone`);
  return run;
}

/** The receipt, once there is one. */
export async function receiptOf(stack: SessionStack, asked: RunRecord, deadlineMs = 60_000): Promise<Receipt> {
  const run = await waitFor(
    async () => {
      const present = await readRun(stack, asked);
      return isEndedRun(present.status) ? present : null;
    },
    { deadlineMs, what: `the end of run ${asked.id}` },
  );
  const { stdout, stderr } = await readRunOutputs(stack.database, run.id);
  return { ...run, out: stdout.toString(), err: stderr.toString() };
}

/** Resolves once the program of the run runs. */
export function startOf(stack: SessionStack, run: RunRecord): Promise<RunRecord> {
  return waitFor(
    async () => {
      const present = await readRun(stack, run);
      return present.status === 'running' && present;
    },
    { deadlineMs: 60_000, what: `the start of run ${run.id}` },
  );
}

/** The run's workflow in Temporal. */
export function workflowOf(stack: SessionStack, run: RunRecord) {
  return stack.temporal.client.workflow.getHandle(runWorkflowId({ sessionUuid: run.sessionUuid, runId: run.id }));
}
