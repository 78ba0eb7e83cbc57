import type { TreeEntry } from '#shared/domain/mergeEntry.ts';
import type { Database, Tx } from '#platform/db/database.ts';

/** A change on its way to a volume; `entry` null removes the path. */
export interface SentChange {
  path: string;
  entry: Pick<TreeEntry, 'type' | 'sha256' | 'executable'> | null;
}

/** Longer than an agent may take to answer: what was sent before that has arrived, or never will. */
const UNDER_WAY = `interval '1 minute'`;

/**
 * Records what is about to be sent to a volume. Should the sender die before it moves the base, the next reconcile knows
 * by it that no program made the change. Resolves with what `forgetSent` takes.
 */
export async function recordSent(
  database: Database,
  { volumeId, changes }: { volumeId: number; changes: readonly SentChange[] },
  tx: Tx = null,
): Promise<number[]> {
  if (changes.length === 0) return [];
  const rows = await database.query<{ id: number }>(
    `INSERT INTO sent_changes (volume_id, path, type, sha256, executable)
     SELECT $1, * FROM unnest($2::text[], $3::text[], $4::text[], $5::boolean[]) RETURNING id::float8 AS id`,
    [
      volumeId,
      changes.map(({ path }) => path),
      changes.map(({ entry }) => entry?.type ?? null),
      changes.map(({ entry }) => entry?.sha256 ?? null),
      changes.map(({ entry }) => entry?.executable ?? false),
    ],
    tx,
  );
  return rows.map(({ id }) => id);
}

/** As `recordSent`, of a path and all below it in the base that are about to be moved. */
export async function recordSentRename(
  database: Database,
  { volumeId, from, to }: { volumeId: number; from: string; to: string },
  tx: Tx = null,
): Promise<number[]> {
  const rows = await database.query<{ id: number }>(
    `WITH moved AS (
       SELECT path, type, sha256, executable FROM sync_base
       WHERE volume_id = $1 AND (path = $2 OR starts_with(path, $2 || '/'))
     )
     INSERT INTO sent_changes (volume_id, path, type, sha256, executable)
     SELECT $1, path, NULL, NULL, false FROM moved
     UNION ALL SELECT $1, $3 || substr(path, length($2) + 1), type, sha256, executable FROM moved
     RETURNING id::float8 AS id`,
    [volumeId, from, to],
    tx,
  );
  return rows.map(({ id }) => id);
}

/**
 * What tells of hand-offs at the paths of a volume: between two readings it differs for each path at which a base was
 * written or something sent or answered, also where all values are what they were before.
 */
export async function readTraces(database: Database, volumeId: number, tx: Tx = null): Promise<Map<string, string>> {
  const rows = await database.query<{ path: string; trace: string }>(
    `SELECT path, string_agg(mark, ' ' ORDER BY mark) AS trace FROM (
       SELECT path, xmin::text AS mark FROM sync_base WHERE volume_id = $1
       UNION ALL SELECT path, 'sent ' || id FROM sent_changes WHERE volume_id = $1) AS marks GROUP BY path`,
    [volumeId],
    tx,
  );
  return new Map(rows.map(({ path, trace }) => [path, trace]));
}

/** What was sent to a volume and may have arrived, by path; null stands for a removal. */
export async function readSent(
  database: Database,
  volumeId: number,
  tx: Tx = null,
): Promise<Map<string, Array<TreeEntry | null>>> {
  const rows = await database.query<{
    path: string;
    type: TreeEntry['type'] | null;
    sha256: string | null;
    executable: boolean;
  }>(`SELECT path, type, sha256, executable FROM sent_changes WHERE volume_id = $1 ORDER BY id`, [volumeId], tx);
  const sent = new Map<string, Array<TreeEntry | null>>();
  for (const { path, type, sha256, executable } of rows) {
    const entry = type === null ? null : { type, sha256, executable, size: 0 };
    sent.set(path, [...(sent.get(path) ?? []), entry]);
  }
  return sent;
}

/**
 * Forgets what an agent has answered about. What was sent before to the paths at which it was `applied` is history, too;
 * where it was not, an earlier change that nobody recorded may still be what the volume holds.
 */
export async function forgetSent(
  database: Database,
  { volumeId, ids, applied }: { volumeId: number; ids: number[]; applied: string[] },
  tx: Tx = null,
): Promise<void> {
  if (ids.length === 0) return;
  await database.query(
    `DELETE FROM sent_changes s WHERE s.volume_id = $1 AND (s.id = ANY ($2::bigint[]) OR s.id < $3
       AND path_digest(s.path) IN (SELECT path_digest(p) FROM unnest($4::text[]) AS p))`,
    [volumeId, ids, Math.min(...ids), applied],
    tx,
  );
}

/** Forgets what was sent to paths at which both sides hold the same, once nothing of it can be under way any more. */
export async function forgetSettled(
  database: Database,
  { volumeId, paths }: { volumeId: number; paths: string[] },
  tx: Tx = null,
): Promise<void> {
  if (paths.length === 0) return;
  await database.query(
    `DELETE FROM sent_changes s USING unnest($2::text[]) AS settled (path)
     WHERE s.volume_id = $1 AND path_digest(s.path) = path_digest(settled.path) AND s.created_at < now() - ${UNDER_WAY}`,
    [volumeId, paths],
    tx,
  );
}

/** Forgets what was sent to paths that hold nothing any more because a program renamed what was there. */
export async function forgetLeft(
  database: Database,
  { volumeId, paths }: { volumeId: number; paths: string[] },
  tx: Tx,
): Promise<void> {
  if (paths.length === 0) return;
  await database.query(
    `DELETE FROM sent_changes s USING unnest($2::text[]) AS gone (path)
     WHERE s.volume_id = $1 AND path_digest(s.path) = path_digest(gone.path)`,
    [volumeId, paths],
    tx,
  );
}
