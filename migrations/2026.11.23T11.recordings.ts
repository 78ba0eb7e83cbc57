import type { MigrationParams } from 'umzug';
import type { QueryInterface } from 'sequelize';

/** Recordings of terminals. */
export async function up({ context }: MigrationParams<QueryInterface>): Promise<void> {
  await context.sequelize.query(`
    -- One that has not ended is written by the session's agent, on the session's volume; its content comes with its end.
    CREATE TABLE recordings (
      id uuid PRIMARY KEY,
      session_id integer NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
      started_by integer REFERENCES users (id) ON DELETE SET NULL,
      terminal_id text NOT NULL,
      terminal_name text NOT NULL,
      with_input boolean NOT NULL,
      started_at timestamptz NOT NULL DEFAULT now(),
      ended_at timestamptz,
      end_reason text CHECK (end_reason IN
        ('stopped', 'terminal-ended', 'session-closed', 'size-limit', 'time-limit', 'write-failed', 'restarted', 'lost')),
      seconds double precision,
      content bytea,
      CHECK ((ended_at IS NULL) = (end_reason IS NULL)),
      CHECK ((content IS NULL) = (end_reason IS NULL OR end_reason = 'lost')),
      CHECK ((content IS NULL) = (seconds IS NULL))
    );
    CREATE INDEX recordings_session ON recordings (session_id, started_at);
    CREATE UNIQUE INDEX recordings_under_way ON recordings (session_id, terminal_id) WHERE ended_at IS NULL;
  `);
}

/** Removes everything that up made. */
export async function down({ context }: MigrationParams<QueryInterface>): Promise<void> {
  await context.sequelize.query('DROP TABLE recordings;');
}
