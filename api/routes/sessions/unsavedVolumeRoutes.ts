import { z } from 'zod';
import { loadPresentedSession } from '#api/commands/sessions/presentedSession.ts';
import { discardAndReopen, discardKept, retrySave, type VolumeActor } from '#api/commands/sessions/unsavedVolume.ts';
import { defineRoute, type Reply, type RequestContext, type Route } from '#api/http/route.ts';
import { requireWorkspace } from '#api/policies/runningCopyPolicy.ts';
import { loadOwnSession } from '#api/policies/sessionPolicy.ts';
import { presentNewestSave } from '#api/presenters/sessionPresenter.ts';
import { SessionParams } from '#api/routes/sessions/sessionParams.ts';
import type { ApiDeps } from '#api/deps.ts';
import { Accepted, DiscardVolume, Discarded } from '#shared/contracts/session.ts';
import type { NewestSave } from '#platform/db/repositories/sessionDiscards.ts';
import type { SessionRecord } from '#platform/db/repositories/sessions.ts';

function actorOf({
  caller,
  address,
  requestId,
}: Pick<RequestContext<unknown, unknown, unknown>, 'caller' | 'address' | 'requestId'>): VolumeActor {
  return { actorId: caller.id, username: caller.username, address, requestId };
}

async function discarded(
  deps: ApiDeps,
  asked: { opId: string; session: SessionRecord; newestSave: NewestSave | null },
): Promise<Reply> {
  const session = await loadPresentedSession(deps, asked.session);
  const headers = { Location: `/api/v1/sessions/${asked.session.uuid}` };
  return { status: 202, body: { opId: asked.opId, session, newestSave: presentNewestSave(asked.newestSave) }, headers };
}

/** What a person decides about a volume that Berth cannot reach or save by itself. */
export const unsavedVolumeRoutes: Route[] = [
  defineRoute({
    method: 'post',
    path: '/sessions/{uuid}/discard-and-reopen',
    tag: 'sessions',
    summary: 'Give up what is on a volume that is lost or could not be saved, and open from the newest save',
    auth: 'required',
    scope: 'sessions',
    limit: 'expensive',
    params: SessionParams,
    body: DiscardVolume,
    responses: { 202: Discarded },
    async handler({ deps, params, ...context }) {
      const session = await loadOwnSession(deps, context.caller, params.uuid);
      requireWorkspace(session, 'opened again; close it');
      return discarded(deps, await discardAndReopen(deps, session, actorOf(context)));
    },
  }),
  defineRoute({
    method: 'post',
    path: '/sessions/{uuid}/discard',
    tag: 'sessions',
    summary: 'Give up what is on the kept volume of a closed session',
    auth: 'required',
    scope: 'sessions',
    limit: 'expensive',
    params: SessionParams,
    body: DiscardVolume,
    responses: { 202: Discarded },
    async handler({ deps, params, ...context }) {
      const session = await loadOwnSession(deps, context.caller, params.uuid);
      return discarded(deps, await discardKept(deps, session, actorOf(context)));
    },
  }),
  defineRoute({
    method: 'post',
    path: '/sessions/{uuid}/retry-save',
    tag: 'sessions',
    summary: 'Try again to save what is on the kept volume of a closed session; it is closed again after it',
    auth: 'required',
    scope: 'sessions',
    limit: 'expensive',
    params: SessionParams,
    body: z.strictObject({}),
    responses: { 202: Accepted },
    async handler({ deps, params, ...context }) {
      const own = await loadOwnSession(deps, context.caller, params.uuid);
      const { opId, session } = await retrySave(deps, own, actorOf(context));
      const headers = { Location: `/api/v1/sessions/${session.uuid}` };
      return { status: 202, body: { opId, session: await loadPresentedSession(deps, session) }, headers };
    },
  }),
];
