import { presentItem } from '#api/presenters/itemPresenter.ts';
import type { FoundItem } from '#shared/contracts/search.ts';
import type { FoundRecord } from '#platform/db/repositories/itemSearch.ts';

/** An item that a search found, with the lines to show. */
export function presentFound(found: FoundRecord): FoundItem {
  return { item: presentItem(found), lines: found.lines, more: found.more };
}
