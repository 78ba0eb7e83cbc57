import { saveItem } from '#api/commands/items/saveItem.ts';
import type { ItemDeps } from '#api/commands/items/itemDeps.ts';
import { listItems } from '#platform/db/repositories/items.ts';
import { findSession, type SessionRecord } from '#platform/db/repositories/sessions.ts';

/** Saves over the present version of a file, as its editor would; rejects as the api's command does. */
export async function saveInEditor(
  deps: ItemDeps,
  session: Pick<SessionRecord, 'uuid' | 'id' | 'userId'>,
  { path, content }: { path: string; content: string },
): Promise<void> {
  const item = (await listItems(deps.database, session.id)).find((one) => one.path === path);
  const present = await findSession(deps.database, session.uuid);
  if (item === undefined || present === null) throw new Error(`session ${session.uuid} has no ${path}`);
  await saveItem(deps, {
    session: present,
    userId: session.userId,
    id: item.id,
    expectedVersion: item.version,
    wanted: { content, encoding: 'utf8' },
  });
}
