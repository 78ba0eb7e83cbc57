import type { MigrationParams } from 'umzug';
import type { QueryInterface } from 'sequelize';

/** What was at each path from when until when, the trash of files, and when a session in the trash was emptied. */
export async function up({ context }: MigrationParams<QueryInterface>): Promise<void> {
  await context.sequelize.query(`
    -- Written by triggers alone, so that no writer of the tree can forget it. ended_at NULL: it is so now. A foreign key
    -- would be looked up for each of a thousand files of a sync; a trigger on sessions does what its cascade would.
    CREATE TABLE item_periods (
      id bigserial PRIMARY KEY,
      session_id integer NOT NULL,
      item_id integer NOT NULL,
      path text NOT NULL,
      type text NOT NULL CHECK (type IN ('file', 'folder')),
      encoding text NOT NULL CHECK (encoding IN ('utf8', 'base64', 'symlink')),
      executable boolean NOT NULL,
      sha256 text,
      size bigint NOT NULL,
      version integer NOT NULL,
      began_at timestamptz NOT NULL,
      ended_at timestamptz,
      CHECK (ended_at >= began_at)
    );
    CREATE INDEX item_periods_session ON item_periods (session_id);
    CREATE INDEX item_periods_item ON item_periods (item_id);

    CREATE FUNCTION sessions_forget_periods() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
      DELETE FROM item_periods WHERE session_id = OLD.id;
      RETURN NULL;
    END $$;
    CREATE TRIGGER sessions_forget_periods AFTER DELETE ON sessions FOR EACH ROW EXECUTE FUNCTION sessions_forget_periods();

    CREATE TABLE deleted_files (
      id bigserial PRIMARY KEY,
      session_id integer NOT NULL REFERENCES sessions ON DELETE CASCADE,
      item_id integer NOT NULL UNIQUE,
      path text NOT NULL,
      encoding text NOT NULL CHECK (encoding IN ('utf8', 'base64', 'symlink')),
      executable boolean NOT NULL,
      sha256 text NOT NULL,
      size bigint NOT NULL,
      -- Whoever deletes for a person says so in the same transaction; what nobody claims was done in a terminal.
      source text NOT NULL DEFAULT 'terminal' CHECK (source IN ('editor', 'terminal', 'restore')),
      deleted_by integer REFERENCES users,
      created_at timestamptz NOT NULL DEFAULT now()
    );
    CREATE INDEX deleted_files_session ON deleted_files (session_id, id);

    ALTER TABLE sessions ADD COLUMN history_since timestamptz NOT NULL DEFAULT now();
    ALTER TABLE sessions ADD COLUMN purged_at timestamptz;
    -- The kept_until of which the owner was told.
    ALTER TABLE volumes ADD COLUMN expiry_told timestamptz;
    CREATE INDEX sessions_trash ON sessions (deleted_at) WHERE deleted_at IS NOT NULL AND purged_at IS NULL;
    CREATE INDEX file_versions_created ON file_versions (session_id, created_at);
    INSERT INTO item_periods (session_id, item_id, path, type, encoding, executable, sha256, size, version, began_at)
    SELECT session_id, id, full_path, type, encoding, executable, sha256, size, version, now() FROM workspace_items;

    -- One moment for all changes of a transaction, so that no look back finds half of them. It is read at the first change,
    -- which comes after the session's row was locked: now() is when the transaction began to wait for it.
    CREATE FUNCTION tree_moment() RETURNS timestamptz LANGUAGE plpgsql AS $$
    DECLARE moment text := current_setting('berth.tree_moment', true);
    BEGIN
      IF coalesce(moment, '') = '' THEN
        moment := clock_timestamp()::text;
        PERFORM set_config('berth.tree_moment', moment, true);
      END IF;
      RETURN moment::timestamptz;
    END $$;

    -- What began in this very transaction was never seen by anybody and leaves nothing behind.
    CREATE FUNCTION end_item_periods(items integer[]) RETURNS void LANGUAGE sql AS $$
      DELETE FROM item_periods WHERE item_id = ANY (items) AND ended_at IS NULL AND began_at >= tree_moment();
      UPDATE item_periods SET ended_at = tree_moment() WHERE item_id = ANY (items) AND ended_at IS NULL;
    $$;

    CREATE FUNCTION workspace_items_begin_periods() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
      DELETE FROM deleted_files d USING added a WHERE d.item_id = a.id;
      INSERT INTO item_periods (session_id, item_id, path, type, encoding, executable, sha256, size, version, began_at)
      SELECT session_id, id, full_path, type, encoding, executable, sha256, size, version, tree_moment() FROM added;
      RETURN NULL;
    END $$;
    CREATE TRIGGER workspace_items_begin_periods AFTER INSERT ON workspace_items REFERENCING NEW TABLE AS added
      FOR EACH STATEMENT EXECUTE FUNCTION workspace_items_begin_periods();

    CREATE FUNCTION workspace_items_change_periods() RETURNS trigger LANGUAGE plpgsql AS $$
    DECLARE changed integer[];
    BEGIN
      SELECT array_agg(a.id) INTO changed FROM before b JOIN after a ON a.id = b.id
      WHERE (a.full_path, a.encoding, a.executable, a.sha256) IS DISTINCT FROM (b.full_path, b.encoding, b.executable, b.sha256);
      IF changed IS NULL THEN RETURN NULL; END IF;
      PERFORM end_item_periods(changed);
      INSERT INTO item_periods (session_id, item_id, path, type, encoding, executable, sha256, size, version, began_at)
      SELECT session_id, id, full_path, type, encoding, executable, sha256, size, version, tree_moment()
      FROM after WHERE id = ANY (changed);
      RETURN NULL;
    END $$;
    CREATE TRIGGER workspace_items_change_periods AFTER UPDATE ON workspace_items
      REFERENCING OLD TABLE AS before NEW TABLE AS after
      FOR EACH STATEMENT EXECUTE FUNCTION workspace_items_change_periods();

    CREATE FUNCTION workspace_items_end_periods() RETURNS trigger LANGUAGE plpgsql AS $$
    DECLARE gone integer[];
    BEGIN
      SELECT array_agg(id) INTO gone FROM removed;
      IF gone IS NULL THEN RETURN NULL; END IF;
      PERFORM end_item_periods(gone);
      -- The cascade from a session that goes leaves no trash.
      INSERT INTO deleted_files (session_id, item_id, path, encoding, executable, sha256, size)
      SELECT r.session_id, r.id, r.full_path, r.encoding, r.executable, r.sha256, r.size
      FROM removed r JOIN sessions s ON s.id = r.session_id WHERE r.type = 'file';
      RETURN NULL;
    END $$;
    CREATE TRIGGER workspace_items_end_periods AFTER DELETE ON workspace_items REFERENCING OLD TABLE AS removed
      FOR EACH STATEMENT EXECUTE FUNCTION workspace_items_end_periods();
  `);
}

/** Removes everything that up made. */
export async function down({ context }: MigrationParams<QueryInterface>): Promise<void> {
  await context.sequelize.query(`
    DROP TRIGGER sessions_forget_periods ON sessions;
    DROP TRIGGER workspace_items_begin_periods ON workspace_items;
    DROP TRIGGER workspace_items_change_periods ON workspace_items;
    DROP TRIGGER workspace_items_end_periods ON workspace_items;
    DROP FUNCTION sessions_forget_periods(), workspace_items_begin_periods(), workspace_items_change_periods(), workspace_items_end_periods(),
      end_item_periods(integer[]), tree_moment();
    DROP INDEX file_versions_created, sessions_trash;
    ALTER TABLE sessions DROP COLUMN history_since, DROP COLUMN purged_at;
    ALTER TABLE volumes DROP COLUMN expiry_told;
    DROP TABLE deleted_files, item_periods;
  `);
}
