import type { ApiDeps } from '#api/deps.ts';
import { mayGrantLevels, requireMaySetLevelOf } from '#api/policies/userPolicy.ts';
import { AppError } from '#shared/domain/errors.ts';
import type { Tx } from '#platform/db/database.ts';
import { appendAudit } from '#platform/db/repositories/auditLog.ts';
import {
  countGrantors,
  findUserById,
  lockGrants,
  lockUser,
  setReviewerLevel,
  type UserRecord,
} from '#platform/db/repositories/users.ts';
import { rotateWebSession } from '#platform/db/repositories/webSessions.ts';
import { digestOf, newSecret } from '#platform/security/digests.ts';

/** Who changes a level, and from where. */
export interface LevelChange {
  actorId: number;
  userId: number;
  address: string;
  requestId: string;
}

/** A person's change of their own level; `webSessionKey` gets a new id, as every change of rights demands. */
export interface OwnLevelChange {
  actorId: number;
  webSessionKey: string;
  address: string;
  requestId: string;
}

/** Promotes a person by their own wish as far as the configuration allows. Throws SELF_PROMOTION_LIMIT beyond it. */
export function promoteSelf(deps: ApiDeps, change: OwnLevelChange): Promise<{ user: UserRecord; signInId: string }> {
  const level = deps.config.SELF_PROMOTION_MAX_LEVEL;
  return changeOwnLevel(deps, change, {
    action: 'promote',
    level,
    allowed(present) {
      if (present.isBot) throw new AppError('FORBIDDEN', { detail: 'A bot has no reviewer level; it advises.' });
      if (present.reviewerLevel < level) return;
      throw new AppError('SELF_PROMOTION_LIMIT', {
        detail: `You have level ${present.reviewerLevel}; ${level} is the highest here.`,
      });
    },
  });
}

/** Gives up every reviewer level. Throws LAST_GRANTOR when nobody would be left who can grant levels. */
export function stepDown(deps: ApiDeps, change: OwnLevelChange): Promise<{ user: UserRecord; signInId: string }> {
  return changeOwnLevel(deps, change, { action: 'step-down', level: 0, allowed: () => undefined });
}

function changeOwnLevel(
  deps: ApiDeps,
  change: OwnLevelChange,
  { action, level, allowed }: { action: string; level: number; allowed(present: UserRecord): void },
): Promise<{ user: UserRecord; signInId: string }> {
  const signInId = newSecret();
  return deps.database.transaction(async (tx) => {
    await lockGrants(deps.database, tx);
    // Under the row's lock: a level that somebody grants in this moment is neither overlooked nor taken away.
    const present = await lockUser(deps.database, change.actorId, tx);
    if (!present) throw new AppError('NOT_AUTHENTICATED');
    allowed(present);
    const user = await setReviewerLevel(deps.database, { id: change.actorId, level }, tx);
    await refuseNoGrantor(deps, { before: present, after: user }, tx);
    await rotateWebSession(deps.database, { key: change.webSessionKey, idHash: digestOf(signInId) }, tx);
    await appendAudit(deps.database, { ...auditOf(change, action), outcome: 'done', details: { level } }, tx);
    return { user, signInId };
  });
}

/**
 * Sets another person's level. Grants are made one after the other, and the grantor's rights are those of this moment: of
 * two who take each other's level away, one keeps theirs. Throws NOT_FOUND for an unknown person, FORBIDDEN for a bot.
 */
export function grantLevel(deps: ApiDeps, change: LevelChange, level: number): Promise<UserRecord> {
  return deps.database.transaction(async (tx) => {
    await lockGrants(deps.database, tx);
    const actor = await findUserById(deps.database, change.actorId, tx);
    if (actor === null || actor.disabledAt !== null) throw new AppError('NOT_AUTHENTICATED');
    requireMaySetLevelOf(actor, change.userId);
    const before = await lockUser(deps.database, change.userId, tx);
    if (!before) throw new AppError('NOT_FOUND');
    if (before.isBot) throw new AppError('FORBIDDEN', { detail: 'A bot has no reviewer level; it advises.' });
    const user = await setReviewerLevel(deps.database, { id: change.userId, level }, tx);
    const details = { from: before.reviewerLevel, level };
    await appendAudit(
      deps.database,
      { ...auditOf(change, 'grant-level'), target: `user:${user.id}`, outcome: 'done', details },
      tx,
    );
    return user;
  });
}

/** Somebody must always be able to grant levels: an operator, or level 4. */
async function refuseNoGrantor(
  { database }: ApiDeps,
  { before, after }: { before: UserRecord; after: UserRecord },
  tx: Tx,
): Promise<void> {
  if (!mayGrantLevels(before) || mayGrantLevels(after) || (await countGrantors(database, tx)) > 0) return;
  throw new AppError('LAST_GRANTOR');
}

function auditOf(change: { actorId: number; address: string; requestId: string }, action: string) {
  return { actorId: change.actorId, action, target: null, address: change.address, requestId: change.requestId };
}
