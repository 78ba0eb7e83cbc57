import type { MigrationParams } from 'umzug';
import type { QueryInterface } from 'sequelize';

/** Packed `.git` folders of sessions. */
export async function up({ context }: MigrationParams<QueryInterface>): Promise<void> {
  await context.sequelize.query(`
    -- The bytes of a pack, in parts: they come and go as a stream. A pack is whole once a folder refers to it.
    CREATE TABLE git_packs (
      id bigserial PRIMARY KEY,
      session_id integer NOT NULL REFERENCES sessions ON DELETE CASCADE,
      created_at timestamptz NOT NULL DEFAULT now()
    );
    CREATE INDEX git_packs_session ON git_packs (session_id);

    CREATE TABLE git_pack_parts (
      pack_id bigint NOT NULL REFERENCES git_packs ON DELETE CASCADE,
      part integer NOT NULL CHECK (part >= 0),
      bytes bytea NOT NULL CHECK (octet_length(bytes) BETWEEN 1 AND 1048576),
      PRIMARY KEY (pack_id, part)
    );
    -- Git has compressed nearly all of it already.
    ALTER TABLE git_pack_parts ALTER COLUMN bytes SET STORAGE EXTERNAL;

    CREATE TABLE git_folders (
      id bigserial PRIMARY KEY,
      session_id integer NOT NULL REFERENCES sessions ON DELETE CASCADE,
      -- Of the .git folder itself.
      path text NOT NULL CHECK (path = '.git' OR path LIKE '%/.git'),
      pack_id bigint NOT NULL REFERENCES git_packs,
      size bigint NOT NULL CHECK (size >= 0),
      sha256 text NOT NULL CHECK (sha256 ~ '^[0-9a-f]{64}$'),
      -- Where it was seen in that state: the volume, the path there, and how the agent named the state. Volumes come and go.
      volume_id integer,
      volume_path text NOT NULL,
      fingerprint text NOT NULL,
      identity text NOT NULL,
      -- The sync epoch whose scan was the first that did not find it.
      missing_since integer,
      -- It is gone from the session, and can be had back for a while.
      removed_at timestamptz,
      saved_at timestamptz NOT NULL DEFAULT now(),
      created_at timestamptz NOT NULL DEFAULT now(),
      updated_at timestamptz NOT NULL DEFAULT now()
    );
    CREATE UNIQUE INDEX git_folders_path ON git_folders (session_id, path_digest(path)) WHERE removed_at IS NULL;
    CREATE INDEX git_folders_session ON git_folders (session_id);
    CREATE INDEX git_folders_pack ON git_folders (pack_id);
    CREATE INDEX git_folders_removed ON git_folders (removed_at) WHERE removed_at IS NOT NULL;

    -- A folder that gets another path takes its .git along, and one that goes lets it go.
    CREATE FUNCTION git_folders_follow() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
      IF TG_OP = 'UPDATE' THEN
        UPDATE git_folders SET path = NEW.full_path || '/.git', updated_at = now()
        WHERE session_id = NEW.session_id AND removed_at IS NULL AND path_digest(path) = path_digest(OLD.full_path || '/.git');
      ELSE
        UPDATE git_folders SET removed_at = now(), missing_since = NULL, updated_at = now()
        WHERE session_id = OLD.session_id AND removed_at IS NULL AND path_digest(path) = path_digest(OLD.full_path || '/.git');
      END IF;
      RETURN NULL;
    END $$;
    CREATE TRIGGER git_folders_follow_path AFTER UPDATE OF name, parent_id, full_path ON workspace_items
      FOR EACH ROW WHEN (NEW.type = 'folder' AND OLD.full_path IS DISTINCT FROM NEW.full_path)
      EXECUTE FUNCTION git_folders_follow();
    CREATE TRIGGER git_folders_follow_removal AFTER DELETE ON workspace_items
      FOR EACH ROW WHEN (OLD.type = 'folder') EXECUTE FUNCTION git_folders_follow();
  `);
}

/** Removes everything that up made. */
export async function down({ context }: MigrationParams<QueryInterface>): Promise<void> {
  await context.sequelize.query(`
    DROP TRIGGER git_folders_follow_path ON workspace_items;
    DROP TRIGGER git_folders_follow_removal ON workspace_items;
    DROP FUNCTION git_folders_follow();
    DROP TABLE git_folders, git_pack_parts, git_packs;
  `);
}
