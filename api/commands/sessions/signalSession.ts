import { randomUUID } from 'node:crypto';
import { WorkflowNotFoundError } from '@temporalio/client';
import type { ApiDeps } from '#api/deps.ts';
import { AppError } from '#shared/domain/errors.ts';
import { isLivePhase, sessionWorkflowId } from '#shared/domain/session.ts';
import { touchActivity } from '#platform/db/repositories/sessionActivity.ts';
import type { SessionRecord } from '#platform/db/repositories/sessions.ts';
import { extendSignal, requestSyncSignal } from '#workflows/session/session.messages.ts';

/** A person must have an honest answer within two seconds, whatever the server does: half of them are for the rest of the way. */
const SIGNAL_DEADLINE_MS = 1_000;

type SessionHandle = ReturnType<ApiDeps['temporal']['client']['workflow']['getHandle']>;

/** Asks the session's workflow to bring volume and database together. Throws SESSION_NOT_OPEN or TEMPORAL_UNAVAILABLE. */
export async function requestSync(deps: ApiDeps, session: SessionRecord): Promise<{ opId: string }> {
  const opId = randomUUID();
  await signal(deps, session, (handle) =>
    handle.signal(requestSyncSignal, { opId, cause: 'person', generation: session.generation }),
  );
  return { opId };
}

/** Holds an idle session open for so many minutes from now. Throws SESSION_NOT_OPEN or TEMPORAL_UNAVAILABLE. */
export async function extendSession(
  deps: ApiDeps,
  session: SessionRecord,
  { minutes, actor }: { minutes: number; actor: string },
): Promise<{ opId: string }> {
  const opId = randomUUID();
  const until = new Date(Date.now() + minutes * 60_000).toISOString();
  await signal(deps, session, (handle) => handle.signal(extendSignal, { opId, until, actor }));
  return { opId };
}

async function signal(
  deps: ApiDeps,
  session: SessionRecord,
  send: (handle: SessionHandle) => Promise<void>,
): Promise<void> {
  if (!isLivePhase(session.phase)) throw new AppError('SESSION_NOT_OPEN');
  const handle = deps.temporal.client.workflow.getHandle(sessionWorkflowId(session.uuid));
  try {
    await deps.temporal.within(SIGNAL_DEADLINE_MS, () => send(handle));
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) throw new AppError('SESSION_NOT_RUNNING', { cause: error });
    throw new AppError('TEMPORAL_UNAVAILABLE', {
      detail: 'The request was not accepted. Files and terminals go on meanwhile, and changes are saved.',
      cause: error,
    });
  }
  await touchActivity(deps.database, session.uuid);
}
