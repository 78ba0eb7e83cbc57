import type { MigrationParams } from 'umzug';
import type { QueryInterface } from 'sequelize';

/** What people are told about reviews and sessions. A listener wakes at each insert and reads the rows itself. */
export async function up({ context }: MigrationParams<QueryInterface>): Promise<void> {
  await context.sequelize.query(`
    CREATE TABLE notifications (
      id serial PRIMARY KEY,
      user_id integer NOT NULL REFERENCES users ON DELETE CASCADE,
      kind text NOT NULL,
      review_id integer REFERENCES review_requests ON DELETE CASCADE,
      session_id integer REFERENCES sessions ON DELETE CASCADE,
      summary text NOT NULL CHECK (length(summary) BETWEEN 1 AND 1000),
      their_turn boolean NOT NULL,
      batch_key text NOT NULL,
      read_at timestamptz,
      created_at timestamptz NOT NULL DEFAULT now(),
      CHECK (num_nonnulls(review_id, session_id) = 1)
    );
    CREATE UNIQUE INDEX notifications_batch ON notifications (user_id, batch_key);
    CREATE INDEX notifications_user ON notifications (user_id, id DESC);
    CREATE INDEX notifications_review ON notifications (review_id);
    CREATE INDEX notifications_session ON notifications (session_id);

    CREATE FUNCTION tell_notification() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
      PERFORM pg_notify('berth_notifications', json_build_object('userId', NEW.user_id)::text);
      RETURN NULL;
    END $$;
    CREATE TRIGGER notifications_told AFTER INSERT ON notifications FOR EACH ROW EXECUTE FUNCTION tell_notification();
  `);
}

/** Removes everything that up made. */
export async function down({ context }: MigrationParams<QueryInterface>): Promise<void> {
  await context.sequelize.query(`
    DROP TABLE notifications;
    DROP FUNCTION tell_notification();
  `);
}
