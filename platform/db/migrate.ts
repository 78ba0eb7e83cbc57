import { fileURLToPath } from 'node:url';
import { SequelizeStorage, Umzug } from 'umzug';
import type { QueryInterface } from 'sequelize';
import type { Database } from '#platform/db/database.ts';

// Any number that nothing else of Berth locks.
const MIGRATION_LOCK = 7_264_001;

function createUmzug(database: Database): Umzug<QueryInterface> {
  return new Umzug({
    migrations: { glob: ['*.ts', { cwd: fileURLToPath(new URL('../../migrations', import.meta.url)) }] },
    context: database.sequelize.getQueryInterface(),
    storage: new SequelizeStorage({ sequelize: database.sequelize, tableName: 'migrations' }),
    logger: undefined,
  });
}

/** Brings the schema up to date and resolves with the names of what was run. Processes that start together wait for one another. */
export async function migrate(database: Database): Promise<string[]> {
  return database.transaction(async (tx) => {
    await database.query('SELECT pg_advisory_xact_lock($1)', [MIGRATION_LOCK], tx);
    const done = await createUmzug(database).up();
    return done.map((migration) => migration.name);
  });
}

/** Names of the migrations that have not run yet; readiness is an empty list. */
export async function pendingMigrations(database: Database): Promise<string[]> {
  const pending = await createUmzug(database).pending();
  return pending.map((migration) => migration.name);
}
