import type { ApiDeps } from '#api/deps.ts';
import { AppError } from '#shared/domain/errors.ts';
import { MAX_TEMPLATES } from '#shared/domain/limits.ts';
import type { CreateTemplate } from '#shared/contracts/template.ts';
import { measureTree } from '#platform/db/repositories/items.ts';
import { lockSession, type SessionRecord } from '#platform/db/repositories/sessions.ts';
import { keepBlobs } from '#platform/db/repositories/snapshots.ts';
import { insertTemplate, measureTemplates, type TemplateRecord } from '#platform/db/repositories/templates.ts';
import { lockUser } from '#platform/db/repositories/users.ts';

/**
 * Saves what is saved of a session as a template that never changes. Its history, its repositories and what is on its volume
 * alone are not in it. Throws NOT_FOUND, and TEMPLATE_LIMIT for one too many, or for too many bytes in all of them.
 */
export function saveTemplate(
  { database, config }: Pick<ApiDeps, 'database' | 'config'>,
  { session, userId, wanted }: { session: SessionRecord; userId: number; wanted: CreateTemplate },
): Promise<TemplateRecord> {
  return database.transaction(async (tx) => {
    await lockUser(database, userId, tx);
    const locked = await lockSession(database, session.uuid, tx);
    if (locked === null) throw new AppError('NOT_FOUND');
    const present = await measureTemplates(database, userId, tx);
    const { bytes } = await measureTree(database, locked.id, tx);
    const limit = { count: MAX_TEMPLATES, bytes: config.MAX_SESSION_BYTES };
    if (present.count >= limit.count || present.bytes + bytes > limit.bytes) {
      throw new AppError('TEMPLATE_LIMIT', {
        detail: `You have ${present.count} templates with ${present.bytes} bytes, and this one has ${bytes}. You may have ${limit.count} with ${limit.bytes} together.`,
        data: { limit: limit.count, byteLimit: limit.bytes },
      });
    }
    await keepBlobs(database, locked.id, tx);
    const { name, description } = wanted;
    const { id: sessionId, language } = locked;
    return insertTemplate(database, { userId, name, description, language, sessionId }, tx);
  });
}
