import { BaseError as SequelizeError } from 'sequelize';
import { AppError } from '#shared/domain/errors.ts';
import type { Database, Tx } from '#platform/db/database.ts';
import { checkPattern } from '#platform/db/repositories/itemSearch.ts';

/** PostgreSQL's code for a regular expression that it cannot read, or that is too large. */
const INVALID_PATTERN = '2201B';
/**
 * What is not carried out line by line, or cannot be carried out in a time that grows with the text alone. Escaped
 * backslashes are passed over: what follows them is no escape.
 */
const REFUSED: ReadonlyArray<{ found: RegExp; because: string }> = [
  { found: /^(?:[^\\]|\\[^1-9])*\\[1-9]/, because: 'Back references (\\1) are not searched for.' },
  { found: /\(\?<?[=!]/, because: 'Looking ahead or behind ((?=…), (?!…)) is not searched for.' },
  { found: /^(?:[^\\]|\\[^AZ])*\\[AZ]/, because: 'A search goes line by line: use ^ and $ for its ends.' },
];

/** Throws SEARCH_PATTERN with the reason for a pattern that cannot be searched for. */
export async function requirePattern(
  database: Database,
  pattern: { text: string; matchCase: boolean },
  tx: Tx,
): Promise<void> {
  const refused = REFUSED.find(({ found }) => found.test(pattern.text));
  if (refused !== undefined) throw new AppError('SEARCH_PATTERN', { detail: refused.because });
  const { matchesNothing } = await checkPattern(database, pattern, tx).catch(throwReadable);
  if (!matchesNothing) return;
  throw new AppError('SEARCH_PATTERN', {
    detail: 'It is found in an empty line already, so it would be found everywhere.',
  });
}

function throwReadable(error: unknown): never {
  const original = error instanceof SequelizeError ? (error as { original?: unknown }).original : null;
  const { code, message } = (original ?? {}) as { code?: unknown; message?: unknown };
  if (code !== INVALID_PATTERN) throw error;
  throw new AppError('SEARCH_PATTERN', { detail: `${String(message).replace(/^./, (first) => first.toUpperCase())}.` });
}
