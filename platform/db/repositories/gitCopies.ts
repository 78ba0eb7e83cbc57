import type { Database, Tx } from '#platform/db/database.ts';

/** Bytes of the session's `.git` folders: of all, and of those at or below a folder (null: the root). */
export async function measureGit(
  database: Database,
  place: { sessionId: number; folder: string | null },
  tx: Tx,
): Promise<{ all: number; below: number }> {
  const rows = await database.query<{ all: number; below: number }>(
    `SELECT coalesce(sum(size), 0)::float8 AS all,
       coalesce(sum(size) FILTER (WHERE $2::text IS NULL OR starts_with(path, $2 || '/')), 0)::float8 AS below
     FROM git_folders WHERE session_id = $1 AND removed_at IS NULL`,
    [place.sessionId, place.folder],
    tx,
  );
  return rows[0]!;
}

/**
 * Gives a copied folder the `.git` folders of the one that it was copied from; they share their packs. No volume has them yet, so
 * the next sync writes them. Call under the session's row lock.
 */
export async function copyGitWithin(
  database: Database,
  copy: { sessionId: number; from: string; to: string },
  tx: Tx,
): Promise<void> {
  await database.query(
    `INSERT INTO git_folders (session_id, path, volume_path, pack_id, size, sha256, fingerprint, identity)
     SELECT session_id, $3 || substr(path, length($2) + 1), $3 || substr(path, length($2) + 1), pack_id, size, sha256, '', ''
     FROM git_folders WHERE session_id = $1 AND removed_at IS NULL AND starts_with(path, $2 || '/')`,
    [copy.sessionId, copy.from, copy.to],
    tx,
  );
}

/** Gives a new session the `.git` folders of another one, with packs of its own: those go with their session. */
export async function copyGitTo(
  database: Database,
  copy: { fromSessionId: number; toSessionId: number },
  tx: Tx,
): Promise<void> {
  await database.query(
    `WITH source AS MATERIALIZED (
       SELECT path, pack_id, size, sha256, nextval('git_packs_id_seq') AS new_pack_id
       FROM git_folders WHERE session_id = $1 AND removed_at IS NULL
     ), packs AS (
       INSERT INTO git_packs (id, session_id) SELECT new_pack_id, $2 FROM source
     ), parts AS (
       INSERT INTO git_pack_parts (pack_id, part, bytes)
       SELECT s.new_pack_id, p.part, p.bytes FROM source s JOIN git_pack_parts p ON p.pack_id = s.pack_id
     )
     INSERT INTO git_folders (session_id, path, volume_path, pack_id, size, sha256, fingerprint, identity)
     SELECT $2, path, path, new_pack_id, size, sha256, '', '' FROM source`,
    [copy.fromSessionId, copy.toSessionId],
    tx,
  );
}
