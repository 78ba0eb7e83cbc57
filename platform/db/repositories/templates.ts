import type { Database, Tx } from '#platform/db/database.ts';
import type { CopiedItem } from '#platform/db/repositories/treeCopies.ts';

/** A row of `templates` with its owner's name. */
export interface TemplateRecord {
  id: number;
  userId: number;
  owner: string;
  name: string;
  description: string;
  language: string;
  items: number;
  bytes: number;
  publishedAt: Date | null;
  createdAt: Date;
  updatedAt: Date;
}

const SELECT = `SELECT t.id, t.user_id AS "userId", u.username AS owner, t.name, t.description, t.language, t.items,
  t.bytes::float8 AS bytes, t.published_at AS "publishedAt", t.created_at AS "createdAt", t.updated_at AS "updatedAt"
  FROM templates t JOIN users u ON u.id = t.user_id`;

/** The person's templates and those that are published, by name. */
export function listTemplates(database: Database, userId: number): Promise<TemplateRecord[]> {
  return database.query<TemplateRecord>(
    `${SELECT} WHERE t.user_id = $1 OR t.published_at IS NOT NULL ORDER BY lower(t.name), t.id LIMIT 500`,
    [userId],
  );
}

/** A template by id; null when there is none. In a transaction it stays until that ends. */
export async function findTemplate(database: Database, id: number, tx: Tx = null): Promise<TemplateRecord | null> {
  const rows = await database.query<TemplateRecord>(
    `${SELECT} WHERE t.id = $1 ${tx === null ? '' : 'FOR SHARE OF t'}`,
    [id],
    tx,
  );
  return rows[0] ?? null;
}

/** How many templates a person has, and how many bytes their files hold together. */
export async function measureTemplates(
  database: Database,
  userId: number,
  tx: Tx,
): Promise<{ count: number; bytes: number }> {
  const rows = await database.query<{ count: number; bytes: number }>(
    `SELECT count(*)::integer AS count, coalesce(sum(bytes), 0)::float8 AS bytes FROM templates WHERE user_id = $1`,
    [userId],
    tx,
  );
  return rows[0]!;
}

/** Makes a template of a session's present tree. The caller holds the session's row, and every file's bytes are stored. */
export async function insertTemplate(
  database: Database,
  template: { userId: number; name: string; description: string; language: string; sessionId: number },
  tx: Tx,
): Promise<TemplateRecord> {
  const { userId, name, description, language, sessionId } = template;
  const rows = await database.query<{ id: number }>(
    `INSERT INTO templates (user_id, name, description, language, items, bytes)
     SELECT $1, $2, $3, $4, count(*), coalesce(sum(size), 0) FROM workspace_items WHERE session_id = $5 RETURNING id`,
    [userId, name, description, language, sessionId],
    tx,
  );
  const { id } = rows[0]!;
  await database.query(
    `INSERT INTO template_items (template_id, path, type, encoding, executable, sha256, size)
     SELECT $1::integer, full_path, type, encoding, executable, sha256, size FROM workspace_items WHERE session_id = $2`,
    [id, sessionId],
    tx,
  );
  return (await findTemplate(database, id, tx))!;
}

/** The files and folders of a template, folders before what is in them. */
export function listTemplateItems(database: Database, templateId: number, tx: Tx): Promise<CopiedItem[]> {
  return database.query<CopiedItem>(
    `SELECT path, type, encoding, executable, sha256, size::float8 AS size FROM template_items
     WHERE template_id = $1 ORDER BY path COLLATE "C"`,
    [templateId],
    tx,
  );
}

/** Changes what a template is called and who sees it; null when it is gone. */
export async function updateTemplateRow(
  database: Database,
  change: { id: number; name: string; description: string; isPublished: boolean },
): Promise<TemplateRecord | null> {
  await database.query(
    `UPDATE templates SET name = $2, description = $3, updated_at = now(),
       published_at = CASE WHEN $4 THEN coalesce(published_at, now()) END WHERE id = $1`,
    [change.id, change.name, change.description, change.isPublished],
  );
  return findTemplate(database, change.id);
}

/** Removes a template; sessions that began with it stay as they are. */
export async function deleteTemplateRow(database: Database, id: number): Promise<void> {
  await database.query(`DELETE FROM templates WHERE id = $1`, [id]);
}
