import { OVERRIDE_LEVEL } from '#shared/domain/review.ts';
import type { Database, Tx } from '#platform/db/database.ts';

/** A row of `users`. The keys are the folded forms that are unique. */
export interface UserRecord {
  id: number;
  username: string;
  usernameKey: string;
  email: string;
  emailKey: string;
  passwordHash: string;
  isReviewer: boolean;
  reviewerLevel: number;
  isOperator: boolean;
  /** The account of a program: it has no rights but to advise. */
  isBot: boolean;
  disabledAt: Date | null;
  createdAt: Date;
}

/** What a new account is made from. */
export interface NewUser {
  username: string;
  usernameKey: string;
  email: string;
  emailKey: string;
  passwordHash: string;
  reviewerLevel: number;
  isOperator: boolean;
}

// Any numbers that nothing else of Berth locks.
const FIRST_ACCOUNT_LOCK = 7_264_002;
const GRANTS_LOCK = 7_264_017;

const COLUMNS = `id, username, username_key AS "usernameKey", email, email_key AS "emailKey", password_hash AS "passwordHash",
  is_reviewer AS "isReviewer", reviewer_level AS "reviewerLevel", is_operator AS "isOperator", is_bot AS "isBot",
  disabled_at AS "disabledAt", created_at AS "createdAt"`;

/** Lets one transaction at a time decide whether an account is the first. */
export async function lockFirstAccount(database: Database, tx: Tx): Promise<void> {
  await database.query('SELECT pg_advisory_xact_lock($1)', [FIRST_ACCOUNT_LOCK], tx);
}

/** True once there is an account. */
export async function anyUserExists(database: Database, tx: Tx = null): Promise<boolean> {
  const rows = await database.query('SELECT 1 FROM users LIMIT 1', [], tx);
  return rows.length > 0;
}

/** Inserts an account. Rejects with the database's unique violation when a key is taken. */
export async function insertUser(database: Database, user: NewUser, tx: Tx = null): Promise<UserRecord> {
  const rows = await database.query<UserRecord>(
    `INSERT INTO users (username, username_key, email, email_key, password_hash, is_reviewer, reviewer_level, is_operator)
     VALUES ($1, $2, $3, $4, $5, $6::smallint > 0, $6::smallint, $7) RETURNING ${COLUMNS}`,
    [
      user.username,
      user.usernameKey,
      user.email,
      user.emailKey,
      user.passwordHash,
      user.reviewerLevel,
      user.isOperator,
    ],
    tx,
  );
  return rows[0]!;
}

/** An account by id, disabled or not; null when there is none. */
export async function findUserById(database: Database, id: number, tx: Tx = null): Promise<UserRecord | null> {
  const rows = await database.query<UserRecord>(`SELECT ${COLUMNS} FROM users WHERE id = $1`, [id], tx);
  return rows[0] ?? null;
}

/** An account by folded name or folded e-mail address; the name wins. Null when there is none. */
export async function findUserByKey(database: Database, key: string, tx: Tx = null): Promise<UserRecord | null> {
  const rows = await database.query<UserRecord>(
    `SELECT ${COLUMNS} FROM users WHERE username_key = $1 OR email_key = $1 ORDER BY (username_key = $1) DESC LIMIT 1`,
    [key],
    tx,
  );
  return rows[0] ?? null;
}

/** Which of a name and an address are taken. */
export async function findTakenKeys(
  database: Database,
  keys: { usernameKey: string; emailKey: string },
  tx: Tx = null,
): Promise<{ username: boolean; email: boolean }> {
  const rows = await database.query<{ username_key: string; email_key: string }>(
    'SELECT username_key, email_key FROM users WHERE username_key = $1 OR email_key = $2',
    [keys.usernameKey, keys.emailKey],
    tx,
  );
  return {
    username: rows.some((row) => row.username_key === keys.usernameKey),
    email: rows.some((row) => row.email_key === keys.emailKey),
  };
}

/** A page of all accounts by id; the cursor is the last id seen. */
export function listUsers(
  database: Database,
  { afterId, limit }: { afterId: number; limit: number },
): Promise<UserRecord[]> {
  return database.query<UserRecord>(`SELECT ${COLUMNS} FROM users WHERE id > $1 ORDER BY id LIMIT $2`, [
    afterId,
    limit,
  ]);
}

/** Reads an account and holds its row until the transaction ends; null when there is none. Rows that name it may be written meanwhile. */
export async function lockUser(database: Database, id: number, tx: Tx): Promise<UserRecord | null> {
  const rows = await database.query<UserRecord>(
    `SELECT ${COLUMNS} FROM users WHERE id = $1 FOR NO KEY UPDATE`,
    [id],
    tx,
  );
  return rows[0] ?? null;
}

/** Lets one transaction at a time change levels, so that two cannot both take the last one away. */
export async function lockGrants(database: Database, tx: Tx): Promise<void> {
  await database.query('SELECT pg_advisory_xact_lock($1)', [GRANTS_LOCK], tx);
}

/** How many people can grant levels: operators and reviewers of level 4 who are not disabled. */
export async function countGrantors(database: Database, tx: Tx): Promise<number> {
  const rows = await database.query<{ grantors: number }>(
    `SELECT count(*)::int AS grantors FROM users WHERE disabled_at IS NULL AND (is_operator OR reviewer_level >= $1)`,
    [OVERRIDE_LEVEL],
    tx,
  );
  return rows[0]?.grantors ?? 0;
}

/** Makes an account a program's, which then has no level, or a person's again. False: there is none, or it is an operator's. */
export async function setBot(
  database: Database,
  { usernameKey, isBot }: { usernameKey: string; isBot: boolean },
  tx: Tx,
): Promise<boolean> {
  const rows = await database.query(
    `UPDATE users SET is_bot = $2::boolean, updated_at = now(),
       reviewer_level = CASE WHEN $2::boolean THEN 0 ELSE reviewer_level END,
       is_reviewer = CASE WHEN $2::boolean THEN false ELSE is_reviewer END
     WHERE username_key = $1 AND NOT is_operator RETURNING id`,
    [usernameKey, isBot],
    tx,
  );
  return rows.length === 1;
}

/** Sets a person's reviewer level. */
export async function setReviewerLevel(
  database: Database,
  { id, level }: { id: number; level: number },
  tx: Tx = null,
): Promise<UserRecord> {
  const rows = await database.query<UserRecord>(
    `UPDATE users SET reviewer_level = $2::smallint, is_reviewer = $2::smallint > 0, updated_at = now() WHERE id = $1 RETURNING ${COLUMNS}`,
    [id, level],
    tx,
  );
  return rows[0]!;
}
