import type { MigrationParams } from 'umzug';
import type { QueryInterface } from 'sequelize';

/** Templates, and what a session was made from. */
export async function up({ context }: MigrationParams<QueryInterface>): Promise<void> {
  await context.sequelize.query(`
    CREATE TABLE templates (
      id serial PRIMARY KEY,
      user_id integer NOT NULL REFERENCES users ON DELETE CASCADE,
      name text NOT NULL CHECK (length(name) BETWEEN 1 AND 200),
      description text NOT NULL DEFAULT '' CHECK (length(description) <= 2000),
      language text NOT NULL,
      items integer NOT NULL,
      bytes bigint NOT NULL,
      -- Everybody sees it.
      published_at timestamptz,
      created_at timestamptz NOT NULL DEFAULT now(),
      updated_at timestamptz NOT NULL DEFAULT now()
    );
    CREATE INDEX templates_user ON templates (user_id);
    CREATE INDEX templates_published ON templates (published_at) WHERE published_at IS NOT NULL;

    CREATE TABLE template_items (
      template_id integer NOT NULL REFERENCES templates ON DELETE CASCADE,
      path text NOT NULL,
      type text NOT NULL CHECK (type IN ('file', 'folder')),
      encoding text NOT NULL CHECK (encoding IN ('utf8', 'base64', 'symlink')),
      executable boolean NOT NULL,
      sha256 text REFERENCES blobs,
      size bigint NOT NULL,
      CHECK ((type = 'folder') = (sha256 IS NULL))
    );
    CREATE INDEX template_items_template ON template_items (template_id);
    CREATE INDEX template_items_blob ON template_items (sha256);

    ALTER TABLE sessions ADD COLUMN copied_from_id integer REFERENCES sessions ON DELETE SET NULL;
    ALTER TABLE sessions ADD COLUMN template_id integer REFERENCES templates ON DELETE SET NULL;
    CREATE INDEX sessions_copied_from ON sessions (copied_from_id) WHERE copied_from_id IS NOT NULL;
    CREATE INDEX sessions_template ON sessions (template_id) WHERE template_id IS NOT NULL;
  `);
}

/** Removes everything that up made. */
export async function down({ context }: MigrationParams<QueryInterface>): Promise<void> {
  await context.sequelize.query(`
    ALTER TABLE sessions DROP COLUMN copied_from_id, DROP COLUMN template_id;
    DROP TABLE template_items, templates;
  `);
}
