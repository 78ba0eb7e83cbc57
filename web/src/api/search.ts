import type { SearchQuery, SearchResult } from '#shared/contracts/search.ts';
import { request } from './client.ts';

/** Searches what is saved of a session. Throws SEARCH_TOO_SLOW and SEARCH_BUSY; what was aborted throws as fetch does. */
export function searchItems(
  uuid: string,
  query: Partial<SearchQuery> & Pick<SearchQuery, 'q'>,
  signal: AbortSignal,
): Promise<SearchResult> {
  return request('GET', `/sessions/${encodeURIComponent(uuid)}/search`, { query: { ...query }, signal });
}
