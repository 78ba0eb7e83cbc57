import { z } from 'zod';
import { closeSession } from '#api/commands/sessions/closeSession.ts';
import { openSession } from '#api/commands/sessions/openSession.ts';
import { loadPresentedSession } from '#api/commands/sessions/presentedSession.ts';
import { loadEventPage } from '#api/commands/sessions/loadEventPage.ts';
import { extendSession, requestSync } from '#api/commands/sessions/signalSession.ts';
import { defineRoute, type Reply, type Route } from '#api/http/route.ts';
import { requireWorkspace } from '#api/policies/runningCopyPolicy.ts';
import { loadOwnSession, loadSeenSession } from '#api/policies/sessionPolicy.ts';
import { unsavedVolumeRoutes } from '#api/routes/sessions/unsavedVolumeRoutes.ts';
import { SessionParams } from '#api/routes/sessions/sessionParams.ts';
import type { ApiDeps } from '#api/deps.ts';
import { EventPage, EventQuery } from '#shared/contracts/events.ts';
import { Accepted, ExtendSession } from '#shared/contracts/session.ts';
import type { SessionRecord } from '#platform/db/repositories/sessions.ts';

const NoBody = z.strictObject({});

async function accepted(deps: ApiDeps, { opId, session }: { opId: string; session: SessionRecord }): Promise<Reply> {
  const headers = { Location: `/api/v1/sessions/${session.uuid}` };
  return { status: 202, body: { opId, session: await loadPresentedSession(deps, session) }, headers };
}

/** Opening, closing and keeping sessions: asked for here, carried out by the session's workflow. */
export const lifecycleRoutes: Route[] = [
  defineRoute({
    method: 'post',
    path: '/sessions/{uuid}/open',
    tag: 'sessions',
    summary: 'Open a session; follow its phase by its events',
    auth: 'required',
    scope: 'sessions',
    limit: 'expensive',
    params: SessionParams,
    body: NoBody,
    responses: { 202: Accepted },
    async handler({ deps, caller, params }) {
      const session = await loadOwnSession(deps, caller, params.uuid);
      requireWorkspace(session, 'opened again');
      return accepted(deps, await openSession(deps, session));
    },
  }),
  defineRoute({
    method: 'post',
    path: '/sessions/{uuid}/close',
    tag: 'sessions',
    summary: 'Close a session: everything is saved, then pod and volume go',
    auth: 'required',
    scope: 'sessions',
    params: SessionParams,
    body: NoBody,
    responses: { 202: Accepted },
    async handler({ deps, caller, params }) {
      const session = await loadOwnSession(deps, caller, params.uuid);
      return accepted(deps, await closeSession(deps, { session, actor: caller.username }));
    },
  }),
  defineRoute({
    method: 'post',
    path: '/sessions/{uuid}/sync',
    tag: 'sessions',
    summary: 'Ask an open session to bring its volume and the saved files together now',
    auth: 'required',
    scope: 'sessions',
    limit: 'expensive',
    params: SessionParams,
    body: NoBody,
    responses: { 202: Accepted },
    async handler({ deps, caller, params }) {
      const session = await loadOwnSession(deps, caller, params.uuid);
      const { opId } = await requestSync(deps, session);
      return accepted(deps, { opId, session });
    },
  }),
  defineRoute({
    method: 'post',
    path: '/sessions/{uuid}/extend',
    tag: 'sessions',
    summary: 'Hold an open session open for so many minutes without activity',
    auth: 'required',
    scope: 'sessions',
    params: SessionParams,
    body: ExtendSession,
    responses: { 202: Accepted },
    async handler({ deps, caller, params, body }) {
      const session = await loadOwnSession(deps, caller, params.uuid);
      const { opId } = await extendSession(deps, session, { minutes: body.minutes, actor: caller.username });
      return accepted(deps, { opId, session });
    },
  }),
  ...unsavedVolumeRoutes,
  defineRoute({
    method: 'get',
    path: '/sessions/{uuid}/events',
    tag: 'sessions',
    summary: 'What happened to a session after an event number; for programs without a socket',
    auth: 'required',
    scope: 'sessions',
    params: SessionParams,
    query: EventQuery,
    responses: { 200: EventPage },
    async handler({ deps, caller, params, query }) {
      const session = await loadSeenSession(deps, caller, params.uuid);
      return { status: 200, body: await loadEventPage(deps, session, query) };
    },
  }),
];
