import type { Database, Tx } from '#platform/db/database.ts';

/** The most bytes of one part of an upload; the database refuses more. */
export const UPLOAD_PART_BYTES = 1_048_576;

/** A row of `uploads`. */
export interface UploadRecord {
  id: string;
  sessionId: number;
  userId: number;
  /** A file of the session, or an archive to be imported. */
  purpose: 'file' | 'archive';
  /** The file's path in the session, or the archive's name. */
  path: string;
  /** Bytes that were announced. */
  size: number;
  /** What the caller says that the bytes' digest is; null when they do not say. */
  sha256: string | null;
  /** Null keeps the bit of what is replaced. */
  executable: boolean | null;
  conflict: 'fail' | 'replace' | 'keep-both';
  /** The version that may be replaced; null when none was named. */
  expectedVersion: number | null;
  /** Bytes that are here; the next part begins there. */
  received: number;
  /** The item that it became; null before. */
  itemId: number | null;
  completedAt: Date | null;
  createdAt: Date;
}

const COLUMNS = `id, session_id AS "sessionId", user_id AS "userId", purpose, path, size::float8 AS size, sha256, executable,
  conflict, expected_version AS "expectedVersion", received::float8 AS received, item_id AS "itemId",
  completed_at AS "completedAt", created_at AS "createdAt"`;

/** Begins an upload; no bytes are here yet. */
export async function insertUpload(
  database: Database,
  upload: Pick<
    UploadRecord,
    'sessionId' | 'userId' | 'purpose' | 'path' | 'size' | 'sha256' | 'executable' | 'conflict' | 'expectedVersion'
  >,
  tx: Tx = null,
): Promise<UploadRecord> {
  const rows = await database.query<UploadRecord>(
    `INSERT INTO uploads (session_id, user_id, purpose, path, size, sha256, executable, conflict, expected_version)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) RETURNING ${COLUMNS}`,
    [
      upload.sessionId,
      upload.userId,
      upload.purpose,
      upload.path,
      upload.size,
      upload.sha256,
      upload.executable,
      upload.conflict,
      upload.expectedVersion,
    ],
    tx,
  );
  return rows[0]!;
}

/** The person's upload into that session; null when there is none such. */
export async function findUpload(
  database: Database,
  upload: { sessionId: number; userId: number; id: string },
  tx: Tx = null,
): Promise<UploadRecord | null> {
  const rows = await database.query<UploadRecord>(
    `SELECT ${COLUMNS} FROM uploads WHERE id = $1 AND session_id = $2 AND user_id = $3`,
    [upload.id, upload.sessionId, upload.userId],
    tx,
  );
  return rows[0] ?? null;
}

/** Reads an upload and holds its row until the transaction ends; null when it is gone. */
export async function lockUpload(database: Database, id: string, tx: Tx): Promise<UploadRecord | null> {
  const rows = await database.query<UploadRecord>(`SELECT ${COLUMNS} FROM uploads WHERE id = $1 FOR UPDATE`, [id], tx);
  return rows[0] ?? null;
}

/** The person's uploads into the session that are not completed, oldest first. */
export function listUploads(
  database: Database,
  owner: { sessionId: number; userId: number },
  tx: Tx = null,
): Promise<UploadRecord[]> {
  return database.query<UploadRecord>(
    `SELECT ${COLUMNS} FROM uploads WHERE session_id = $1 AND user_id = $2 AND completed_at IS NULL ORDER BY created_at, id`,
    [owner.sessionId, owner.userId],
    tx,
  );
}

/** How many uploads into the session are not completed, and how many bytes they announced. */
export async function measureUploads(
  database: Database,
  sessionId: number,
  tx: Tx = null,
): Promise<{ uploads: number; bytes: number }> {
  const rows = await database.query<{ uploads: number; bytes: number }>(
    `SELECT count(*)::integer AS uploads, coalesce(sum(size), 0)::float8 AS bytes
     FROM uploads WHERE session_id = $1 AND completed_at IS NULL`,
    [sessionId],
    tx,
  );
  return rows[0]!;
}

/**
 * Appends a part of at most UPLOAD_PART_BYTES at the offset, in one statement: false, and nothing changed, when the upload
 * does not end there, would become larger than announced, is completed, or is gone.
 */
export async function appendPart(
  database: Database,
  part: { uploadId: string; start: number; bytes: Buffer },
): Promise<boolean> {
  const rows = await database.query<{ start: number }>(
    `WITH moved AS (
       UPDATE uploads SET received = received + octet_length($3::bytea), updated_at = now()
       WHERE id = $1 AND received = $2::bigint AND received + octet_length($3::bytea) <= size AND completed_at IS NULL
       RETURNING id
     )
     INSERT INTO upload_chunks (upload_id, start, bytes) SELECT id, $2::bigint, $3::bytea FROM moved RETURNING start`,
    [part.uploadId, part.start, part.bytes],
  );
  return rows.length === 1;
}

/** The part that holds the byte at `position`; null when no byte is there. */
export async function readPart(
  database: Database,
  part: { uploadId: string; position: number },
): Promise<{ start: number; bytes: Buffer } | null> {
  const rows = await database.query<{ start: number; bytes: Buffer }>(
    `SELECT start::float8 AS start, bytes FROM upload_chunks WHERE upload_id = $1 AND start <= $2::bigint
     ORDER BY start DESC LIMIT 1`,
    [part.uploadId, part.position],
  );
  const found = rows[0];
  return found === undefined || found.start + found.bytes.length <= part.position ? null : found;
}

/** Makes a blob of the upload's parts inside the database: the bytes do not come back to this process. */
export async function storeUploadAsBlob(
  database: Database,
  upload: { uploadId: string; sha256: string },
  tx: Tx = null,
): Promise<void> {
  await database.query(
    `INSERT INTO blobs (sha256, bytes)
     SELECT $2, coalesce(string_agg(bytes, ''::bytea ORDER BY start), ''::bytea) FROM upload_chunks WHERE upload_id = $1
     ON CONFLICT (sha256) DO UPDATE SET touched_at = now()`,
    [upload.uploadId, upload.sha256],
    tx,
  );
}

/** Notes what the upload became and lets its parts go; the row stays for whoever lost the answer. */
export async function completeUploadRow(
  database: Database,
  upload: { id: string; itemId: number },
  tx: Tx,
): Promise<UploadRecord> {
  await database.query(`DELETE FROM upload_chunks WHERE upload_id = $1`, [upload.id], tx);
  const rows = await database.query<UploadRecord>(
    `UPDATE uploads SET item_id = $2, completed_at = now(), updated_at = now() WHERE id = $1 RETURNING ${COLUMNS}`,
    [upload.id, upload.itemId],
    tx,
  );
  return rows[0]!;
}

/** Removes an upload with its bytes; false when it is gone already. */
export async function deleteUpload(database: Database, id: string, tx: Tx = null): Promise<boolean> {
  const rows = await database.query(`DELETE FROM uploads WHERE id = $1 RETURNING id`, [id], tx);
  return rows.length === 1;
}
