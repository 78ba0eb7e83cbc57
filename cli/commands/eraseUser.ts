import { loadConfig } from '#platform/config/config.ts';
import { createDatabase, type Database, type Tx } from '#platform/db/database.ts';
import { appendAudit } from '#platform/db/repositories/auditLog.ts';
import { eraseUser, findErasureObstacles } from '#platform/db/repositories/userErasure.ts';
import { countGrantors, findUserByKey, lockGrants, lockUser } from '#platform/db/repositories/users.ts';
import { foldName } from '#shared/domain/accountNames.ts';

/**
 * `berth admin erase-user NAME`: the account is nobody's from now on, for good. Refused, and nothing changed, while open
 * reviews wait for the person, and for the last account that can grant levels.
 */
export async function eraseAccount(log: (message: string) => void, username: string): Promise<void> {
  const database = createDatabase(loadConfig(process.env));
  try {
    const { sessions } = await database.transaction((tx) => erase(database, username, tx));
    log(`${username} is erased, with ${sessions} sessions. What reviews need of them stays, without their name.`);
  } finally {
    await database.close();
  }
}

async function erase(database: Database, username: string, tx: Tx): Promise<{ sessions: number }> {
  await lockGrants(database, tx);
  const found = await findUserByKey(database, foldName(username), tx);
  const user = found === null ? null : await lockUser(database, found.id, tx);
  if (user === null) throw new Error(`There is no account ${username}.`);
  const { submitted, held } = await findErasureObstacles(database, user.id, tx);
  if (submitted.length > 0) {
    throw new Error(`${username} has open reviews (${submitted.join(', ')}): have level 4 withdraw them first.`);
  }
  if (held.length > 0) throw new Error(`${username} holds reviews (${held.join(', ')}): have them reassigned first.`);
  const erased = await eraseUser(database, { userId: user.id, actor: 'the command line' }, tx);
  if ((await countGrantors(database, tx)) === 0) {
    throw new Error(`Without ${username} nobody could grant levels: give somebody else level 4 first.`);
  }
  const audit = { actorId: null, target: `user:${user.id}`, address: null, requestId: null, details: erased };
  await appendAudit(database, { ...audit, action: 'erase-user', outcome: 'done' }, tx);
  return erased;
}
