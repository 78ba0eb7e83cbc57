import type { Database, Tx } from '#platform/db/database.ts';

/** Bytes under their digest. */
export interface Blob {
  sha256: string;
  bytes: Buffer;
}

/** Stores bytes. What is there already is touched in the same statement, so that collection cannot take it away meanwhile. */
export async function storeBlobs(database: Database, blobs: Blob[], tx: Tx = null): Promise<void> {
  // One statement may not touch a row twice; the order keeps concurrent batches from waiting for one another in a circle.
  const unique = [...new Map(blobs.map((blob) => [blob.sha256, blob.bytes])).entries()].sort(([left], [right]) =>
    left < right ? -1 : 1,
  );
  if (unique.length === 0) return;
  await database.query(
    `INSERT INTO blobs (sha256, bytes) SELECT * FROM unnest($1::text[], $2::bytea[])
     ON CONFLICT (sha256) DO UPDATE SET touched_at = now()`,
    [unique.map(([sha256]) => sha256), unique.map(([, bytes]) => bytes)],
    tx,
  );
}

/** The bytes under these digests; a digest that is not stored is left out. */
export async function readBlobs(database: Database, digests: string[], tx: Tx = null): Promise<Map<string, Buffer>> {
  const rows = await database.query<Blob>(
    `SELECT sha256, bytes FROM blobs WHERE sha256 = ANY ($1::text[])`,
    [digests],
    tx,
  );
  return new Map(rows.map((row) => [row.sha256, row.bytes]));
}
