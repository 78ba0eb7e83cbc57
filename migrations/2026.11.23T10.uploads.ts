import type { MigrationParams } from 'umzug';
import type { QueryInterface } from 'sequelize';

/** Files and archives on their way into a session, with the bytes that have come so far. */
export async function up({ context }: MigrationParams<QueryInterface>): Promise<void> {
  await context.sequelize.query(`
    CREATE TABLE uploads (
      id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
      session_id integer NOT NULL REFERENCES sessions ON DELETE CASCADE,
      user_id integer NOT NULL REFERENCES users ON DELETE CASCADE,
      purpose text NOT NULL CHECK (purpose IN ('file', 'archive')),
      path text NOT NULL,
      size bigint NOT NULL CHECK (size >= 0),
      sha256 text CHECK (sha256 ~ '^[0-9a-f]{64}$'),
      executable boolean,
      conflict text NOT NULL CHECK (conflict IN ('fail', 'replace', 'keep-both')),
      expected_version integer,
      received bigint NOT NULL DEFAULT 0 CHECK (received BETWEEN 0 AND size),
      -- What it became; a plain number, for the item may be deleted while the answer is still asked for.
      item_id integer,
      completed_at timestamptz,
      created_at timestamptz NOT NULL DEFAULT now(),
      updated_at timestamptz NOT NULL DEFAULT now()
    );
    CREATE INDEX uploads_session ON uploads (session_id);
    CREATE INDEX uploads_updated ON uploads (updated_at);

    CREATE TABLE upload_chunks (
      upload_id uuid NOT NULL REFERENCES uploads ON DELETE CASCADE,
      start bigint NOT NULL,
      bytes bytea NOT NULL CHECK (octet_length(bytes) BETWEEN 1 AND 1048576),
      created_at timestamptz NOT NULL DEFAULT now(),
      PRIMARY KEY (upload_id, start)
    );
    -- What comes over the wire is often packed already: trying to pack it again only takes time.
    ALTER TABLE upload_chunks ALTER COLUMN bytes SET STORAGE EXTERNAL;
  `);
}

/** Removes everything that up made. */
export async function down({ context }: MigrationParams<QueryInterface>): Promise<void> {
  await context.sequelize.query(`DROP TABLE upload_chunks; DROP TABLE uploads;`);
}
