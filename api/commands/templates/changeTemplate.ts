import type { ApiDeps } from '#api/deps.ts';
import { AppError } from '#shared/domain/errors.ts';
import type { UpdateTemplate } from '#shared/contracts/template.ts';
import { deleteTemplateRow, updateTemplateRow, type TemplateRecord } from '#platform/db/repositories/templates.ts';

/** Renames or describes a template, shows it to everybody or takes it back. Throws NOT_FOUND when it is gone meanwhile. */
export async function changeTemplate(
  { database }: Pick<ApiDeps, 'database'>,
  { template, wanted }: { template: TemplateRecord; wanted: UpdateTemplate },
): Promise<TemplateRecord> {
  const changed = await updateTemplateRow(database, {
    id: template.id,
    name: wanted.name ?? template.name,
    description: wanted.description ?? template.description,
    isPublished: wanted.isPublished ?? template.publishedAt !== null,
  });
  if (changed === null) throw new AppError('NOT_FOUND');
  return changed;
}

/** Removes a template; sessions that began with it stay. */
export function removeTemplate({ database }: Pick<ApiDeps, 'database'>, template: TemplateRecord): Promise<void> {
  return deleteTemplateRow(database, template.id);
}
