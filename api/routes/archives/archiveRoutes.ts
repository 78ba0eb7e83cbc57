import { exportArchive } from '#api/commands/archives/exportArchive.ts';
import { defineRoute, type Route } from '#api/http/route.ts';
import { loadOwnSession } from '#api/policies/sessionPolicy.ts';
import { attachmentOf, DOWNLOAD_HEADERS } from '#api/routes/items/versionRoutes.ts';
import { SessionParams } from '#api/routes/sessions/sessionParams.ts';
import { ArchiveQuery } from '#shared/contracts/upload.ts';

/** A session's files as an archive. */
export const archiveRoutes: Route[] = [
  defineRoute({
    tag: 'items',
    auth: 'required',
    scope: 'files',
    method: 'get',
    path: '/sessions/{uuid}/archive',
    summary: 'A session, or one folder of it, as a zip',
    limit: 'expensive',
    params: SessionParams,
    query: ArchiveQuery,
    responses: { 200: null },
    async handler({ deps, caller, params, query, request }) {
      const session = await loadOwnSession(deps, caller, params.uuid);
      const { name, stream } = await exportArchive(deps, { session, folderId: query.folderId ?? null });
      const headers = {
        ...DOWNLOAD_HEADERS,
        'Content-Type': 'application/zip',
        'Content-Disposition': attachmentOf(name),
      };
      if (request.method !== 'HEAD') return { status: 200, stream, headers };
      stream.destroy();
      return { status: 200, headers };
    },
  }),
];
