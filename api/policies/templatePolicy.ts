import type { ApiDeps } from '#api/deps.ts';
import type { Caller } from '#api/http/route.ts';
import { requireOperator } from '#api/policies/operatorPolicy.ts';
import { AppError } from '#shared/domain/errors.ts';
import { findTemplate, type TemplateRecord } from '#platform/db/repositories/templates.ts';

type Deps = Pick<ApiDeps, 'database'>;

/** A template that the caller may start from: their own, or a published one. Throws NOT_FOUND for every other. */
export async function loadVisibleTemplate(deps: Deps, caller: Pick<Caller, 'id'>, id: number): Promise<TemplateRecord> {
  const template = await findTemplate(deps.database, id);
  if (template !== null && (template.userId === caller.id || template.publishedAt !== null)) return template;
  throw new AppError('NOT_FOUND', { detail: 'There is no such template.' });
}

/** The caller's own template, which they may change. Throws NOT_FOUND for every other. */
export async function loadOwnTemplate(deps: Deps, caller: Pick<Caller, 'id'>, id: number): Promise<TemplateRecord> {
  const template = await findTemplate(deps.database, id);
  if (template?.userId === caller.id) return template;
  throw new AppError('NOT_FOUND', { detail: 'You have no such template.' });
}

/** Throws FORBIDDEN unless the caller may show a template of theirs to everybody. Taking it back is anybody's own. */
export function requireMayPublish(caller: Pick<Caller, 'isOperator'>, isPublished: boolean | undefined): void {
  if (isPublished === true) requireOperator(caller);
}
