import type { MigrationParams } from 'umzug';
import type { QueryInterface } from 'sequelize';

/** Accounts of programs. A bot advises: it has no reviewer level and no operator's rights, whoever writes the row. */
export async function up({ context }: MigrationParams<QueryInterface>): Promise<void> {
  await context.sequelize.query(`
    ALTER TABLE users ADD COLUMN is_bot boolean NOT NULL DEFAULT false,
      ADD CONSTRAINT users_bot_has_no_rights CHECK (NOT is_bot OR (reviewer_level = 0 AND NOT is_operator));
  `);
}

/** Removes what up made; the accounts stay. */
export async function down({ context }: MigrationParams<QueryInterface>): Promise<void> {
  await context.sequelize.query(`
    ALTER TABLE users DROP CONSTRAINT users_bot_has_no_rights, DROP COLUMN is_bot;
  `);
}
