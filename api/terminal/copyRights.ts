import type { ApiDeps } from '#api/deps.ts';
import { requireUsableCopy } from '#api/policies/runningCopyPolicy.ts';
import { isAppError } from '#shared/domain/errors.ts';
import { findSession, type SessionRecord } from '#platform/db/repositories/sessions.ts';

/** The right to a copy must be felt to end within 5 s on every replica; two looks fit into that even when one is slow. */
const LOOK_EVERY_MS = 2_000;

/**
 * Looks again and again whether the owner of a throw-away copy may still use it, and calls `lost` once when not: what was opened
 * of it must end by itself, whatever becomes of its pod. Returns the way to stop. A workspace needs none of it.
 */
export function watchCopyRights(
  deps: Pick<ApiDeps, 'database' | 'log'>,
  { kind, uuid }: SessionRecord,
  lost: () => void,
): () => void {
  if (kind === 'workspace') return () => undefined;
  let looking = false;

  async function look(): Promise<void> {
    const present = await findSession(deps.database, uuid);
    if (present === null) return end();
    await requireUsableCopy(deps, present).catch((error: unknown) => {
      if (!isAppError(error, 'RUNNING_COPY_OVER')) throw error;
      end();
    });
  }

  function end(): void {
    clearInterval(timer);
    lost();
  }

  const timer = setInterval(() => {
    if (looking) return;
    looking = true;
    look()
      .catch((error: unknown) => deps.log.warn({ err: error, session: uuid }, 'the right to a copy was not looked at'))
      .finally(() => (looking = false));
  }, LOOK_EVERY_MS).unref();
  return () => clearInterval(timer);
}
