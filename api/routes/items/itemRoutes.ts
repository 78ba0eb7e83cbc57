import { copyItem } from '#api/commands/items/copyItem.ts';
import { createItem } from '#api/commands/items/createItem.ts';
import { deleteItem } from '#api/commands/items/deleteItem.ts';
import { loadItem, loadTree } from '#api/commands/items/readItems.ts';
import { saveItem } from '#api/commands/items/saveItem.ts';
import { updateItem } from '#api/commands/items/updateItem.ts';
import { fileBodyLimit } from '#api/http/bodies.ts';
import { defineRoute, type Route } from '#api/http/route.ts';
import { loadOwnSession } from '#api/policies/sessionPolicy.ts';
import { presentFile, presentItem } from '#api/presenters/itemPresenter.ts';
import { ItemParams } from '#api/routes/items/itemParams.ts';
import { versionRoutes } from '#api/routes/items/versionRoutes.ts';
import { SessionParams } from '#api/routes/sessions/sessionParams.ts';
import { CopyItem, CreateItem, Item, ItemTree, ItemWithContent, SaveItem, UpdateItem } from '#shared/contracts/item.ts';
import { AppError } from '#shared/domain/errors.ts';

const area = { tag: 'items', auth: 'required', scope: 'files' } as const;

/** A session's files and folders; they can be read and changed whether it is open or not. */
export const itemRoutes: Route[] = [
  defineRoute({
    ...area,
    method: 'get',
    path: '/sessions/{uuid}/items',
    summary: 'The whole tree of a session, without contents',
    params: SessionParams,
    responses: { 200: ItemTree, 304: null },
    async handler({ deps, caller, params, request }) {
      const session = await loadOwnSession(deps, caller, params.uuid);
      const tree = await loadTree(deps, session);
      const headers = { ETag: `W/"${tree.changeSeq}"` };
      if (request.get('if-none-match') === headers.ETag) return { status: 304, headers };
      return { status: 200, body: { ...tree, items: tree.items.map(presentItem) }, headers };
    },
  }),
  defineRoute({
    ...area,
    method: 'post',
    path: '/sessions/{uuid}/items',
    summary: 'Make a file or folder',
    bodyLimit: (config) => fileBodyLimit(config.MAX_FILE_BYTES),
    params: SessionParams,
    body: CreateItem,
    responses: { 201: Item },
    async handler({ deps, caller, params, body }) {
      const session = await loadOwnSession(deps, caller, params.uuid);
      const item = await createItem(deps, { session, userId: caller.id, wanted: body });
      const headers = { Location: `/api/v1/sessions/${session.uuid}/items/${item.id}`, ETag: `"${item.version}"` };
      return { status: 201, body: presentItem(item), headers };
    },
  }),
  defineRoute({
    ...area,
    method: 'get',
    path: '/sessions/{uuid}/items/{itemId}',
    summary: 'A file with its content, or a folder',
    params: ItemParams,
    responses: { 200: ItemWithContent.or(Item) },
    async handler({ deps, caller, params }) {
      const session = await loadOwnSession(deps, caller, params.uuid);
      const { content, ...item } = await loadItem(deps, { sessionId: session.id, id: params.itemId });
      const body = content === undefined ? presentItem(item) : presentFile({ ...item, content });
      return { status: 200, body, headers: { ETag: `"${item.version}"` } };
    },
  }),
  defineRoute({
    ...area,
    method: 'put',
    path: '/sessions/{uuid}/items/{itemId}/content',
    summary: 'Save a file over the version in If-Match',
    bodyLimit: (config) => fileBodyLimit(config.MAX_FILE_BYTES),
    params: ItemParams,
    body: SaveItem,
    responses: { 200: Item },
    async handler({ deps, caller, params, body, ifMatch }) {
      const session = await loadOwnSession(deps, caller, params.uuid);
      if (ifMatch === null) throw new AppError('VERSION_REQUIRED');
      const save = { session, userId: caller.id, id: params.itemId, expectedVersion: ifMatch, wanted: body };
      const item = await saveItem(deps, save);
      return { status: 200, body: presentItem(item), headers: { ETag: `"${item.version}"` } };
    },
  }),
  defineRoute({
    ...area,
    method: 'patch',
    path: '/sessions/{uuid}/items/{itemId}',
    summary: 'Rename or move a file or folder, or change its executable bit',
    params: ItemParams,
    body: UpdateItem,
    responses: { 200: Item },
    async handler({ deps, caller, params, body, ifMatch }) {
      const session = await loadOwnSession(deps, caller, params.uuid);
      const update = { session, userId: caller.id, id: params.itemId, expectedVersion: ifMatch, wanted: body };
      const item = await updateItem(deps, update);
      return { status: 200, body: presentItem(item), headers: { ETag: `"${item.version}"` } };
    },
  }),
  defineRoute({
    ...area,
    method: 'post',
    path: '/sessions/{uuid}/items/{itemId}/copy',
    summary: 'Copy a file, or a folder with all that is in it',
    limit: 'expensive',
    params: ItemParams,
    body: CopyItem,
    responses: { 201: Item },
    async handler({ deps, caller, params, body }) {
      const session = await loadOwnSession(deps, caller, params.uuid);
      const item = await copyItem(deps, { session, userId: caller.id, id: params.itemId, wanted: body });
      const headers = { Location: `/api/v1/sessions/${session.uuid}/items/${item.id}`, ETag: `"${item.version}"` };
      return { status: 201, body: presentItem(item), headers };
    },
  }),
  defineRoute({
    ...area,
    method: 'delete',
    path: '/sessions/{uuid}/items/{itemId}',
    summary: 'Delete a file, or a folder with all that is in it',
    params: ItemParams,
    responses: { 204: null },
    async handler({ deps, caller, params, ifMatch }) {
      const session = await loadOwnSession(deps, caller, params.uuid);
      await deleteItem(deps, { session, userId: caller.id, id: params.itemId, expectedVersion: ifMatch });
      return { status: 204 };
    },
  }),
  ...versionRoutes,
];
