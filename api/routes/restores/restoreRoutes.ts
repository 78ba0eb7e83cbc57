import { restoreDeletedFiles, eraseFile } from '#api/commands/restores/deletedFiles.ts';
import { loadHistory } from '#api/commands/restores/loadHistory.ts';
import { restoreSession } from '#api/commands/restores/restoreSession.ts';
import { restoreVersion } from '#api/commands/restores/restoreVersion.ts';
import { pageOfRows, readIdCursor } from '#api/http/cursor.ts';
import { defineRoute, type Route } from '#api/http/route.ts';
import { requireWorkspace } from '#api/policies/runningCopyPolicy.ts';
import { loadOwnSession } from '#api/policies/sessionPolicy.ts';
import { presentItem } from '#api/presenters/itemPresenter.ts';
import { presentDeletedFile, presentHistory, presentRestore } from '#api/presenters/restorePresenter.ts';
import { ItemParams, VersionParams } from '#api/routes/items/itemParams.ts';
import { SessionParams } from '#api/routes/sessions/sessionParams.ts';
import { z } from 'zod';
import { listDeletedFiles } from '#platform/db/repositories/deletedFiles.ts';
import { Item } from '#shared/contracts/item.ts';
import { pageOf, PageQuery } from '#shared/contracts/problem.ts';
import {
  DeletedFile,
  RestoreDeleted,
  RestoreResult,
  RestoreSession,
  SessionHistory,
} from '#shared/contracts/restore.ts';

const area = { tag: 'history', auth: 'required', scope: 'files' } as const;

/** What a session's files were, and the ways back. */
export const restoreRoutes: Route[] = [
  defineRoute({
    ...area,
    method: 'get',
    path: '/sessions/{uuid}/history',
    summary: 'Since when the history of a session reaches back, and what its versions take',
    params: SessionParams,
    responses: { 200: SessionHistory },
    async handler({ deps, caller, params }) {
      const session = await loadOwnSession(deps, caller, params.uuid);
      return { status: 200, body: presentHistory(await loadHistory(deps, session)) };
    },
  }),
  defineRoute({
    ...area,
    method: 'post',
    path: '/sessions/{uuid}/restore',
    summary:
      'Make a session, or what is at one path of it, what it was at a moment; dryRun only tells what would change',
    limit: 'expensive',
    params: SessionParams,
    body: RestoreSession,
    responses: { 200: RestoreResult },
    async handler({ deps, caller, params, body }) {
      const session = await loadOwnSession(deps, caller, params.uuid);
      requireWorkspace(session, 'restored to a moment');
      const restored = await restoreSession(deps, { session, userId: caller.id, wanted: body });
      return { status: 200, body: presentRestore(restored) };
    },
  }),
  defineRoute({
    ...area,
    method: 'post',
    path: '/sessions/{uuid}/items/{itemId}/versions/{versionId}/restore',
    summary:
      'Give a file the content of one of its versions, over the version in If-Match; a deleted file is made again',
    params: VersionParams,
    responses: { 200: Item },
    async handler({ deps, caller, params, ifMatch }) {
      const session = await loadOwnSession(deps, caller, params.uuid);
      const { itemId, versionId } = params;
      const wanted = { session, userId: caller.id, itemId, versionId, expectedVersion: ifMatch };
      const item = await restoreVersion(deps, wanted);
      return { status: 200, body: presentItem(item), headers: { ETag: `"${item.version}"` } };
    },
  }),
  defineRoute({
    ...area,
    method: 'get',
    path: '/sessions/{uuid}/trash',
    summary: 'The deleted files of a session, the last deleted first',
    params: SessionParams,
    query: PageQuery,
    responses: { 200: pageOf(DeletedFile) },
    async handler({ deps, caller, params, query }) {
      const session = await loadOwnSession(deps, caller, params.uuid);
      const page = { sessionId: session.id, cursor: readIdCursor(query.cursor), limit: query.limit + 1 };
      const { rows, nextCursor } = pageOfRows(await listDeletedFiles(deps.database, page), query.limit);
      return { status: 200, body: { items: rows.map(presentDeletedFile), nextCursor } };
    },
  }),
  defineRoute({
    ...area,
    method: 'post',
    path: '/sessions/{uuid}/trash/restore',
    summary: 'Put deleted files back where they were: all of them or none',
    params: SessionParams,
    body: RestoreDeleted,
    responses: { 200: z.object({ items: z.array(Item) }) },
    async handler({ deps, caller, params, body }) {
      const session = await loadOwnSession(deps, caller, params.uuid);
      const items = await restoreDeletedFiles(deps, { session, userId: caller.id, itemIds: body.itemIds });
      return { status: 200, body: { items: items.map(presentItem) } };
    },
  }),
  defineRoute({
    ...area,
    method: 'delete',
    path: '/sessions/{uuid}/trash/{itemId}',
    summary: 'Delete a file in the trash with all its versions for good',
    params: ItemParams,
    responses: { 204: null },
    async handler({ deps, caller, params }) {
      const session = await loadOwnSession(deps, caller, params.uuid);
      await eraseFile(deps, { session, itemId: params.itemId });
      return { status: 204 };
    },
  }),
];
