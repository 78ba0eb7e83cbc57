import type { MigrationParams } from 'umzug';
import type { QueryInterface } from 'sequelize';

/** Who may look at the ports of a session beside its owner, and the codes by which people enter. */
export async function up({ context }: MigrationParams<QueryInterface>): Promise<void> {
  await context.sequelize.query(`
    CREATE TABLE preview_links (
      id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
      session_id integer NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
      port integer NOT NULL CHECK (port BETWEEN 1 AND 65535),
      created_by integer REFERENCES users (id) ON DELETE SET NULL,
      created_at timestamptz NOT NULL DEFAULT now(),
      -- To the millisecond, as it is signed.
      expires_at timestamptz(3) NOT NULL,
      revoked_at timestamptz,
      uses integer NOT NULL DEFAULT 0,
      last_used_at timestamptz
    );
    CREATE INDEX preview_links_session ON preview_links (session_id, created_at);

    -- A row is what has not been used: entering takes it away.
    CREATE TABLE preview_codes (
      code_hash text PRIMARY KEY,
      session_id integer NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
      port integer NOT NULL,
      user_id integer NOT NULL REFERENCES users (id) ON DELETE CASCADE,
      credential_id text NOT NULL,
      expires_at timestamptz NOT NULL
    );
    CREATE INDEX preview_codes_session ON preview_codes (session_id);
    CREATE INDEX preview_codes_expiry ON preview_codes (expires_at);
  `);
}

/** Removes everything that up made. */
export async function down({ context }: MigrationParams<QueryInterface>): Promise<void> {
  await context.sequelize.query('DROP TABLE preview_codes; DROP TABLE preview_links;');
}
