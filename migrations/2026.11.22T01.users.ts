import type { MigrationParams } from 'umzug';
import type { QueryInterface } from 'sequelize';

/** People, their browser sessions and tokens, and what every process shares. */
export async function up({ context }: MigrationParams<QueryInterface>): Promise<void> {
  await context.sequelize.query(`
    CREATE TABLE installation (
      singleton boolean PRIMARY KEY DEFAULT true CHECK (singleton),
      id uuid NOT NULL DEFAULT gen_random_uuid(),
      created_at timestamptz NOT NULL DEFAULT now()
    );
    INSERT INTO installation DEFAULT VALUES;

    CREATE TABLE users (
      id serial PRIMARY KEY,
      username text NOT NULL,
      username_key text NOT NULL UNIQUE,
      email text NOT NULL,
      email_key text NOT NULL UNIQUE,
      password_hash text NOT NULL,
      is_reviewer boolean NOT NULL DEFAULT false,
      reviewer_level smallint NOT NULL DEFAULT 0 CHECK (reviewer_level BETWEEN 0 AND 4),
      is_operator boolean NOT NULL DEFAULT false,
      away_until timestamptz,
      notify_only_my_turn boolean NOT NULL DEFAULT false,
      disabled_at timestamptz,
      created_at timestamptz NOT NULL DEFAULT now(),
      updated_at timestamptz NOT NULL DEFAULT now(),
      CHECK (is_reviewer = (reviewer_level > 0))
    );

    CREATE TABLE web_sessions (
      -- id_hash is made anew when rights change; the key stays, so that sockets keep their credential.
      id_hash text PRIMARY KEY,
      key uuid NOT NULL UNIQUE DEFAULT gen_random_uuid(),
      user_id integer NOT NULL REFERENCES users ON DELETE CASCADE,
      address text NOT NULL,
      user_agent text NOT NULL,
      last_seen_at timestamptz NOT NULL DEFAULT now(),
      expires_at timestamptz NOT NULL,
      created_at timestamptz NOT NULL DEFAULT now()
    );
    CREATE INDEX web_sessions_user ON web_sessions (user_id);

    CREATE TABLE api_tokens (
      id serial PRIMARY KEY,
      user_id integer NOT NULL REFERENCES users ON DELETE CASCADE,
      name text NOT NULL,
      token_hash text NOT NULL UNIQUE,
      scopes text[] NOT NULL,
      expires_at timestamptz NOT NULL,
      last_used_at timestamptz,
      created_at timestamptz NOT NULL DEFAULT now()
    );
    CREATE INDEX api_tokens_user ON api_tokens (user_id);

    CREATE TABLE idempotency_keys (
      user_id integer NOT NULL REFERENCES users ON DELETE CASCADE,
      key text NOT NULL,
      request_hash text NOT NULL,
      status integer,
      body jsonb,
      expires_at timestamptz NOT NULL,
      created_at timestamptz NOT NULL DEFAULT now(),
      PRIMARY KEY (user_id, key)
    );

    CREATE TABLE rate_limits (
      key varchar(255) PRIMARY KEY,
      points integer NOT NULL DEFAULT 0,
      expire bigint
    );

    CREATE TABLE audit_log (
      id bigserial PRIMARY KEY,
      actor_id integer,
      action text NOT NULL,
      target text,
      outcome text NOT NULL CHECK (outcome IN ('done', 'refused')),
      address text,
      request_id text,
      details jsonb NOT NULL DEFAULT '{}',
      created_at timestamptz NOT NULL DEFAULT now()
    );
    CREATE INDEX audit_log_actor ON audit_log (actor_id, id);

    CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
      -- A cascade from a deleted parent runs inside the parent's own trigger.
      IF TG_OP = 'DELETE' AND pg_trigger_depth() > 1 THEN RETURN OLD; END IF;
      RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'integrity_constraint_violation';
    END $$;
    CREATE TRIGGER audit_log_append_only BEFORE UPDATE OR DELETE ON audit_log FOR EACH ROW EXECUTE FUNCTION refuse_change();
    CREATE TRIGGER audit_log_no_truncate BEFORE TRUNCATE ON audit_log FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

    CREATE TABLE maintenance_heartbeat (
      singleton boolean PRIMARY KEY DEFAULT true CHECK (singleton),
      installation_id uuid NOT NULL,
      token uuid NOT NULL,
      at timestamptz NOT NULL
    );
  `);
}

/** Removes everything that up made. */
export async function down({ context }: MigrationParams<QueryInterface>): Promise<void> {
  await context.sequelize.query(`
    DROP TABLE maintenance_heartbeat, audit_log, rate_limits, idempotency_keys, api_tokens, web_sessions, users, installation;
    DROP FUNCTION refuse_change();
  `);
}
