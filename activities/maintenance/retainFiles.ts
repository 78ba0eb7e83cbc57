import { TRASH_DAYS } from '#shared/domain/limits.ts';
import { capVersions, thinVersions } from '#shared/domain/versionRetention.ts';
import { measureVersions } from '#platform/db/repositories/fileVersions.ts';
import { findTrashedSession, listExpiredTrash, purgeSession } from '#platform/db/repositories/sessionTrash.ts';
import {
  listSessionsWithVersions,
  readKeptVersions,
  removeVersions,
} from '#platform/db/repositories/versionRetention.ts';
import type { ActivityDeps } from '#activities/session/deps.ts';

type RetainDeps = Pick<ActivityDeps, 'database' | 'config' | 'log'>;

/** Versions come of age for the last time after 30 days and a day; runs may have been missed for as long. */
const LOOK_BACK_DAYS = 62;
const SESSIONS_AT_ONCE = 200;
/** A batch holds its session's row: saves wait for it. */
const VERSIONS_AT_ONCE = 500;
const PURGED_AT_ONCE = 50;

/** Thins what terminals wrote, session by session, and keeps each within its bytes. Resolves with how many versions went. */
export async function retainVersions({ database, config }: RetainDeps, now = Date.now()): Promise<number> {
  let removed = 0;
  for (let after = 0; ;) {
    const page = { days: LOOK_BACK_DAYS, after, limit: SESSIONS_AT_ONCE };
    const sessions = await listSessionsWithVersions(database, page);
    for (const sessionId of sessions) {
      const thinned = thinVersions(await readKeptVersions(database, sessionId), now);
      removed += await removeAll(database, { sessionId, ids: thinned });
      if ((await measureVersions(database, sessionId)) <= config.MAX_VERSION_BYTES) continue;
      const beyond = capVersions(await readKeptVersions(database, sessionId), config.MAX_VERSION_BYTES);
      removed += await removeAll(database, { sessionId, ids: beyond });
    }
    after = sessions.at(-1) ?? after;
    if (sessions.length < SESSIONS_AT_ONCE) return removed;
  }
}

async function removeAll(
  database: RetainDeps['database'],
  { sessionId, ids }: { sessionId: number; ids: number[] },
): Promise<number> {
  let removed = 0;
  for (let start = 0; start < ids.length; start += VERSIONS_AT_ONCE) {
    removed += await removeVersions(database, { sessionId, ids: ids.slice(start, start + VERSIONS_AT_ONCE) });
  }
  return removed;
}

/** Empties sessions that were in the trash for 30 days. Resolves with how many. */
export async function purgeTrash({ database, log }: RetainDeps): Promise<number> {
  const expired = await listExpiredTrash(database, { days: TRASH_DAYS, limit: PURGED_AT_ONCE });
  for (const uuid of expired) {
    const isReviewed = await database.transaction(async (tx) => {
      const session = await findTrashedSession(database, uuid, tx);
      // Taken out of the trash, or deleted by its owner, meanwhile.
      if (session === null || !isExpired(session.deletedAt)) return null;
      await purgeSession(database, session, tx);
      return session.isReviewed;
    });
    if (isReviewed !== null)
      log.info({ session: uuid, isReviewed }, 'a session was emptied after its time in the trash');
  }
  return expired.length;
}

function isExpired(deletedAt: Date): boolean {
  return deletedAt.getTime() < Date.now() - TRASH_DAYS * 86_400_000;
}
