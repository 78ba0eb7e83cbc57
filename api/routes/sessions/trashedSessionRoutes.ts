import { eraseTrashedSession, restoreTrashedSession } from '#api/commands/sessions/trashedSession.ts';
import { pageOfRows, readIdCursor } from '#api/http/cursor.ts';
import { defineRoute, type Route } from '#api/http/route.ts';
import { loadOwnTrashedSession } from '#api/policies/sessionPolicy.ts';
import { presentTrashedSession } from '#api/presenters/restorePresenter.ts';
import { SessionParams } from '#api/routes/sessions/sessionParams.ts';
import { listTrashedSessions } from '#platform/db/repositories/sessionTrash.ts';
import { pageOf, PageQuery } from '#shared/contracts/problem.ts';
import { TrashedSession } from '#shared/contracts/restore.ts';

const area = { tag: 'sessions', auth: 'required', scope: 'sessions' } as const;

/** Sessions in the trash. */
export const trashedSessionRoutes: Route[] = [
  defineRoute({
    ...area,
    method: 'get',
    path: '/trashed-sessions',
    summary: 'Your sessions in the trash, newest first',
    query: PageQuery,
    responses: { 200: pageOf(TrashedSession) },
    async handler({ deps, caller, query }) {
      const page = { userId: caller.id, cursor: readIdCursor(query.cursor), limit: query.limit + 1 };
      const { rows, nextCursor } = pageOfRows(await listTrashedSessions(deps.database, page), query.limit);
      return { status: 200, body: { items: rows.map(presentTrashedSession), nextCursor } };
    },
  }),
  defineRoute({
    ...area,
    method: 'post',
    path: '/trashed-sessions/{uuid}/restore',
    summary: 'Take a session out of the trash',
    params: SessionParams,
    responses: { 204: null },
    async handler({ deps, caller, params }) {
      const { uuid } = await loadOwnTrashedSession(deps, caller, params.uuid);
      await restoreTrashedSession(deps, uuid);
      return { status: 204 };
    },
  }),
  defineRoute({
    ...area,
    method: 'delete',
    path: '/trashed-sessions/{uuid}',
    summary: 'Delete a session in the trash for good; refused when a review refers to it',
    params: SessionParams,
    responses: { 204: null },
    async handler({ deps, caller, params, address, requestId }) {
      const { uuid } = await loadOwnTrashedSession(deps, caller, params.uuid);
      await eraseTrashedSession(deps, { uuid, actor: { actorId: caller.id, address, requestId } });
      return { status: 204 };
    },
  }),
];
