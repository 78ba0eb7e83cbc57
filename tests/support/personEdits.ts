import { createItem } from '#api/commands/items/createItem.ts';
import { deleteItem } from '#api/commands/items/deleteItem.ts';
import type { ItemDeps } from '#api/commands/items/itemDeps.ts';
import { saveItem } from '#api/commands/items/saveItem.ts';
import { updateItem } from '#api/commands/items/updateItem.ts';
import { CreateItem } from '#shared/contracts/item.ts';
import { isAppError } from '#shared/domain/errors.ts';
import { lastName, parentPath } from '#shared/domain/paths.ts';
import { sha256 } from '#platform/db/content.ts';
import { readTree } from '#platform/db/repositories/itemBatches.ts';
import { findItemWithContent } from '#platform/db/repositories/items.ts';
import { findSession, type SessionRecord } from '#platform/db/repositories/sessions.ts';
import type { Edit } from '#tests/support/mergeSimulation.ts';
import type { GroundSession } from '#tests/support/openedSession.ts';

/** What a person sent and what they were told is saved, by digest. */
export interface Told {
  sent: Set<string>;
  acknowledged: Set<string>;
}

/** Makes an edit through the api's own commands, with what the person sees (`seen`); one that they refuse is left out. */
export async function editAsPerson(
  { deps, seen }: { deps: ItemDeps; seen: ItemDeps['database'] },
  session: GroundSession,
  edit: Edit,
  told: Told,
): Promise<void> {
  try {
    await carryOutEdit({ deps, seen }, session, edit, told);
  } catch (error) {
    if (!isAppError(error) || error.status >= 500) throw error;
  }
}

async function carryOutEdit(
  { deps, seen }: { deps: ItemDeps; seen: ItemDeps['database'] },
  session: GroundSession,
  edit: Edit,
  told: Told,
): Promise<void> {
  const record = (await findSession(seen, session.ref.uuid))!;
  const rows = await readTree(seen, record.id);
  const row = rows.get(edit.path);
  const by = { session: record, userId: session.userId };
  const folderOf = (path: string): number | null => {
    const parent = parentPath(path);
    return parent === null ? null : (rows.get(parent)?.id ?? -1);
  };
  if (edit.kind === 'write' && row?.type === 'file') await save(deps, by, { ...row, content: edit.content }, told);
  else if (edit.kind === 'write' || edit.kind === 'mkdir') {
    const isFile = edit.kind === 'write';
    const file = isFile ? { content: Buffer.from(edit.content).toString('base64'), encoding: 'base64' } : {};
    const type = isFile ? 'file' : 'folder';
    const wanted = { parentId: folderOf(edit.path), name: lastName(edit.path), type, ...file };
    if (wanted.parentId === -1) return;
    if (isFile) told.sent.add(sha256(Buffer.from(edit.content)));
    const item = await createItem(deps, { ...by, wanted: CreateItem.parse(wanted) });
    if (item.sha256 !== null) told.acknowledged.add(item.sha256);
  } else if (row === undefined) return;
  else if (edit.kind === 'remove') await deleteItem(deps, { ...by, id: row.id, expectedVersion: null });
  else if (edit.kind === 'move') {
    const wanted = { parentId: folderOf(edit.to), name: lastName(edit.to) };
    if (wanted.parentId !== -1) await updateItem(deps, { ...by, id: row.id, expectedVersion: null, wanted });
  } else if (edit.kind === 'chmod') {
    await updateItem(deps, { ...by, id: row.id, expectedVersion: null, wanted: { executable: !row.executable } });
  } else if (edit.kind === 'line' && row.type === 'file') {
    const file = await findItemWithContent(seen, { sessionId: record.id, id: row.id });
    if (file?.encoding !== 'utf8') return;
    const lines = file.content.split('\n');
    lines[edit.line % lines.length] = edit.text;
    await save(deps, by, { ...row, content: lines.join('\n') }, told);
  }
}

async function save(
  deps: ItemDeps,
  by: { session: SessionRecord; userId: number },
  file: { id: number; version: number; content: string },
  told: Told,
): Promise<void> {
  const wanted = { content: Buffer.from(file.content).toString('base64'), encoding: 'base64' as const };
  told.sent.add(sha256(Buffer.from(file.content)));
  const saved = await saveItem(deps, { ...by, id: file.id, expectedVersion: file.version, wanted });
  if (saved.sha256 !== null) told.acknowledged.add(saved.sha256);
}
