import type { CreateTemplate, Template, TemplateList, UpdateTemplate } from '#shared/contracts/template.ts';
import { request } from './client.ts';

/** The templates that the person can start from. */
export async function listTemplates(): Promise<Template[]> {
  return (await request<TemplateList>('GET', '/templates')).items;
}
/** Saves the files of a session as a template. Throws TEMPLATE_LIMIT. */
export function saveTemplate(body: CreateTemplate): Promise<Template> {
  return request('POST', '/templates', { body });
}
/** Renames or publishes a template. */
export function updateTemplate(id: number, body: UpdateTemplate): Promise<Template> {
  return request('PATCH', `/templates/${id}`, { body });
}
/** Deletes a template; sessions that began with it stay. */
export function deleteTemplate(id: number): Promise<void> {
  return request('DELETE', `/templates/${id}`);
}
