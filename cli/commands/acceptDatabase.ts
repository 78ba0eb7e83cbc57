import { loadConfig } from '#platform/config/config.ts';
import { createDatabase } from '#platform/db/database.ts';
import { acceptDatabase, findInstallationId } from '#platform/db/repositories/installation.ts';

/**
 * `berth admin accept-database`: an operator vouches that DATABASE_URL is the database that the pods and volumes belong
 * to, after it was restored or emptied. The next maintenance run removes orphans again.
 */
export async function acceptOwnDatabase(log: (message: string) => void): Promise<void> {
  const database = createDatabase(loadConfig(process.env));
  try {
    const installation = await findInstallationId(database);
    await acceptDatabase(database);
    log(
      `Accepted the database of installation ${installation}. Maintenance goes on with its next run, within 5 minutes.`,
    );
  } finally {
    await database.close();
  }
}
