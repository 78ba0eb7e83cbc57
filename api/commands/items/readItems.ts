import type { ApiDeps } from '#api/deps.ts';
import { AppError } from '#shared/domain/errors.ts';
import { contentText } from '#platform/db/content.ts';
import { findVersion, listVersions, type VersionRecord } from '#platform/db/repositories/fileVersions.ts';
import { readNotSaved, type NotSavedRecord } from '#platform/db/repositories/itemEvents.ts';
import { findItemWithContent, listItems, type ItemRecord } from '#platform/db/repositories/items.ts';
import { requireItem } from '#api/commands/items/itemChecks.ts';
import { findSession, type SessionRecord } from '#platform/db/repositories/sessions.ts';

type Deps = Pick<ApiDeps, 'database'>;

/** A session's tree at one moment: the items and the number of the last change that they contain. */
export async function loadTree(
  { database }: Deps,
  session: SessionRecord,
): Promise<{ items: ItemRecord[]; changeSeq: number; notSaved: NotSavedRecord[] }> {
  // The number is read first: a change in between is then loaded once too often, never missed.
  const before = await findSession(database, session.uuid);
  if (before === null) throw new AppError('NOT_FOUND');
  const items = await listItems(database, session.id);
  return { items, changeSeq: before.changeSeq, notSaved: await readNotSaved(database, session.id) };
}

/** An item, a file with its content. Throws NOT_FOUND. */
export async function loadItem(
  { database }: Deps,
  item: { sessionId: number; id: number },
): Promise<ItemRecord & { content?: string }> {
  return (await findItemWithContent(database, item)) ?? (await requireItem(database, item));
}

/** A file with its content. Throws NOT_FOUND, also for a folder. */
export async function loadFile(
  { database }: Deps,
  item: { sessionId: number; id: number },
): Promise<ItemRecord & { content: string }> {
  const file = await findItemWithContent(database, item);
  if (file === null) throw new AppError('NOT_FOUND', { detail: 'There is no such file in this session.' });
  return file;
}

/** Versions of an item that is or was in the session, newest first. */
export function loadVersions(
  { database }: Deps,
  page: { sessionId: number; itemId: number; cursor: number | null; limit: number },
): Promise<VersionRecord[]> {
  return listVersions(database, page);
}

/** One version with its content. Throws NOT_FOUND. */
export async function loadVersion(
  { database }: Deps,
  version: { sessionId: number; itemId: number; id: number },
): Promise<VersionRecord & { content: string }> {
  const found = await findVersion(database, version);
  if (found === null) throw new AppError('NOT_FOUND', { detail: 'There is no such version of this file.' });
  return { ...found, content: contentText(found) };
}
