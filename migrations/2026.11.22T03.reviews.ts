import type { MigrationParams } from 'umzug';
import type { QueryInterface } from 'sequelize';

/** Snapshots, reviews, comments and the history that nobody can alter. */
export async function up({ context }: MigrationParams<QueryInterface>): Promise<void> {
  await context.sequelize.query(`
    CREATE TABLE snapshots (
      id serial PRIMARY KEY,
      session_id integer NOT NULL REFERENCES sessions ON DELETE CASCADE,
      manifest_hash text NOT NULL CHECK (manifest_hash ~ '^[0-9a-f]{64}$'),
      created_by integer REFERENCES users,
      created_at timestamptz NOT NULL DEFAULT now()
    );
    CREATE INDEX snapshots_session ON snapshots (session_id);

    CREATE TABLE snapshot_items (
      id serial PRIMARY KEY,
      snapshot_id integer NOT NULL REFERENCES snapshots ON DELETE CASCADE,
      item_id integer NOT NULL,
      path text NOT NULL,
      type text NOT NULL CHECK (type IN ('file', 'folder', 'symlink')),
      encoding text NOT NULL CHECK (encoding IN ('utf8', 'base64', 'symlink')),
      executable boolean NOT NULL DEFAULT false,
      sha256 text REFERENCES blobs,
      size bigint NOT NULL DEFAULT 0,
      created_at timestamptz NOT NULL DEFAULT now(),
      CHECK ((type = 'folder') = (sha256 IS NULL))
    );
    CREATE UNIQUE INDEX snapshot_items_key ON snapshot_items (snapshot_id, path_digest(path));
    CREATE INDEX snapshot_items_blob ON snapshot_items (sha256);
    CREATE TRIGGER snapshots_immutable BEFORE UPDATE OR DELETE ON snapshots FOR EACH ROW EXECUTE FUNCTION refuse_change();
    CREATE TRIGGER snapshot_items_immutable BEFORE UPDATE OR DELETE ON snapshot_items FOR EACH ROW EXECUTE FUNCTION refuse_change();
    CREATE TRIGGER snapshots_no_truncate BEFORE TRUNCATE ON snapshots FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
    CREATE TRIGGER snapshot_items_no_truncate BEFORE TRUNCATE ON snapshot_items FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

    -- A snapshot takes its items in the transaction that made it: now() is that transaction's start, for the row as here.
    CREATE FUNCTION snapshot_items_sealed() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
      IF EXISTS (SELECT 1 FROM added JOIN snapshots s ON s.id = added.snapshot_id WHERE s.created_at <> now()) THEN
        RAISE EXCEPTION 'the snapshot is sealed' USING ERRCODE = 'integrity_constraint_violation';
      END IF;
      RETURN NULL;
    END $$;
    CREATE TRIGGER snapshot_items_sealed AFTER INSERT ON snapshot_items REFERENCING NEW TABLE AS added
      FOR EACH STATEMENT EXECUTE FUNCTION snapshot_items_sealed();

    CREATE TABLE snapshot_editors (
      snapshot_id integer NOT NULL REFERENCES snapshots ON DELETE CASCADE,
      user_id integer NOT NULL REFERENCES users,
      created_at timestamptz NOT NULL DEFAULT now(),
      PRIMARY KEY (snapshot_id, user_id)
    );

    ALTER TABLE sessions ADD FOREIGN KEY (source_snapshot_id) REFERENCES snapshots ON DELETE SET NULL;

    CREATE TABLE review_requests (
      id serial PRIMARY KEY,
      session_id uuid NOT NULL REFERENCES sessions (uuid) ON DELETE CASCADE,
      submitted_by integer NOT NULL REFERENCES users ON DELETE RESTRICT,
      assigned_to integer REFERENCES users ON DELETE RESTRICT,
      title text NOT NULL CHECK (length(title) BETWEEN 1 AND 200),
      description text NOT NULL DEFAULT '',
      status text NOT NULL DEFAULT 'pending' CHECK (status IN ('pending', 'in_review', 'approved', 'rejected')),
      priority text NOT NULL DEFAULT 'medium' CHECK (priority IN ('low', 'medium', 'high', 'urgent')),
      submitted_at timestamptz NOT NULL DEFAULT now(),
      reviewed_at timestamptz,
      snapshot_id integer REFERENCES snapshots ON DELETE SET NULL,
      round integer NOT NULL DEFAULT 1,
      previous_review_id integer REFERENCES review_requests ON DELETE SET NULL,
      withdrawn_at timestamptz,
      claim_expires_at timestamptz,
      due_at timestamptz,
      change_seq bigint NOT NULL DEFAULT 0,
      created_at timestamptz NOT NULL DEFAULT now(),
      updated_at timestamptz NOT NULL DEFAULT now()
    );
    -- Two verdicts on one session at a time would mean nothing.
    CREATE UNIQUE INDEX review_requests_one_open ON review_requests (session_id)
      WHERE withdrawn_at IS NULL AND status IN ('pending', 'in_review');
    CREATE INDEX review_requests_queue ON review_requests (status, priority, submitted_at) WHERE withdrawn_at IS NULL;
    CREATE INDEX review_requests_assignee ON review_requests (assigned_to);

    CREATE FUNCTION review_status_forward_only() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
      IF OLD.status IN ('approved', 'rejected') OR (OLD.status = 'in_review' AND NEW.status = 'pending')
         OR (OLD.status = 'pending' AND NEW.status IN ('approved', 'rejected')) THEN
        RAISE EXCEPTION 'a review cannot go from % to %', OLD.status, NEW.status USING ERRCODE = 'check_violation';
      END IF;
      RETURN NEW;
    END $$;
    CREATE TRIGGER review_requests_forward_only BEFORE UPDATE OF status ON review_requests
      FOR EACH ROW WHEN (OLD.status IS DISTINCT FROM NEW.status) EXECUTE FUNCTION review_status_forward_only();

    CREATE TABLE review_comments (
      id serial PRIMARY KEY,
      review_request_id integer NOT NULL REFERENCES review_requests ON DELETE CASCADE,
      commenter_id integer NOT NULL REFERENCES users ON DELETE RESTRICT,
      workspace_item_id integer REFERENCES workspace_items ON DELETE SET NULL,
      snapshot_id integer REFERENCES snapshots ON DELETE CASCADE,
      path text,
      line_number integer CHECK (line_number > 0),
      end_line_number integer CHECK (end_line_number >= line_number),
      quoted_text text,
      comment_text text NOT NULL CHECK (length(comment_text) BETWEEN 1 AND 20000),
      comment_type text NOT NULL DEFAULT 'general' CHECK (comment_type IN ('general', 'suggestion', 'issue', 'question', 'approval')),
      parent_comment_id integer REFERENCES review_comments ON DELETE CASCADE,
      is_resolved boolean NOT NULL DEFAULT false,
      resolved_by integer REFERENCES users,
      resolved_at timestamptz,
      published_at timestamptz,
      created_at timestamptz NOT NULL DEFAULT now(),
      updated_at timestamptz NOT NULL DEFAULT now()
    );
    CREATE INDEX review_comments_review ON review_comments (review_request_id, id);
    CREATE INDEX review_comments_item ON review_comments (workspace_item_id);

    CREATE FUNCTION review_comments_frozen() RETURNS trigger LANGUAGE plpgsql AS $$
    DECLARE allowed review_comments;
    BEGIN
      IF OLD.published_at IS NULL THEN RETURN NEW; END IF;
      allowed := OLD;
      allowed.is_resolved := NEW.is_resolved;
      allowed.resolved_by := NEW.resolved_by;
      allowed.resolved_at := NEW.resolved_at;
      allowed.updated_at := NEW.updated_at;
      IF NEW.workspace_item_id IS NULL THEN allowed.workspace_item_id := NULL; END IF;
      IF allowed IS DISTINCT FROM NEW THEN
        RAISE EXCEPTION 'comment % is published', OLD.id USING ERRCODE = 'integrity_constraint_violation';
      END IF;
      RETURN NEW;
    END $$;
    CREATE TRIGGER review_comments_frozen BEFORE UPDATE ON review_comments FOR EACH ROW EXECUTE FUNCTION review_comments_frozen();
    CREATE TRIGGER review_comments_kept BEFORE DELETE ON review_comments
      FOR EACH ROW WHEN (OLD.published_at IS NOT NULL) EXECUTE FUNCTION refuse_change();

    CREATE TABLE review_history (
      id serial PRIMARY KEY,
      review_request_id integer NOT NULL REFERENCES review_requests ON DELETE CASCADE,
      changed_by integer REFERENCES users ON DELETE RESTRICT,
      old_status text,
      new_status text NOT NULL,
      change_description text NOT NULL,
      seq integer NOT NULL,
      op_id text NOT NULL,
      prev_hash text NOT NULL,
      row_hash text NOT NULL,
      created_at timestamptz NOT NULL DEFAULT now(),
      UNIQUE (review_request_id, seq),
      UNIQUE (review_request_id, op_id)
    );

    CREATE FUNCTION review_history_hash(h review_history) RETURNS text LANGUAGE sql STABLE AS $$
      SELECT encode(sha256(convert_to(jsonb_build_array(h.review_request_id, h.seq, h.changed_by, h.old_status, h.new_status,
        h.change_description, h.op_id, extract(epoch FROM h.created_at)::text, h.prev_hash)::text, 'UTF8')), 'hex');
    $$;

    -- seq and hashes are made here, under the review's row lock, whoever inserts.
    CREATE FUNCTION review_history_chain() RETURNS trigger LANGUAGE plpgsql AS $$
    DECLARE last review_history;
    BEGIN
      PERFORM 1 FROM review_requests WHERE id = NEW.review_request_id FOR UPDATE;
      SELECT * INTO last FROM review_history WHERE review_request_id = NEW.review_request_id ORDER BY seq DESC LIMIT 1;
      NEW.seq := coalesce(last.seq, 0) + 1;
      NEW.prev_hash := coalesce(last.row_hash, repeat('0', 64));
      NEW.row_hash := review_history_hash(NEW);
      RETURN NEW;
    END $$;
    CREATE TRIGGER review_history_chain BEFORE INSERT ON review_history FOR EACH ROW EXECUTE FUNCTION review_history_chain();
    CREATE TRIGGER review_history_append_only BEFORE UPDATE OR DELETE ON review_history FOR EACH ROW EXECUTE FUNCTION refuse_change();
    CREATE TRIGGER review_history_no_truncate BEFORE TRUNCATE ON review_history FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

    CREATE FUNCTION publish_review_event(review integer, event_kind text, event_payload jsonb) RETURNS bigint
    LANGUAGE plpgsql AS $$
    DECLARE seq bigint;
    BEGIN
      UPDATE review_requests SET change_seq = change_seq + 1 WHERE id = review RETURNING change_seq INTO seq;
      IF seq IS NULL THEN RETURN NULL; END IF;
      INSERT INTO events (subject, subject_id, change_seq, kind, payload) VALUES ('review', review, seq, event_kind, event_payload);
      PERFORM pg_notify('berth_events', json_build_object('subject', 'review', 'id', review, 'seq', seq)::text);
      RETURN seq;
    END $$;
  `);
}

/** Removes everything that up made. */
export async function down({ context }: MigrationParams<QueryInterface>): Promise<void> {
  await context.sequelize.query(`
    DROP FUNCTION publish_review_event(integer, text, jsonb);
    DROP TABLE review_history CASCADE;
    DROP TABLE review_comments;
    DROP TABLE review_requests;
    ALTER TABLE sessions DROP CONSTRAINT sessions_source_snapshot_id_fkey;
    DROP TABLE snapshot_editors, snapshot_items, snapshots;
    DROP FUNCTION review_history_chain(), review_comments_frozen(), review_status_forward_only(), snapshot_items_sealed();
  `);
}
