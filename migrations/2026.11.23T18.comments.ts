import type { MigrationParams } from 'umzug';
import type { QueryInterface } from 'sequelize';

/** Drafts that two tabs write, suggestions that were applied, and the rounds of a review as one chain. */
export async function up({ context }: MigrationParams<QueryInterface>): Promise<void> {
  await context.sequelize.query(`
    ALTER TABLE review_comments ADD COLUMN revision integer NOT NULL DEFAULT 1;

    CREATE TABLE applied_suggestions (
      comment_id integer PRIMARY KEY REFERENCES review_comments ON DELETE CASCADE,
      item_id integer NOT NULL,
      version integer NOT NULL,
      applied_by integer NOT NULL REFERENCES users,
      created_at timestamptz NOT NULL DEFAULT now()
    );
    CREATE TRIGGER applied_suggestions_kept BEFORE UPDATE OR DELETE ON applied_suggestions
      FOR EACH ROW EXECUTE FUNCTION refuse_change();

    CREATE INDEX review_requests_previous ON review_requests (previous_review_id);

    -- The review and its earlier rounds. UNION ends a circle, should anybody ever make one.
    CREATE FUNCTION review_chain(review integer) RETURNS SETOF integer LANGUAGE sql STABLE ROWS 5 AS $$
      WITH RECURSIVE chain AS (
        SELECT id, previous_review_id FROM review_requests WHERE id = review
        UNION
        SELECT earlier.id, earlier.previous_review_id
        FROM review_requests earlier JOIN chain ON earlier.id = chain.previous_review_id
      )
      SELECT id FROM chain;
    $$;
  `);
}

/** Removes everything that up made. */
export async function down({ context }: MigrationParams<QueryInterface>): Promise<void> {
  await context.sequelize.query(`
    DROP FUNCTION review_chain(integer);
    DROP INDEX review_requests_previous;
    DROP TABLE applied_suggestions;
    ALTER TABLE review_comments DROP COLUMN revision;
  `);
}
