import type { MigrationParams } from 'umzug';
import type { QueryInterface } from 'sequelize';

/** What the control plane has sent to a volume and not yet recorded in its base. */
export async function up({ context }: MigrationParams<QueryInterface>): Promise<void> {
  await context.sequelize.query(`
    CREATE TABLE sent_changes (
      id bigserial PRIMARY KEY,
      volume_id integer NOT NULL REFERENCES volumes ON DELETE CASCADE,
      path text NOT NULL,
      -- NULL: the path was removed.
      type text CHECK (type IN ('file', 'folder', 'symlink')),
      sha256 text,
      executable boolean NOT NULL DEFAULT false,
      created_at timestamptz NOT NULL DEFAULT now()
    );
    CREATE INDEX sent_changes_path ON sent_changes (volume_id, path_digest(path));
  `);
}

/** Removes everything that up made. */
export async function down({ context }: MigrationParams<QueryInterface>): Promise<void> {
  await context.sequelize.query('DROP TABLE sent_changes');
}
