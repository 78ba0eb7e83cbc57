import type { MigrationParams } from 'umzug';
import type { QueryInterface } from 'sequelize';

/** Commands that were run in a session, with their receipts. */
export async function up({ context }: MigrationParams<QueryInterface>): Promise<void> {
  await context.sequelize.query(`
    CREATE TABLE runs (
      id serial PRIMARY KEY,
      session_id integer NOT NULL REFERENCES sessions ON DELETE CASCADE,
      requested_by integer REFERENCES users ON DELETE SET NULL,
      command jsonb NOT NULL,
      -- Standard input and values of the environment, which may be secrets: gone with the end.
      input jsonb,
      time_limit_seconds integer NOT NULL CHECK (time_limit_seconds > 0),
      output_limit_bytes integer NOT NULL CHECK (output_limit_bytes > 0),
      status text NOT NULL DEFAULT 'queued' CHECK (status IN
        ('queued', 'starting', 'running', 'succeeded', 'failed', 'cancelled', 'timed_out', 'lost')),
      reason text,
      cancel_requested_at timestamptz,
      -- Where it was started: at most once, in one life of one agent.
      generation integer,
      boot_id text,
      manifest_sha256 text CHECK (manifest_sha256 ~ '^[0-9a-f]{64}$'),
      exit_code integer,
      signal text,
      stdout bytea,
      stderr bytea,
      stdout_bytes bigint NOT NULL DEFAULT 0,
      stderr_bytes bigint NOT NULL DEFAULT 0,
      limits_hit text[] NOT NULL DEFAULT '{}' CHECK (limits_hit <@ ARRAY['time', 'output']),
      started_at timestamptz,
      ended_at timestamptz,
      duration_ms bigint,
      created_at timestamptz NOT NULL DEFAULT now(),
      updated_at timestamptz NOT NULL DEFAULT now(),
      CHECK ((ended_at IS NULL) = (status IN ('queued', 'starting', 'running'))),
      CHECK ((ended_at IS NULL) = (input IS NOT NULL)),
      CHECK ((boot_id IS NULL) = (started_at IS NULL)),
      CHECK (status <> 'running' OR boot_id IS NOT NULL)
    );
    CREATE INDEX runs_session ON runs (session_id, id);
    CREATE INDEX runs_live ON runs (session_id) WHERE ended_at IS NULL;
    -- A receipt is of bytes that are what they are: compressing them again and again costs more than it saves.
    ALTER TABLE runs ALTER COLUMN stdout SET STORAGE EXTERNAL, ALTER COLUMN stderr SET STORAGE EXTERNAL;

    -- What has ended stays as it is.
    CREATE FUNCTION runs_forward() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
      IF OLD.ended_at IS NOT NULL AND NEW.status <> OLD.status THEN
        RAISE EXCEPTION 'run % has ended', OLD.id USING ERRCODE = 'check_violation';
      END IF;
      RETURN NEW;
    END $$;
    CREATE TRIGGER runs_forward BEFORE UPDATE OF status ON runs FOR EACH ROW EXECUTE FUNCTION runs_forward();

    ALTER TABLE intents DROP CONSTRAINT intents_subject_check, DROP CONSTRAINT intents_kind_check;
    ALTER TABLE intents
      ADD CONSTRAINT intents_subject_check CHECK (subject IN ('session', 'review', 'run')),
      ADD CONSTRAINT intents_kind_check CHECK (kind IN ('open', 'close', 'start_review', 'start_run', 'cancel_run'));
  `);
}

/** Removes everything that up made; runs that are not over go on in their sessions, unknown to anybody. */
export async function down({ context }: MigrationParams<QueryInterface>): Promise<void> {
  await context.sequelize.query(`
    DELETE FROM intents WHERE subject = 'run';
    ALTER TABLE intents DROP CONSTRAINT intents_subject_check, DROP CONSTRAINT intents_kind_check;
    ALTER TABLE intents
      ADD CONSTRAINT intents_subject_check CHECK (subject IN ('session', 'review')),
      ADD CONSTRAINT intents_kind_check CHECK (kind IN ('open', 'close', 'start_review'));
    DROP TABLE runs;
    DROP FUNCTION runs_forward();
  `);
}
