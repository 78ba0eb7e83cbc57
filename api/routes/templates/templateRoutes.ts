import { z } from 'zod';
import { changeTemplate, removeTemplate } from '#api/commands/templates/changeTemplate.ts';
import { saveTemplate } from '#api/commands/templates/saveTemplate.ts';
import { defineRoute, type Route } from '#api/http/route.ts';
import { requireWorkspace } from '#api/policies/runningCopyPolicy.ts';
import { loadOwnSession } from '#api/policies/sessionPolicy.ts';
import { loadOwnTemplate, requireMayPublish } from '#api/policies/templatePolicy.ts';
import { presentTemplate } from '#api/presenters/templatePresenter.ts';
import { listTemplates } from '#platform/db/repositories/templates.ts';
import { CreateTemplate, Template, TemplateList, UpdateTemplate } from '#shared/contracts/template.ts';

const area = { tag: 'templates', auth: 'required', scope: 'sessions' } as const;

const TemplateParams = z.strictObject({ templateId: z.coerce.number().int().positive().max(2_147_483_647) });

/** What sessions can begin with. */
export const templateRoutes: Route[] = [
  defineRoute({
    ...area,
    method: 'get',
    path: '/templates',
    summary: 'Your templates and those that are published',
    responses: { 200: TemplateList },
    async handler({ deps, caller }) {
      const templates = await listTemplates(deps.database, caller.id);
      return { status: 200, body: { items: templates.map((template) => presentTemplate(template, caller.id)) } };
    },
  }),
  defineRoute({
    ...area,
    method: 'post',
    path: '/templates',
    summary: 'Save the files of a session as a template',
    limit: 'expensive',
    body: CreateTemplate,
    responses: { 201: Template },
    async handler({ deps, caller, body }) {
      const session = await loadOwnSession(deps, caller, body.session);
      requireWorkspace(session, 'saved as a template');
      const template = await saveTemplate(deps, { session, userId: caller.id, wanted: body });
      return { status: 201, body: presentTemplate(template, caller.id) };
    },
  }),
  defineRoute({
    ...area,
    method: 'patch',
    path: '/templates/{templateId}',
    summary: 'Rename or describe a template of yours; an operator can publish one',
    params: TemplateParams,
    body: UpdateTemplate,
    responses: { 200: Template },
    async handler({ deps, caller, params, body }) {
      const template = await loadOwnTemplate(deps, caller, params.templateId);
      requireMayPublish(caller, body.isPublished);
      const changed = await changeTemplate(deps, { template, wanted: body });
      return { status: 200, body: presentTemplate(changed, caller.id) };
    },
  }),
  defineRoute({
    ...area,
    method: 'delete',
    path: '/templates/{templateId}',
    summary: 'Delete a template of yours; sessions that began with it stay',
    params: TemplateParams,
    responses: { 204: null },
    async handler({ deps, caller, params }) {
      await removeTemplate(deps, await loadOwnTemplate(deps, caller, params.templateId));
      return { status: 204 };
    },
  }),
];
