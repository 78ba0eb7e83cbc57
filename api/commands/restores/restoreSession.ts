import type { ItemDeps } from '#api/commands/items/itemDeps.ts';
import { lockTree } from '#api/commands/items/itemChecks.ts';
import { applyRestore, prepareRestore } from '#api/commands/restores/applyRestore.ts';
import type { RestoreSession } from '#shared/contracts/restore.ts';
import { AppError } from '#shared/domain/errors.ts';
import { isBelow } from '#shared/domain/paths.ts';
import { describeRestore, type RestoreChange } from '#shared/domain/restorePlan.ts';
import { readHistorySince, readTreeAt } from '#platform/db/repositories/itemPeriods.ts';
import { touchActivity } from '#platform/db/repositories/sessionActivity.ts';
import type { SessionRecord } from '#platform/db/repositories/sessions.ts';

/** What a restore did, or would do. */
export interface Restored {
  changes: RestoreChange[];
  lost: string[];
}

/**
 * Makes a session, or what is at one path of it, what it was at a moment; a dry run only tells what would change. What goes
 * is in the trash, what is written over stays a version, so the restore can itself be undone. Throws NO_HISTORY_YET,
 * NOT_FOUND when there neither is nor was anything at the path, NAME_TAKEN, SESSION_TOO_LARGE.
 */
export async function restoreSession(
  deps: ItemDeps,
  { session, userId, wanted }: { session: SessionRecord; userId: number; wanted: RestoreSession },
): Promise<Restored> {
  const { database } = deps;
  const { path, at } = wanted;
  const isInside = (other: string): boolean => path === null || other === path || isBelow(other, path);
  const restored = await database.transaction(async (tx) => {
    const locked = await lockTree(database, session, tx);
    requireKnown(at, await readHistorySince(database, locked.id, tx));
    const whole = await readTreeAt(database, { sessionId: locked.id, at }, tx);
    const past = new Map([...whole].filter(([other]) => isInside(other)));
    const restore = { sessionId: locked.id, userId, past, isInside };
    const planned = await prepareRestore(deps, restore, tx);
    if (path !== null && past.size === 0 && ![...planned.present.keys()].some(isInside)) {
      throw new AppError('NOT_FOUND', { detail: `There is nothing at ${path}, neither now nor then.` });
    }
    if (!wanted.dryRun) await applyRestore(deps, { restore, planned }, tx);
    return { changes: describeRestore(planned.plan, planned.present), lost: planned.plan.lost };
  });
  if (!wanted.dryRun) await touchActivity(database, session.uuid);
  return restored;
}

function requireKnown(at: string, since: Date | null): void {
  const moment = Date.parse(at);
  if (since !== null && moment < since.getTime()) {
    throw new AppError('NO_HISTORY_YET', {
      detail: `The history of this session begins at ${since.toISOString()}.`,
      errors: [{ path: 'at', message: 'is before the history begins' }],
      data: { since: since.toISOString() },
    });
  }
  if (moment <= Date.now()) return;
  throw new AppError('NO_HISTORY_YET', {
    detail: `The moment ${at} is yet to come.`,
    errors: [{ path: 'at', message: 'is in the future' }],
  });
}
