import { WorkflowNotFoundError, WorkflowUpdateFailedError } from '@temporalio/client';
import type { Logger } from 'pino';
import { sessionWorkflowId } from '#shared/domain/session.ts';
import type { Temporal } from '#platform/temporal/client.ts';
import { syncNowUpdate } from '#workflows/session/session.messages.ts';

/**
 * Has the session's workflow make database and volume equal, and waits for it until the deadline (milliseconds since 1970).
 * True when it answered that they are; false when it did not run, refused, or took too long.
 */
export async function syncNow(
  deps: { temporal: Temporal; log: Logger },
  request: { sessionUuid: string; opId: string },
  deadline: number,
): Promise<boolean> {
  const handle = deps.temporal.client.workflow.getHandle(sessionWorkflowId(request.sessionUuid));
  try {
    await deps.temporal.within(deadline - Date.now(), () =>
      handle.executeUpdate(syncNowUpdate, { args: [{ opId: request.opId }], updateId: request.opId }),
    );
    return true;
  } catch (error) {
    // A run that is ending or has ended refuses; the row will tell. Anything else is a server that does not answer.
    const expected = error instanceof WorkflowNotFoundError || error instanceof WorkflowUpdateFailedError;
    if (!expected)
      deps.log.warn({ err: error, sessionUuid: request.sessionUuid }, 'the session did not answer syncNow');
    return false;
  }
}
