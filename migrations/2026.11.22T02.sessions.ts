import type { MigrationParams } from 'umzug';
import type { QueryInterface } from 'sequelize';

/** Sessions, their files, volumes and versions, and the outbox and events that tell about them. */
export async function up({ context }: MigrationParams<QueryInterface>): Promise<void> {
  await context.sequelize.query(`
    CREATE TABLE sessions (
      id serial PRIMARY KEY,
      uuid uuid NOT NULL UNIQUE DEFAULT gen_random_uuid(),
      user_id integer NOT NULL REFERENCES users ON DELETE CASCADE,
      name text NOT NULL CHECK (length(name) BETWEEN 1 AND 200),
      code text,
      language text NOT NULL DEFAULT 'python',
      kind text NOT NULL DEFAULT 'workspace' CHECK (kind IN ('workspace', 'review_run')),
      template text,
      source_snapshot_id integer,
      phase text NOT NULL DEFAULT 'closed' CHECK (phase IN
        ('requested', 'provisioning', 'loading', 'running', 'recovering', 'saving', 'closing', 'closed', 'failed')),
      phase_reason text,
      is_active boolean NOT NULL GENERATED ALWAYS AS (phase NOT IN ('closed', 'failed')) STORED,
      generation integer NOT NULL DEFAULT 0,
      sync_epoch integer NOT NULL DEFAULT 0,
      change_seq bigint NOT NULL DEFAULT 0,
      last_activity_at timestamptz NOT NULL DEFAULT now(),
      expires_at timestamptz,
      deleted_at timestamptz,
      created_at timestamptz NOT NULL DEFAULT now(),
      updated_at timestamptz NOT NULL DEFAULT now()
    );
    CREATE INDEX sessions_user ON sessions (user_id) WHERE deleted_at IS NULL;
    CREATE INDEX sessions_active ON sessions (phase) WHERE is_active;

    CREATE TABLE workspace_items (
      id serial PRIMARY KEY,
      session_id integer NOT NULL REFERENCES sessions ON DELETE CASCADE,
      session_uuid uuid NOT NULL,
      parent_id integer REFERENCES workspace_items ON DELETE CASCADE,
      name text NOT NULL CHECK (octet_length(name) BETWEEN 1 AND 255 AND name NOT IN ('.', '..') AND position('/' in name) = 0),
      type text NOT NULL CHECK (type IN ('file', 'folder')),
      content text,
      encoding text NOT NULL DEFAULT 'utf8' CHECK (encoding IN ('utf8', 'base64', 'symlink')),
      full_path text NOT NULL,
      version integer NOT NULL DEFAULT 1,
      sha256 text CHECK (sha256 ~ '^[0-9a-f]{64}$'),
      size bigint NOT NULL DEFAULT 0,
      executable boolean NOT NULL DEFAULT false,
      updated_by integer REFERENCES users,
      created_at timestamptz NOT NULL DEFAULT now(),
      updated_at timestamptz NOT NULL DEFAULT now(),
      CHECK ((type = 'folder') = (content IS NULL)),
      CHECK ((type = 'folder') = (sha256 IS NULL)),
      UNIQUE NULLS NOT DISTINCT (session_id, parent_id, name)
    );
    CREATE INDEX workspace_items_parent ON workspace_items (session_id, parent_id);
    CREATE INDEX workspace_items_session_uuid ON workspace_items (session_uuid);
    CREATE INDEX workspace_items_full_path ON workspace_items USING hash (full_path);
    -- The cascade from a parent looks children up by parent_id alone.
    CREATE INDEX workspace_items_parent_id ON workspace_items (parent_id);

    -- full_path is relative to the session's root, without a leading slash. Writers hold the session's row lock;
    -- the trigger still refuses a cycle, a parent that is a file, and a parent of another session.
    CREATE FUNCTION workspace_items_place() RETURNS trigger LANGUAGE plpgsql AS $$
    DECLARE parent workspace_items;
    BEGIN
      SELECT uuid INTO NEW.session_uuid FROM sessions WHERE id = NEW.session_id;
      IF NEW.parent_id IS NULL THEN
        NEW.full_path := NEW.name;
        RETURN NEW;
      END IF;
      SELECT * INTO parent FROM workspace_items WHERE id = NEW.parent_id;
      IF parent.id IS NULL OR parent.session_id <> NEW.session_id OR parent.type <> 'folder' THEN
        RAISE EXCEPTION 'parent % is not a folder of this session', NEW.parent_id USING ERRCODE = 'foreign_key_violation';
      END IF;
      IF TG_OP = 'UPDATE' AND EXISTS (
        WITH RECURSIVE up AS (
          SELECT id, parent_id FROM workspace_items WHERE id = NEW.parent_id
          UNION SELECT w.id, w.parent_id FROM workspace_items w JOIN up ON w.id = up.parent_id)
        SELECT 1 FROM up WHERE id = NEW.id
      ) THEN
        RAISE EXCEPTION 'item % cannot be moved into itself', NEW.id USING ERRCODE = 'check_violation', CONSTRAINT = 'workspace_items_no_cycle';
      END IF;
      NEW.full_path := parent.full_path || '/' || NEW.name;
      RETURN NEW;
    END $$;
    CREATE TRIGGER workspace_items_place BEFORE INSERT OR UPDATE OF name, parent_id, session_id ON workspace_items
      FOR EACH ROW EXECUTE FUNCTION workspace_items_place();

    CREATE FUNCTION workspace_items_replace_descendants() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
      WITH RECURSIVE down AS (
        SELECT id, NEW.full_path || '/' || name AS path FROM workspace_items WHERE parent_id = NEW.id
        UNION ALL SELECT w.id, down.path || '/' || w.name FROM workspace_items w JOIN down ON w.parent_id = down.id)
      UPDATE workspace_items w SET full_path = down.path FROM down WHERE w.id = down.id;
      RETURN NULL;
    END $$;
    CREATE TRIGGER workspace_items_replace_descendants AFTER UPDATE OF name, parent_id ON workspace_items
      FOR EACH ROW WHEN (OLD.full_path IS DISTINCT FROM NEW.full_path AND NEW.type = 'folder')
      EXECUTE FUNCTION workspace_items_replace_descendants();

    CREATE TABLE volumes (
      id serial PRIMARY KEY,
      session_id integer NOT NULL UNIQUE REFERENCES sessions ON DELETE CASCADE,
      claim_uid text,
      state text NOT NULL DEFAULT 'new' CHECK (state IN ('new', 'loading', 'live', 'kept', 'drained')),
      loaded_at timestamptz,
      kept_until timestamptz,
      created_at timestamptz NOT NULL DEFAULT now(),
      updated_at timestamptz NOT NULL DEFAULT now()
    );

    CREATE TABLE sync_base (
      volume_id integer NOT NULL REFERENCES volumes ON DELETE CASCADE,
      path text NOT NULL,
      type text NOT NULL CHECK (type IN ('file', 'folder', 'symlink')),
      sha256 text,
      executable boolean NOT NULL DEFAULT false
    );
    -- Paths reach 4,000 bytes, more than a b-tree entry holds, so keys hold the path's digest. convert_to is only STABLE
    -- because an encoding's conversion can be replaced; from UTF-8 to UTF-8 nothing is converted.
    CREATE FUNCTION path_digest(path text) RETURNS bytea LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
      RETURN sha256(convert_to(path, 'UTF8'));
    CREATE UNIQUE INDEX sync_base_key ON sync_base (volume_id, path_digest(path));

    CREATE TABLE blobs (
      sha256 text PRIMARY KEY CHECK (sha256 ~ '^[0-9a-f]{64}$'),
      bytes bytea NOT NULL,
      touched_at timestamptz NOT NULL DEFAULT now(),
      created_at timestamptz NOT NULL DEFAULT now()
    );

    CREATE TABLE file_versions (
      id bigserial PRIMARY KEY,
      session_id integer NOT NULL REFERENCES sessions ON DELETE CASCADE,
      item_id integer NOT NULL,
      path text NOT NULL,
      version integer NOT NULL,
      sha256 text NOT NULL REFERENCES blobs,
      encoding text NOT NULL CHECK (encoding IN ('utf8', 'base64', 'symlink')),
      executable boolean NOT NULL DEFAULT false,
      size bigint NOT NULL,
      source text NOT NULL CHECK (source IN ('starter', 'editor', 'terminal', 'merge', 'restore', 'upload')),
      created_by integer REFERENCES users,
      created_at timestamptz NOT NULL DEFAULT now()
    );
    CREATE INDEX file_versions_item ON file_versions (session_id, item_id, id);
    CREATE INDEX file_versions_blob ON file_versions (sha256);

    CREATE TABLE intents (
      id bigserial PRIMARY KEY,
      subject text NOT NULL CHECK (subject IN ('session', 'review')),
      subject_id integer NOT NULL,
      generation integer NOT NULL DEFAULT 0,
      kind text NOT NULL CHECK (kind IN ('open', 'close', 'start_review')),
      op_id uuid NOT NULL UNIQUE,
      payload jsonb NOT NULL DEFAULT '{}',
      attempts integer NOT NULL DEFAULT 0,
      last_error text,
      next_attempt_at timestamptz NOT NULL DEFAULT now(),
      created_at timestamptz NOT NULL DEFAULT now(),
      updated_at timestamptz NOT NULL DEFAULT now()
    );
    CREATE INDEX intents_subject ON intents (subject, subject_id, id);

    CREATE TABLE events (
      id bigserial PRIMARY KEY,
      subject text NOT NULL CHECK (subject IN ('session', 'review')),
      subject_id integer NOT NULL,
      change_seq bigint NOT NULL,
      kind text NOT NULL,
      payload jsonb NOT NULL DEFAULT '{}',
      created_at timestamptz NOT NULL DEFAULT now(),
      UNIQUE (subject, subject_id, change_seq)
    );
    CREATE INDEX events_created ON events (created_at);

    -- Raises the session's change_seq under its row lock, so that n is visible before n + 1, and tells every listener.
    -- The notice carries ids only: a long payload would abort the transaction.
    CREATE FUNCTION publish_session_event(session integer, event_kind text, event_payload jsonb) RETURNS bigint
    LANGUAGE plpgsql AS $$
    DECLARE seq bigint;
    BEGIN
      UPDATE sessions SET change_seq = change_seq + 1 WHERE id = session RETURNING change_seq INTO seq;
      IF seq IS NULL THEN RETURN NULL; END IF;
      INSERT INTO events (subject, subject_id, change_seq, kind, payload) VALUES ('session', session, seq, event_kind, event_payload);
      PERFORM pg_notify('berth_events', json_build_object('subject', 'session', 'id', session, 'seq', seq)::text);
      RETURN seq;
    END $$;

    CREATE FUNCTION notify_intent() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
      PERFORM pg_notify('berth_intents', json_build_object('subject', NEW.subject, 'id', NEW.subject_id)::text);
      RETURN NULL;
    END $$;
    CREATE TRIGGER intents_notify AFTER INSERT ON intents FOR EACH ROW EXECUTE FUNCTION notify_intent();
  `);
}

/** Removes everything that up made. */
export async function down({ context }: MigrationParams<QueryInterface>): Promise<void> {
  await context.sequelize.query(`
    DROP TABLE events, intents, file_versions, blobs, sync_base, volumes, workspace_items, sessions;
    DROP FUNCTION notify_intent(), publish_session_event(integer, text, jsonb), workspace_items_replace_descendants(), workspace_items_place(),
      path_digest(text);
  `);
}
