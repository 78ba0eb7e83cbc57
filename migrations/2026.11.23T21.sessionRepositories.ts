import type { MigrationParams } from 'umzug';
import type { QueryInterface } from 'sequelize';

/** The repository that a session was made from, and the run that clones it. */
export async function up({ context }: MigrationParams<QueryInterface>): Promise<void> {
  await context.sequelize.query(`
    CREATE TABLE session_repositories (
      session_id integer PRIMARY KEY REFERENCES sessions ON DELETE CASCADE,
      url text NOT NULL CHECK (length(url) BETWEEN 1 AND 2000),
      -- Null: the repository's own first branch.
      branch text CHECK (length(branch) BETWEEN 1 AND 250),
      -- Null: all of its history.
      depth integer CHECK (depth > 0),
      -- Empty: the session's root.
      folder text NOT NULL,
      -- The latest try; null once its receipt is no longer kept.
      run_id integer REFERENCES runs ON DELETE SET NULL
    );
    CREATE INDEX session_repositories_run ON session_repositories (run_id) WHERE run_id IS NOT NULL;
  `);
}

/** Removes everything that up made. */
export async function down({ context }: MigrationParams<QueryInterface>): Promise<void> {
  await context.sequelize.query(`DROP TABLE session_repositories`);
}
