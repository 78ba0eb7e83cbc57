import type { ApiDeps } from '#api/deps.ts';
import type { Caller } from '#api/http/route.ts';
import { requireWorkspace } from '#api/policies/runningCopyPolicy.ts';
import { loadOwnSession } from '#api/policies/sessionPolicy.ts';
import { loadVisibleTemplate } from '#api/policies/templatePolicy.ts';
import type { SessionSource } from '#shared/contracts/session.ts';
import type { SessionRecord } from '#platform/db/repositories/sessions.ts';
import type { TemplateRecord } from '#platform/db/repositories/templates.ts';

/** What a session begins with: another one, or a template. */
export type LoadedSource = { kind: 'session'; session: SessionRecord } | { kind: 'template'; template: TemplateRecord };

/** What the caller may begin a session with; null when they named nothing. Throws NOT_FOUND. */
export async function loadSessionSource(
  deps: Pick<ApiDeps, 'database'>,
  caller: Pick<Caller, 'id'>,
  source: SessionSource | undefined,
): Promise<LoadedSource | null> {
  if (source === undefined) return null;
  if ('session' in source) {
    const session = await loadOwnSession(deps, caller, source.session);
    requireWorkspace(session, 'duplicated');
    return { kind: 'session', session };
  }
  return { kind: 'template', template: await loadVisibleTemplate(deps, caller, source.template) };
}
