import type { MigrationParams } from 'umzug';
import type { QueryInterface } from 'sequelize';

/** Whether a request under a key has changed anything: set in the transaction that did. */
export async function up({ context }: MigrationParams<QueryInterface>): Promise<void> {
  await context.sequelize.query(`ALTER TABLE idempotency_keys ADD COLUMN committed_at timestamptz`);
}

/** Removes everything that up made. */
export async function down({ context }: MigrationParams<QueryInterface>): Promise<void> {
  await context.sequelize.query(`ALTER TABLE idempotency_keys DROP COLUMN committed_at`);
}
