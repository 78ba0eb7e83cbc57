import { deleteSession, nameSession } from '#api/commands/sessions/changeSession.ts';
import { createSession } from '#api/commands/sessions/createSession.ts';
import { loadPresentedSession, loadPresentedSessions } from '#api/commands/sessions/presentedSession.ts';
import { pageOfRows, readIdCursor } from '#api/http/cursor.ts';
import { defineRoute, type Route } from '#api/http/route.ts';
import { requireWorkspace } from '#api/policies/runningCopyPolicy.ts';
import { loadOwnSession, loadSeenSession } from '#api/policies/sessionPolicy.ts';
import { loadSessionSource } from '#api/policies/sessionSource.ts';
import { SessionParams } from '#api/routes/sessions/sessionParams.ts';
import { listSessions } from '#platform/db/repositories/sessions.ts';
import { pageOf, PageQuery } from '#shared/contracts/problem.ts';
import { CreateSession, Session, UpdateSession } from '#shared/contracts/session.ts';

/** A person's sessions. */
export const sessionRoutes: Route[] = [
  defineRoute({
    method: 'get',
    path: '/sessions',
    tag: 'sessions',
    summary: 'Your sessions, newest first',
    auth: 'required',
    scope: 'sessions',
    query: PageQuery,
    responses: { 200: pageOf(Session) },
    async handler({ deps, caller, query }) {
      const cursor = readIdCursor(query.cursor);
      const found = await listSessions(deps.database, { userId: caller.id, cursor, limit: query.limit + 1 });
      const { rows, nextCursor } = pageOfRows(found, query.limit);
      return { status: 200, body: { items: await loadPresentedSessions(deps, rows), nextCursor } };
    },
  }),
  defineRoute({
    method: 'post',
    path: '/sessions',
    tag: 'sessions',
    summary: 'Make a session with starter files, as a copy, from a template or a repository, and open it if wanted',
    auth: 'required',
    scope: 'sessions',
    limit: 'expensive',
    body: CreateSession,
    responses: { 201: Session },
    async handler({ deps, caller, body }) {
      const source = await loadSessionSource(deps, caller, body.from);
      const session = await createSession(deps, { userId: caller.id, wanted: body, source });
      const headers = { Location: `/api/v1/sessions/${session.uuid}` };
      return { status: 201, body: await loadPresentedSession(deps, session), headers };
    },
  }),
  defineRoute({
    method: 'get',
    path: '/sessions/{uuid}',
    tag: 'sessions',
    summary: 'A session with its stages',
    auth: 'required',
    scope: 'sessions',
    params: SessionParams,
    responses: { 200: Session },
    async handler({ deps, caller, params }) {
      const session = await loadSeenSession(deps, caller, params.uuid);
      return { status: 200, body: await loadPresentedSession(deps, session) };
    },
  }),
  defineRoute({
    method: 'patch',
    path: '/sessions/{uuid}',
    tag: 'sessions',
    summary: 'Rename a session',
    auth: 'required',
    scope: 'sessions',
    params: SessionParams,
    body: UpdateSession,
    responses: { 200: Session },
    async handler({ deps, caller, params, body }) {
      const session = await loadOwnSession(deps, caller, params.uuid);
      requireWorkspace(session, 'renamed');
      const renamed = await nameSession(deps, { session, name: body.name });
      return { status: 200, body: await loadPresentedSession(deps, renamed) };
    },
  }),
  defineRoute({
    method: 'delete',
    path: '/sessions/{uuid}',
    tag: 'sessions',
    summary: 'Put a session into the trash; an open one is closed first',
    auth: 'required',
    scope: 'sessions',
    params: SessionParams,
    responses: { 204: null },
    async handler({ deps, caller, params }) {
      const session = await loadOwnSession(deps, caller, params.uuid);
      requireWorkspace(session, 'put into the trash; close it');
      await deleteSession(deps, { session, actor: caller.username });
      return { status: 204 };
    },
  }),
];
