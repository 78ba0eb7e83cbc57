import type { MigrationParams } from 'umzug';
import type { QueryInterface } from 'sequelize';

/** Accounts of programs, and what was left to keep of a review: its row, its comments, and who edited its snapshot. */
export async function up({ context }: MigrationParams<QueryInterface>): Promise<void> {
  await context.sequelize.query(`
    -- A bot advises: it has no reviewer level and no operator's rights, whoever writes the row.
    ALTER TABLE users ADD COLUMN is_bot boolean NOT NULL DEFAULT false,
      ADD CONSTRAINT users_bot_has_no_rights CHECK (NOT is_bot OR (reviewer_level = 0 AND NOT is_operator));

    -- A review goes with its session alone: deleted by itself it would take its history along.
    CREATE TRIGGER review_requests_kept BEFORE DELETE ON review_requests FOR EACH ROW EXECUTE FUNCTION refuse_change();
    CREATE TRIGGER review_comments_no_truncate BEFORE TRUNCATE ON review_comments
      FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
    CREATE TRIGGER snapshot_editors_immutable BEFORE UPDATE OR DELETE ON snapshot_editors
      FOR EACH ROW EXECUTE FUNCTION refuse_change();
    CREATE TRIGGER snapshot_editors_no_truncate BEFORE TRUNCATE ON snapshot_editors
      FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
  `);
}

/** Removes what up made; the accounts stay. */
export async function down({ context }: MigrationParams<QueryInterface>): Promise<void> {
  await context.sequelize.query(`
    DROP TRIGGER snapshot_editors_no_truncate ON snapshot_editors;
    DROP TRIGGER snapshot_editors_immutable ON snapshot_editors;
    DROP TRIGGER review_comments_no_truncate ON review_comments;
    DROP TRIGGER review_requests_kept ON review_requests;
    ALTER TABLE users DROP CONSTRAINT users_bot_has_no_rights, DROP COLUMN is_bot;
  `);
}
