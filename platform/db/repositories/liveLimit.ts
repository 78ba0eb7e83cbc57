import type { Transaction } from 'sequelize';
import type { Config } from '#platform/config/config.ts';
import type { Database } from '#platform/db/database.ts';
import { AppError } from '#shared/domain/errors.ts';
import { listLiveSessions } from '#platform/db/repositories/sessions.ts';
import { lockUser } from '#platform/db/repositories/users.ts';

/**
 * Throws SESSION_LIMIT, naming what to close, when the person may not have one more open session. Holds the person's row
 * until the transaction ends, so that two opens at once cannot both be the last one.
 */
export async function requireRoomForLiveSession(
  deps: { database: Database; config: Pick<Config, 'SESSION_LIVE_LIMIT'> },
  { userId, exceptUuid }: { userId: number; exceptUuid: string | null },
  tx: Transaction,
): Promise<void> {
  await lockUser(deps.database, userId, tx);
  const live = (await listLiveSessions(deps.database, userId, tx)).filter((session) => session.uuid !== exceptUuid);
  const limit = deps.config.SESSION_LIVE_LIMIT;
  if (live.length < limit) return;
  const names = live.map((session) => `"${session.name}"`).join(', ');
  throw new AppError('SESSION_LIMIT', {
    detail: `You have ${live.length} open sessions and may have ${limit}: ${names}.`,
    data: { limit, sessions: live.map(({ uuid, name }) => ({ uuid, name })) },
  });
}
