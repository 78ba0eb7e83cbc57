import { randomUUID } from 'node:crypto';
import { WorkflowNotFoundError } from '@temporalio/client';
import { sessionWorkflowId } from '#shared/domain/session.ts';
import type { Temporal } from '#platform/temporal/client.ts';
import { requestSyncSignal } from '#workflows/session/session.messages.ts';
import type { SessionRef } from '#workflows/session/session.ports.ts';

/** How long, in milliseconds, Temporal may take to accept a signal before the watch helps itself. */
const SIGNAL_DEADLINE_MS = 1_500;

/**
 * Asks the session's workflow for a sync. `asked`: it will come. `away`: Temporal did not answer. `over`: there is no
 * such run any more.
 */
export async function askSync(temporal: Temporal, ref: SessionRef, cause: string): Promise<'asked' | 'away' | 'over'> {
  const handle = temporal.client.workflow.getHandle(sessionWorkflowId(ref.uuid));
  try {
    await temporal.within(SIGNAL_DEADLINE_MS, () =>
      handle.signal(requestSyncSignal, { opId: randomUUID(), cause, generation: ref.generation }),
    );
    return 'asked';
  } catch (error) {
    return error instanceof WorkflowNotFoundError ? 'over' : 'away';
  }
}
