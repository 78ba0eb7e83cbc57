import type { ReviewQuery } from '#shared/contracts/reviewQueue.ts';
import { REVIEW_PRIORITIES, REVIEW_STATUSES } from '#shared/domain/review.ts';

/** The lists of reviews. */
export const VIEWS = ['queue', 'submitted', 'all'] as const;
/** Statuses that a list is narrowed to. */
export const STATUS_CHOICES = [...REVIEW_STATUSES, 'withdrawn'] as const;

/** What the address of the page narrows a list to. */
export type QueueFilters = Partial<Omit<ReviewQuery, 'view' | 'cursor' | 'limit'>>;

/** The filters in an address; what it says that there is not is left out. */
export function readFilters(query: Readonly<Record<string, unknown>>): QueueFilters {
  const words = (name: string): string | undefined => {
    const value = query[name];
    return typeof value === 'string' && value.trim() !== '' ? value.trim().slice(0, 200) : undefined;
  };
  const filters: QueueFilters = {
    status: STATUS_CHOICES.find((known) => known === query['status']),
    priority: REVIEW_PRIORITIES.find((known) => known === query['priority']),
    mine: query['mine'] === 'true' ? true : undefined,
    overdue: query['overdue'] === 'true' ? true : undefined,
    author: words('author'),
    session: words('session'),
    text: words('text'),
  };
  return Object.fromEntries(Object.entries(filters).filter(([, value]) => value !== undefined));
}

/** The filters as an address says them; what narrows nothing is left out. */
export function writeFilters(filters: QueueFilters): Record<string, string> {
  const given = Object.entries(filters).filter(([, value]) => value !== undefined && value !== '' && value !== false);
  return Object.fromEntries(given.map(([name, value]) => [name, String(value)]));
}
