import { searchItems } from '#api/commands/search/searchItems.ts';
import { defineRoute, type Route } from '#api/http/route.ts';
import { loadOwnSession } from '#api/policies/sessionPolicy.ts';
import { presentFound } from '#api/presenters/searchPresenter.ts';
import { SessionParams } from '#api/routes/sessions/sessionParams.ts';
import { SearchQuery, SearchResult } from '#shared/contracts/search.ts';

/** Search in a session's files. */
export const searchRoutes: Route[] = [
  defineRoute({
    method: 'get',
    path: '/sessions/{uuid}/search',
    tag: 'items',
    summary: 'Search names or text files of a session, open or closed; what is on its volume follows within seconds',
    auth: 'required',
    scope: 'files',
    limit: 'expensive',
    params: SessionParams,
    query: SearchQuery,
    responses: { 200: SearchResult },
    async handler({ deps, caller, params, query, request }) {
      const session = await loadOwnSession(deps, caller, params.uuid);
      const gone = new AbortController();
      const leave = (): void => gone.abort();
      request.socket.once('close', leave);
      try {
        const search = { sessionId: session.id, userId: caller.id, query, signal: gone.signal };
        const { found, nextCursor } = await searchItems(deps, search);
        return { status: 200, body: { items: found.map(presentFound), nextCursor } };
      } finally {
        request.socket.off('close', leave);
      }
    },
  }),
];
