import type { MigrationParams } from 'umzug';
import type { QueryInterface } from 'sequelize';

/**
 * The present period of an item has the version of its row, also after the item was saved again with the same bytes: that
 * is no other past, but a version that pages have seen, and what comes back later must be above it.
 */
export async function up({ context }: MigrationParams<QueryInterface>): Promise<void> {
  await context.sequelize.query(`
    CREATE OR REPLACE FUNCTION workspace_items_change_periods() RETURNS trigger LANGUAGE plpgsql AS $$
    DECLARE changed integer[]; saved_again integer[]; their_versions integer[];
    BEGIN
      SELECT array_agg(id) FILTER (WHERE differs), array_agg(id) FILTER (WHERE NOT differs), array_agg(version) FILTER (WHERE NOT differs)
      INTO changed, saved_again, their_versions
      FROM (
        SELECT a.id, a.version,
          (a.full_path, a.encoding, a.executable, a.sha256) IS DISTINCT FROM (b.full_path, b.encoding, b.executable, b.sha256) AS differs
        FROM before b JOIN after a ON a.id = b.id
        WHERE (a.full_path, a.encoding, a.executable, a.sha256, a.version)
          IS DISTINCT FROM (b.full_path, b.encoding, b.executable, b.sha256, b.version)) touched;
      IF saved_again IS NOT NULL THEN
        UPDATE item_periods p SET version = n.version FROM unnest(saved_again, their_versions) AS n (id, version)
        WHERE p.item_id = n.id AND p.ended_at IS NULL;
      END IF;
      IF changed IS NULL THEN RETURN NULL; END IF;
      PERFORM end_item_periods(changed);
      INSERT INTO item_periods (session_id, item_id, path, type, encoding, executable, sha256, size, version, began_at)
      SELECT session_id, id, full_path, type, encoding, executable, sha256, size, version, tree_moment()
      FROM after WHERE id = ANY (changed);
      RETURN NULL;
    END $$;
    UPDATE item_periods p SET version = w.version FROM workspace_items w
    WHERE w.id = p.item_id AND p.ended_at IS NULL AND p.version <> w.version;
  `);
}

/** Makes a period carry its first version again. Those that have a later one keep it: nobody asks for the first. */
export async function down({ context }: MigrationParams<QueryInterface>): Promise<void> {
  await context.sequelize.query(`
    CREATE OR REPLACE FUNCTION workspace_items_change_periods() RETURNS trigger LANGUAGE plpgsql AS $$
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
  `);
}
