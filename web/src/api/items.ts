import type {
  CopyItem,
  CreateItem,
  Item,
  ItemTree,
  ItemWithContent,
  SaveItem,
  UpdateItem,
} from '#shared/contracts/item.ts';
import { request } from './client.ts';

const at = (uuid: string) => `/sessions/${encodeURIComponent(uuid)}/items`;

/** All items of a session, without contents. */
export function loadTree(uuid: string): Promise<ItemTree> {
  return request('GET', at(uuid));
}
/** One item, a file with its content. */
export function loadItem(uuid: string, id: number): Promise<ItemWithContent> {
  return request('GET', `${at(uuid)}/${id}`);
}
/** Makes a file or folder. Throws NAME_TAKEN, INVALID_PATH, FILE_TOO_LARGE. */
export function createItem(uuid: string, body: Partial<CreateItem> & Pick<CreateItem, 'name' | 'type'>): Promise<Item> {
  return request('POST', at(uuid), { body });
}
/** Renames or moves. */
export function updateItem(uuid: string, id: number, body: UpdateItem): Promise<Item> {
  return request('PATCH', `${at(uuid)}/${id}`, { body });
}
/** Copies a file or a folder. Throws NAME_TAKEN, SESSION_TOO_LARGE. */
export function copyItem(uuid: string, id: number, body: Partial<CopyItem>): Promise<Item> {
  return request('POST', `${at(uuid)}/${id}/copy`, { body });
}
/** Deletes an item; a folder with all that is in it. */
export function deleteItem(uuid: string, id: number): Promise<void> {
  return request('DELETE', `${at(uuid)}/${id}`);
}
/** Saves a file over `version`. Throws VERSION_CONFLICT when a newer one is there. */
export function saveItem(uuid: string, id: number, save: SaveItem & { version: number }): Promise<Item> {
  const { version, ...body } = save;
  return request('PUT', `${at(uuid)}/${id}/content`, { body, version });
}
/** The address of a file's bytes, sent as an attachment. */
export function rawAddress(uuid: string, id: number): string {
  return `/api/v1${at(uuid)}/${id}/raw`;
}
