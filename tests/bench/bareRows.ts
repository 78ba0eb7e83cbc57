import { describeFile } from '#platform/db/content.ts';
import { moveBase } from '#platform/db/repositories/syncBase.ts';
import { insertVolume } from '#platform/db/repositories/volumes.ts';
import type { Database } from '#platform/db/database.ts';
import { timed } from '#tests/bench/figures.ts';
import { FILES, makeFiles } from '#tests/bench/tar.ts';
import { build } from '#tests/support/factories.ts';

/** The folder that the rows lie in. */
const FOLDER = 'made';

/**
 * The rows that a save of files, a thousand unless said, leaves behind, made for a session of their own by one statement for each table:
 * neither checked nor safe against anything. `baseRows`: those of the base alone; `allRows`: blobs, items, versions, base.
 */
export async function writeBareRows(
  database: Database,
  times: { baseRows: number[]; allRows: number[] },
  count = FILES,
): Promise<void> {
  const { id: sessionId } = await build.session(database);
  const { id: volumeId } = await insertVolume(database, sessionId);
  const folder = await build.folder(database, { sessionId, name: FOLDER });
  const files = [...makeFiles(count)].map(([name, bytes]) => ({
    name,
    path: `${FOLDER}/${name}`,
    ...describeFile(bytes),
  }));
  const put = files.map(({ path, sha256 }) => ({ path, type: 'file' as const, sha256, executable: false }));
  await timed(times.baseRows, () => moveBase(database, { volumeId, put, removed: [] }));
  await database.query('DELETE FROM sync_base WHERE volume_id = $1', [volumeId]);
  const columns = {
    names: files.map(({ name }) => name),
    paths: files.map(({ path }) => path),
    digests: files.map(({ sha256 }) => sha256),
    encodings: files.map(({ encoding }) => encoding),
    sizes: files.map(({ size }) => size),
    bytes: files.map(({ bytes }) => bytes),
    texts: files.map(({ bytes }) => bytes.toString('base64')),
  };
  await timed(times.allRows, () =>
    database.transaction(async (tx) => {
      await database.query(
        `INSERT INTO blobs (sha256, bytes) SELECT * FROM unnest($1::text[], $2::bytea[])`,
        [columns.digests, columns.bytes],
        tx,
      );
      const items = await database.query<{ id: number }>(
        `INSERT INTO workspace_items (session_id, parent_id, name, type, content, encoding, sha256, size)
         SELECT $1, $2, name, 'file', content, encoding, sha256, size
         FROM unnest($3::text[], $4::text[], $5::text[], $6::text[], $7::bigint[]) AS n (name, content, encoding, sha256, size)
         RETURNING id`,
        [sessionId, folder.id, columns.names, columns.texts, columns.encodings, columns.digests, columns.sizes],
        tx,
      );
      await database.query(
        `INSERT INTO file_versions (session_id, item_id, path, version, sha256, encoding, executable, size, source)
         SELECT $1, id, path, 1, sha256, encoding, false, size, 'terminal'
         FROM unnest($2::integer[], $3::text[], $4::text[], $5::text[], $6::bigint[]) AS n (id, path, sha256, encoding, size)`,
        [sessionId, items.map(({ id }) => id), columns.paths, columns.digests, columns.encodings, columns.sizes],
        tx,
      );
      await moveBase(database, { volumeId, put, removed: [] }, tx);
    }),
  );
}
