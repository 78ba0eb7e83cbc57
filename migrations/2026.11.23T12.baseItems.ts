import type { MigrationParams } from 'umzug';
import type { QueryInterface } from 'sequelize';

/** Which item a path of the base stands for, so that one which was moved in the editor is known on the volume. */
export async function up({ context }: MigrationParams<QueryInterface>): Promise<void> {
  await context.sequelize.query(`
    -- No foreign key: a base outlives the row that it tells of.
    ALTER TABLE sync_base ADD COLUMN item_id integer;
    UPDATE sync_base b SET item_id = w.id FROM volumes v JOIN workspace_items w ON w.session_id = v.session_id
    WHERE v.id = b.volume_id AND w.full_path = b.path;
  `);
}

/** Removes everything that up made. */
export async function down({ context }: MigrationParams<QueryInterface>): Promise<void> {
  await context.sequelize.query('ALTER TABLE sync_base DROP COLUMN item_id');
}
