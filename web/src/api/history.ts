import type { GitFolder } from '#shared/contracts/gitFolder.ts';
import type { Item, ItemVersion, ItemVersionWithContent } from '#shared/contracts/item.ts';
import type { Page } from '#shared/contracts/problem.ts';
import type {
  DeletedFile,
  RestoreResult,
  RestoreSession,
  SessionHistory,
  TrashedSession,
} from '#shared/contracts/restore.ts';
import { request } from './client.ts';

const at = (uuid: string) => `/sessions/${encodeURIComponent(uuid)}`;

/** A page of a file's saved versions, newest first. */
export function listVersions(uuid: string, itemId: number, cursor?: string): Promise<Page<ItemVersion>> {
  return request('GET', `${at(uuid)}/items/${itemId}/versions`, { query: { cursor, limit: 50 } });
}
/** One saved version with its content. */
export function loadVersion(uuid: string, itemId: number, id: number): Promise<ItemVersionWithContent> {
  return request('GET', `${at(uuid)}/items/${itemId}/versions/${id}`);
}
/** Gives a file the content of one of its versions, over `version`. Throws VERSION_CONFLICT when a newer one is there. */
export function restoreVersion(uuid: string, wanted: { itemId: number; id: number; version: number }): Promise<Item> {
  const { itemId, id, version } = wanted;
  return request('POST', `${at(uuid)}/items/${itemId}/versions/${id}/restore`, { version });
}
/** A page of a session's deleted files, the last deleted first. */
export function listDeletedFiles(uuid: string, cursor?: string): Promise<Page<DeletedFile>> {
  return request('GET', `${at(uuid)}/trash`, { query: { cursor, limit: 100 } });
}
/** Puts deleted files back: all of them or none. Throws NAME_TAKEN. */
export function restoreDeletedFiles(uuid: string, itemIds: number[]): Promise<{ items: Item[] }> {
  return request('POST', `${at(uuid)}/trash/restore`, { body: { itemIds } });
}
/** Deletes a file in the trash with all its versions for good. */
export function eraseDeletedFile(uuid: string, itemId: number): Promise<void> {
  return request('DELETE', `${at(uuid)}/trash/${itemId}`);
}
/** Makes a session what it was at a moment; a dry run only tells what would change. */
export function restoreSession(uuid: string, body: Partial<RestoreSession> & { at: string }): Promise<RestoreResult> {
  return request('POST', `${at(uuid)}/restore`, { body });
}
/** How far a session's history reaches back and what it takes. */
export function loadHistory(uuid: string): Promise<SessionHistory> {
  return request('GET', `${at(uuid)}/history`);
}
/** A page of the signed-in person's sessions in the trash. */
export function listTrashedSessions(cursor?: string): Promise<Page<TrashedSession>> {
  return request('GET', '/trashed-sessions', { query: { cursor, limit: 100 } });
}
/** Takes a session out of the trash. */
export function restoreTrashedSession(uuid: string): Promise<void> {
  return request('POST', `/trashed-sessions/${encodeURIComponent(uuid)}/restore`);
}
/** Deletes a session in the trash for good. */
export function eraseTrashedSession(uuid: string): Promise<void> {
  return request('DELETE', `/trashed-sessions/${encodeURIComponent(uuid)}`);
}
/** The `.git` folders of a session by path, also those that were removed and can be had back. */
export async function listGitFolders(uuid: string): Promise<GitFolder[]> {
  return (await request<{ items: GitFolder[] }>('GET', `${at(uuid)}/git-folders`)).items;
}
/** Puts a removed `.git` folder back. */
export function restoreGitFolder(uuid: string, id: number): Promise<GitFolder> {
  return request('POST', `${at(uuid)}/git-folders/${id}/restore`, { body: {} });
}
