import { loadConfig } from '#platform/config/config.ts';
import { createDatabase } from '#platform/db/database.ts';
import { appendAudit } from '#platform/db/repositories/auditLog.ts';
import { setBot } from '#platform/db/repositories/users.ts';
import { foldName } from '#shared/domain/accountNames.ts';

type Log = (message: string) => void;

/** `berth admin make-bot NAME`: the account is a program's from now on, and loses its reviewer level. */
export function makeBot(log: Log, username: string): Promise<void> {
  return change({ username, isBot: true }, () => log(`${username} is a bot: it has no reviewer level and advises.`));
}

/** `berth admin make-person NAME`: undoes it. The reviewer level does not come back. */
export function makePerson(log: Log, username: string): Promise<void> {
  return change({ username, isBot: false }, () => log(`${username} is a person, without a reviewer level.`));
}

async function change({ username, isBot }: { username: string; isBot: boolean }, done: () => void): Promise<void> {
  const database = createDatabase(loadConfig(process.env));
  try {
    const changed = await database.transaction(async (tx) => {
      const found = await setBot(database, { usernameKey: foldName(username), isBot }, tx);
      const audit = { actorId: null, target: `user:${username}`, address: null, requestId: null, details: {} };
      if (found) {
        await appendAudit(database, { ...audit, action: isBot ? 'make-bot' : 'make-person', outcome: 'done' }, tx);
      }
      return found;
    });
    if (!changed) throw new Error(`There is no account ${username}, or it is an operator's.`);
    done();
  } finally {
    await database.close();
  }
}
