import { loadFile, loadVersion, loadVersions } from '#api/commands/items/readItems.ts';
import { pageOfRows, readIdCursor } from '#api/http/cursor.ts';
import { defineRoute, type Route } from '#api/http/route.ts';
import { loadOwnSession } from '#api/policies/sessionPolicy.ts';
import { presentVersion, presentVersionContent } from '#api/presenters/itemPresenter.ts';
import { ItemParams, VersionParams } from '#api/routes/items/itemParams.ts';
import { ItemVersion, ItemVersionWithContent } from '#shared/contracts/item.ts';
import { pageOf, PageQuery } from '#shared/contracts/problem.ts';
import { contentBytes } from '#platform/db/content.ts';

const area = { tag: 'items', auth: 'required', scope: 'files' } as const;

/** A file's saved versions and its bytes. */
export const versionRoutes: Route[] = [
  defineRoute({
    ...area,
    method: 'get',
    path: '/sessions/{uuid}/items/{itemId}/versions',
    summary: 'The saved versions of a file, newest first, also of one that was deleted',
    params: ItemParams,
    query: PageQuery,
    responses: { 200: pageOf(ItemVersion) },
    async handler({ deps, caller, params, query }) {
      const session = await loadOwnSession(deps, caller, params.uuid);
      const cursor = readIdCursor(query.cursor);
      const page = { sessionId: session.id, itemId: params.itemId, cursor, limit: query.limit + 1 };
      const { rows, nextCursor } = pageOfRows(await loadVersions(deps, page), query.limit);
      return { status: 200, body: { items: rows.map(presentVersion), nextCursor } };
    },
  }),
  defineRoute({
    ...area,
    method: 'get',
    path: '/sessions/{uuid}/items/{itemId}/versions/{versionId}',
    summary: 'One saved version with its content',
    params: VersionParams,
    responses: { 200: ItemVersionWithContent },
    async handler({ deps, caller, params }) {
      const session = await loadOwnSession(deps, caller, params.uuid);
      const version = { sessionId: session.id, itemId: params.itemId, id: params.versionId };
      return { status: 200, body: presentVersionContent(await loadVersion(deps, version)) };
    },
  }),
  defineRoute({
    ...area,
    method: 'get',
    path: '/sessions/{uuid}/items/{itemId}/raw',
    summary: "A file's bytes, as an attachment",
    params: ItemParams,
    responses: { 200: null },
    async handler({ deps, caller, params }) {
      const session = await loadOwnSession(deps, caller, params.uuid);
      const file = await loadFile(deps, { sessionId: session.id, id: params.itemId });
      return {
        status: 200,
        stream: contentBytes(file.content, file.encoding),
        headers: { ...DOWNLOAD_HEADERS, 'Content-Disposition': attachmentOf(file.name), ETag: `"${file.version}"` },
      };
    },
  }),
];

/** The headers of a download: what is a person's must never run as a page of ours, whatever it holds and however it is opened. */
export const DOWNLOAD_HEADERS = {
  'Content-Type': 'application/octet-stream',
  'X-Content-Type-Options': 'nosniff',
  'Content-Security-Policy': "default-src 'none'; sandbox",
};

/** The header that names a download (RFC 6266): a plain name for old programs, the true one for all others. */
export function attachmentOf(name: string): string {
  const plain = name.replace(/[^\w.-]+/g, '_');
  const encoded = encodeURIComponent(name).replace(
    /['()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
  return `attachment; filename="${plain}"; filename*=UTF-8''${encoded}`;
}
