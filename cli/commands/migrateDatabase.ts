import { loadConfig } from '#platform/config/config.ts';
import { createDatabase } from '#platform/db/database.ts';
import { migrate } from '#platform/db/migrate.ts';

/** `berth migrate`: brings the database in DATABASE_URL up to date and names what was run. */
export async function migrateDatabase(log: (message: string) => void): Promise<void> {
  const database = createDatabase(loadConfig(process.env));
  try {
    const names = await migrate(database);
    log(names.length === 0 ? 'The database is up to date.' : `Migrated: ${names.join(', ')}`);
  } finally {
    await database.close();
  }
}
