import type { Template } from '#shared/contracts/template.ts';
import type { TemplateRecord } from '#platform/db/repositories/templates.ts';

/** A template as that caller sees it. */
export function presentTemplate(template: TemplateRecord, callerId: number): Template {
  return {
    id: template.id,
    name: template.name,
    description: template.description,
    language: template.language,
    items: template.items,
    bytes: template.bytes,
    isPublished: template.publishedAt !== null,
    isOwn: template.userId === callerId,
    owner: template.owner,
    createdAt: template.createdAt.toISOString(),
    updatedAt: template.updatedAt.toISOString(),
  };
}
