import type { MigrationParams } from 'umzug';
import type { QueryInterface } from 'sequelize';

/** What reviewers have viewed, and who opened which frozen file when. */
export async function up({ context }: MigrationParams<QueryInterface>): Promise<void> {
  await context.sequelize.query(`
    -- A mark is about these bytes of this item: it holds in every later snapshot and round that has them.
    CREATE TABLE review_views (
      user_id integer NOT NULL REFERENCES users ON DELETE CASCADE,
      session_id integer NOT NULL REFERENCES sessions ON DELETE CASCADE,
      item_id integer NOT NULL,
      sha256 text NOT NULL,
      created_at timestamptz NOT NULL DEFAULT now(),
      PRIMARY KEY (user_id, item_id, sha256)
    );
    CREATE INDEX review_views_session ON review_views (session_id);

    CREATE TABLE review_openings (
      id bigserial PRIMARY KEY,
      review_request_id integer NOT NULL REFERENCES review_requests ON DELETE CASCADE,
      user_id integer NOT NULL REFERENCES users ON DELETE CASCADE,
      snapshot_id integer NOT NULL,
      item_id integer NOT NULL,
      path text NOT NULL,
      sha256 text NOT NULL,
      created_at timestamptz NOT NULL DEFAULT now()
    );
    CREATE INDEX review_openings_review ON review_openings (review_request_id, user_id, id);
    CREATE INDEX review_openings_user ON review_openings (user_id);

    CREATE INDEX review_requests_submitted ON review_requests (submitted_at);
    CREATE INDEX review_requests_submitter ON review_requests (submitted_by);
    CREATE INDEX notifications_age ON notifications (created_at);
  `);
}

/** Removes everything that up made. */
export async function down({ context }: MigrationParams<QueryInterface>): Promise<void> {
  await context.sequelize.query(`
    DROP INDEX notifications_age, review_requests_submitter, review_requests_submitted;
    DROP TABLE review_openings, review_views;
  `);
}
