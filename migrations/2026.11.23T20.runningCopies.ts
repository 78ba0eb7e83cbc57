import type { MigrationParams } from 'umzug';
import type { QueryInterface } from 'sequelize';

/** Throw-away running copies of a review's snapshot, and the receipts that verdicts cite. */
export async function up({ context }: MigrationParams<QueryInterface>): Promise<void> {
  await context.sequelize.query(`
    ALTER TABLE sessions ADD COLUMN review_request_id integer REFERENCES review_requests ON DELETE CASCADE;
    ALTER TABLE sessions ADD CONSTRAINT sessions_copy_of_review CHECK ((kind = 'review_run') = (review_request_id IS NOT NULL));
    CREATE INDEX sessions_review_request ON sessions (review_request_id) WHERE review_request_id IS NOT NULL;

    -- A receipt that a verdict cites stays: whoever deletes runs must leave it out, or is refused at the end of the statement.
    CREATE TABLE review_receipts (
      review_request_id integer NOT NULL REFERENCES review_requests ON DELETE CASCADE,
      run_id integer NOT NULL REFERENCES runs,
      created_at timestamptz NOT NULL DEFAULT now(),
      PRIMARY KEY (review_request_id, run_id)
    );
    CREATE INDEX review_receipts_run ON review_receipts (run_id);
    CREATE TRIGGER review_receipts_append_only BEFORE UPDATE OR DELETE ON review_receipts FOR EACH ROW EXECUTE FUNCTION refuse_change();
    CREATE TRIGGER review_receipts_no_truncate BEFORE TRUNCATE ON review_receipts FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
  `);
}

/** Removes everything that up made; what is left of copies goes with it. */
export async function down({ context }: MigrationParams<QueryInterface>): Promise<void> {
  await context.sequelize.query(`
    DROP TABLE review_receipts;
    DELETE FROM sessions WHERE kind = 'review_run';
    ALTER TABLE sessions DROP CONSTRAINT sessions_copy_of_review;
    ALTER TABLE sessions DROP COLUMN review_request_id;
  `);
}
