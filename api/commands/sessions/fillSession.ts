import type { ApiDeps } from '#api/deps.ts';
import type { LoadedSource } from '#api/policies/sessionSource.ts';
import { AppError } from '#shared/domain/errors.ts';
import type { CreateSession } from '#shared/contracts/session.ts';
import type { Tx } from '#platform/db/database.ts';
import { copyGitTo } from '#platform/db/repositories/gitCopies.ts';
import { createStarterItems, listItems } from '#platform/db/repositories/items.ts';
import { lockSession, type SessionLineage, type SessionRecord } from '#platform/db/repositories/sessions.ts';
import { keepBlobs } from '#platform/db/repositories/snapshots.ts';
import { findTemplate, listTemplateItems } from '#platform/db/repositories/templates.ts';
import { fillTree, type CopiedItem } from '#platform/db/repositories/treeCopies.ts';

/** The most characters of a session's name. */
const MAX_NAME = 200;
const COPY_MARK = ' (copy)';

/** Name, language and lineage of a session that is made. */
export function describeNewSession(
  wanted: CreateSession,
  source: LoadedSource | null,
): { name: string; language: string; lineage: SessionLineage } {
  const none: SessionLineage = { copiedFromId: null, templateId: null };
  if (source === null) {
    return { name: wanted.name ?? '', language: wanted.language ?? 'python', lineage: none };
  }
  if (source.kind === 'session') {
    const { id, name, language } = source.session;
    const lineage = { ...none, copiedFromId: id };
    return { name: wanted.name ?? copyName(name), language: wanted.language ?? language, lineage };
  }
  const { id, name, language } = source.template;
  return {
    name: wanted.name ?? name,
    language: wanted.language ?? language,
    lineage: { ...none, templateId: id },
  };
}

function copyName(name: string): string {
  return `${Array.from(name)
    .slice(0, MAX_NAME - COPY_MARK.length)
    .join('')}${COPY_MARK}`;
}

/**
 * Gives a new session its files: what is saved of another one with its repositories, a template's, or its language's starter
 * files. Throws NOT_FOUND when the source is gone meanwhile, SESSION_TOO_LARGE when it is beyond today's limits.
 */
export async function fillSession(
  { database, config }: Pick<ApiDeps, 'database' | 'config'>,
  { session, source }: { session: SessionRecord; source: LoadedSource | null },
  tx: Tx,
): Promise<void> {
  if (source === null) return createStarterItems(database, session, session.language, tx);
  const fill = (items: CopiedItem[]): Promise<void> =>
    fillTree(
      database,
      {
        sessionId: session.id,
        userId: session.userId,
        items,
        maxItems: config.MAX_SESSION_ITEMS,
        maxBytes: config.MAX_SESSION_BYTES,
      },
      tx,
    );
  if (source.kind === 'template') {
    const { id } = source.template;
    if ((await findTemplate(database, id, tx)) === null) throw new AppError('NOT_FOUND');
    return fill(await listTemplateItems(database, id, tx));
  }
  const locked = await lockSession(database, source.session.uuid, tx);
  if (locked === null) throw new AppError('NOT_FOUND');
  await keepBlobs(database, locked.id, tx);
  await fill(await listItems(database, locked.id, tx));
  await copyGitTo(database, { fromSessionId: locked.id, toSessionId: session.id }, tx);
}
