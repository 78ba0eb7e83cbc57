import type { ApiDeps } from '#api/deps.ts';
import { requirePattern } from '#api/commands/search/requirePattern.ts';
import { AppError } from '#shared/domain/errors.ts';
import { globsPattern } from '#shared/domain/pathGlobs.ts';
import type { SearchQuery } from '#shared/contracts/search.ts';
import { readBounded } from '#platform/db/boundedRead.ts';
import { searchContent, searchNames, searchPattern, type FoundRecord } from '#platform/db/repositories/itemSearch.ts';

/** How long one search may take. */
const SEARCH_MS = 10_000;
const ONLY_CONTENT = 'Names are searched by text and by globs; patterns are for contents.';

/**
 * Searches what is saved of a session, open or not: what a program wrote a moment ago is found once it is synced. `signal`
 * ends the search. Throws SEARCH_TOO_SLOW, SEARCH_BUSY, SEARCH_PATTERN, and INVALID_INPUT for a cursor of another list.
 */
export async function searchItems(
  { database }: Pick<ApiDeps, 'database'>,
  search: { sessionId: number; userId: number; query: SearchQuery; signal: AbortSignal },
): Promise<{ found: FoundRecord[]; nextCursor: string | null }> {
  const { sessionId, userId, query, signal } = search;
  const { limit } = query;
  if (query.in === 'names' && query.match === 'pattern') throw new AppError('SEARCH_PATTERN', { detail: ONLY_CONTENT });
  const afterPath = readPathCursor(query.cursor);
  const wanted = {
    sessionId,
    text: query.q,
    matchCase: query.case === 'match',
    include: globsPattern(query.include ?? ''),
    exclude: globsPattern(query.exclude ?? ''),
  };
  const rows = await readBounded(database, { userId, milliseconds: SEARCH_MS, signal }, async (tx) => {
    if (query.in === 'names') return searchNames(database, { ...wanted, limit }, tx);
    const inContent = { ...wanted, limit: limit + 1, afterPath };
    if (query.match === 'text') return searchContent(database, inContent, tx);
    await requirePattern(database, wanted, tx);
    return searchPattern(database, inContent, tx);
  });
  const found = rows.slice(0, limit);
  return { found, nextCursor: rows.length > limit ? pathCursor(found.at(-1)!.path) : null };
}

function pathCursor(path: string): string {
  return Buffer.from(`path:${path}`).toString('base64url');
}

function readPathCursor(cursor: string | undefined): string | null {
  if (cursor === undefined) return null;
  const path = /^path:([^\0]+)$/.exec(Buffer.from(cursor, 'base64url').toString())?.[1];
  if (path !== undefined) return path;
  throw new AppError('INVALID_INPUT', {
    detail: 'The cursor is not one of this search.',
    errors: [{ path: 'query.cursor', message: 'use nextCursor of the page before' }],
  });
}
