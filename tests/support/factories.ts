import { createHash, randomUUID } from 'node:crypto';
import type { ReviewPriority } from '#shared/domain/review.ts';
import type { SessionPhase } from '#shared/domain/session.ts';
import type { Database } from '#platform/db/database.ts';

/** A user that a test made. */
export interface BuiltUser {
  id: number;
  username: string;
  reviewerLevel: number;
  isOperator: boolean;
}

/** A session that a test made. */
export interface BuiltSession {
  id: number;
  uuid: string;
  userId: number;
  generation: number;
}

/** A file or folder that a test made. */
export interface BuiltItem {
  id: number;
  sessionId: number;
  fullPath: string;
  sha256: string | null;
  version: number;
}

let counter = 0;

/** A user who cannot log in (no password); a reviewer when `reviewerLevel` is above 0. */
async function user(database: Database, given: Partial<Omit<BuiltUser, 'id'>> = {}): Promise<BuiltUser> {
  const username = given.username ?? `user${String(++counter)}`;
  const level = given.reviewerLevel ?? 0;
  const [row] = await database.query<{ id: number }>(
    `INSERT INTO users (username, username_key, email, email_key, password_hash, is_reviewer, reviewer_level, is_operator)
     VALUES ($1, lower($1), $1 || '@example.org', lower($1) || '@example.org', 'no password', $2::smallint > 0, $2, $3) RETURNING id`,
    [username, level, given.isOperator ?? false],
  );
  return { id: found(row).id, username, reviewerLevel: level, isOperator: given.isOperator ?? false };
}

/** A session without files, never opened unless a phase and a generation are given; its owner is made when not given. */
async function session(
  database: Database,
  given: { userId?: number; name?: string; phase?: SessionPhase; generation?: number; uuid?: string } = {},
): Promise<BuiltSession> {
  const userId = given.userId ?? (await user(database)).id;
  const [row] = await database.query<{ id: number; uuid: string; generation: number }>(
    `INSERT INTO sessions (user_id, name, phase, generation, uuid) VALUES ($1, $2, $3, $4, $5) RETURNING id, uuid, generation`,
    [userId, given.name ?? 'fractals', given.phase ?? 'closed', given.generation ?? 0, given.uuid ?? randomUUID()],
  );
  return { ...found(row), userId };
}

/** A folder; `parentId` null puts it at the root. */
async function folder(
  database: Database,
  given: { sessionId: number; name: string; parentId?: number | null },
): Promise<BuiltItem> {
  return insertItem(database, { ...given, type: 'folder', content: null });
}

/** A text file with its blob and first version; `parentId` null puts it at the root. */
async function file(
  database: Database,
  given: { sessionId: number; name: string; content?: string; parentId?: number | null },
): Promise<BuiltItem> {
  const content = given.content ?? `content of ${given.name}\n`;
  const item = await insertItem(database, { ...given, type: 'file', content });
  const bytes = Buffer.from(content);
  await database.query(
    `INSERT INTO blobs (sha256, bytes) VALUES ($1, $2) ON CONFLICT (sha256) DO UPDATE SET touched_at = now()`,
    [item.sha256, bytes],
  );
  await database.query(
    `INSERT INTO file_versions (session_id, item_id, path, version, sha256, encoding, size, source)
     VALUES ($1, $2, $3, $4, $5, 'utf8', $6, 'editor')`,
    [item.sessionId, item.id, item.fullPath, item.version, item.sha256, bytes.length],
  );
  return item;
}

/** A saved `.git` folder whose pack is four bytes that are none; answers its id. */
async function gitFolder(
  database: Database,
  given: { sessionId: number; path: string; removed?: boolean },
): Promise<number> {
  const [row] = await database.query<{ id: number }>(
    `WITH pack AS (INSERT INTO git_packs (session_id) VALUES ($1) RETURNING id), part AS (
       INSERT INTO git_pack_parts (pack_id, part, bytes) SELECT id, 0, 'none'::bytea FROM pack)
     INSERT INTO git_folders (session_id, path, volume_path, pack_id, size, sha256, volume_id, fingerprint, identity, removed_at)
     SELECT $1, $2, $2, id, 4, encode(sha256('none'::bytea), 'hex'), 1, '', '', CASE WHEN $3 THEN now() END FROM pack
     RETURNING id::float8 AS id`,
    [given.sessionId, given.path, given.removed ?? false],
  );
  return found(row).id;
}

/** A pending review of the session; nothing runs for it. */
async function review(
  database: Database,
  given: { sessionUuid: string; submittedBy: number; title?: string; priority?: ReviewPriority; snapshotId?: number },
): Promise<{ id: number }> {
  const [row] = await database.query<{ id: number }>(
    `INSERT INTO review_requests (session_id, submitted_by, title, priority, snapshot_id) VALUES ($1, $2, $3, $4, $5) RETURNING id`,
    [
      given.sessionUuid,
      given.submittedBy,
      given.title ?? 'Please look',
      given.priority ?? 'medium',
      given.snapshotId ?? null,
    ],
  );
  return found(row);
}

async function insertItem(
  database: Database,
  given: { sessionId: number; name: string; parentId?: number | null; type: 'file' | 'folder'; content: string | null },
): Promise<BuiltItem> {
  const sha256 = given.content === null ? null : createHash('sha256').update(given.content).digest('hex');
  return database.transaction(async (tx) => {
    await database.query('SELECT 1 FROM sessions WHERE id = $1 FOR UPDATE', [given.sessionId], tx);
    const [row] = await database.query<BuiltItem>(
      `INSERT INTO workspace_items (session_id, parent_id, name, type, content, sha256, size)
       VALUES ($1, $2, $3, $4, $5, $6, octet_length(coalesce($5, '')))
       RETURNING id, session_id AS "sessionId", full_path AS "fullPath", sha256, version`,
      [given.sessionId, given.parentId ?? null, given.name, given.type, given.content, sha256],
      tx,
    );
    return found(row);
  });
}

function found<T>(row: T | undefined): T {
  if (row === undefined) throw new Error('the database returned no row');
  return row;
}

/** Makes rows for tests, with the rows that they need. */
export const build = { user, session, folder, file, gitFolder, review };
