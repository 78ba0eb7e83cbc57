import type { ReviewPriority, ReviewStatus } from '#shared/domain/review.ts';
import type { Database } from '#platform/db/database.ts';
import { REVIEW_COLUMNS, REVIEW_TABLES, type ReviewRecord } from '#platform/db/repositories/reviews.ts';
import { TURN_PERSON, TURN_TABLES } from '#platform/db/repositories/turnFacts.ts';

/** What a list is narrowed to; null and false narrow nothing. */
export interface ReviewFilters {
  status: ReviewStatus | 'withdrawn' | null;
  priority: ReviewPriority | null;
  /** Only where it is the viewer's turn. */
  mine: boolean;
  /** Only where the first action has not come in time. */
  overdue: boolean;
  /** A part of the submitter's name. */
  author: string | null;
  /** A session's uuid, or a part of its name. */
  session: string | null;
  /** A part of title or description. */
  text: string | null;
}

/** Which of all reviews are meant, as whom. */
export interface ReviewSelection {
  viewer: { id: number; reviewerLevel: number };
  filters: ReviewFilters;
}

/** A page of a list. `after` is the order key of the last review of the page before. */
export interface ReviewListQuery extends ReviewSelection {
  view: 'queue' | 'submitted' | 'all';
  after: string | null;
  limit: number;
}

/** A review in a list; the key tells its place in this list, for the next page. */
export interface ListedReview extends ReviewRecord {
  orderKey: string;
}

/** How many reviews each view holds; `mine`: it is the viewer's turn. */
export interface ReviewCounts {
  queue: number;
  submitted: number;
  all: number;
  mine: number;
}

const OPEN = `r.withdrawn_at IS NULL AND r.status IN ('pending', 'in_review')`;

const VIEW_CONDITIONS: Readonly<Record<ReviewListQuery['view'], string>> = {
  queue: `${OPEN} AND r.snapshot_id IS NOT NULL AND r.submitted_by <> $1
    AND NOT EXISTS (SELECT 1 FROM snapshot_editors e WHERE e.snapshot_id = r.snapshot_id AND e.user_id = $1)
    AND (r.assigned_to = $1 OR (r.assigned_to IS NULL AND $2 >= CASE r.priority WHEN 'urgent' THEN 3 WHEN 'high' THEN 2 ELSE 1 END))`,
  submitted: 'r.submitted_by = $1',
  all: '(r.submitted_by = $1 OR (r.snapshot_id IS NOT NULL AND $2 >= 1))',
};

// The plain columns first: what a turn is read from is looked up for few rows then.
const MINE = `(r.withdrawn_at IS NULL AND r.status <> 'approved' AND (r.submitted_by = $1 OR r.assigned_to = $1)
  AND (${TURN_PERSON}) = $1)`;

const FILTERS = `
  ($3::text IS NULL OR CASE $3 WHEN 'withdrawn' THEN r.withdrawn_at IS NOT NULL ELSE r.withdrawn_at IS NULL AND r.status = $3 END)
  AND ($4::text IS NULL OR r.priority = $4)
  AND (NOT $5::boolean OR (${OPEN} AND (r.status = 'pending' OR r.assigned_to IS NULL) AND r.due_at <= now()))
  AND ($6::text IS NULL OR submitter.username ILIKE $6)
  AND ($7::text IS NULL OR s.name ILIKE $7 OR s.uuid::text = $8)
  AND ($9::text IS NULL OR r.title ILIKE $9 OR r.description ILIKE $9)
  AND $1::integer IS NOT NULL AND $2::integer IS NOT NULL`;

/**
 * The places in a list, ascending. The queue: where it is the viewer's turn, then what they may claim, then what waits
 * for others; in each the urgent first, then who has waited longest. The viewer's own: their turn first, newest first.
 */
const ORDERS: Readonly<Record<ReviewListQuery['view'], readonly [string, string, string, string]>> = {
  queue: [
    `CASE WHEN (${TURN_PERSON}) = $1 THEN 0 WHEN r.assigned_to IS NULL THEN 1 ELSE 2 END`,
    `array_position(ARRAY['urgent', 'high', 'medium', 'low'], r.priority)`,
    '(extract(epoch FROM r.submitted_at) * 1000000)::bigint',
    'r.id',
  ],
  submitted: [`CASE WHEN (${TURN_PERSON}) = $1 THEN 0 ELSE 1 END`, '0::bigint', '0::bigint', '-r.id'],
  all: ['0', '0', '0', '-r.id'],
};

/** True for an order key of a list. */
export function isOrderKey(text: string): boolean {
  return /^[0-2]:[0-4]:\d{1,17}:-?\d{1,10}$/.test(text);
}

/** A page of reviews in the order of their view, each with its turn. */
export function listReviews(database: Database, query: ReviewListQuery): Promise<ListedReview[]> {
  const order = ORDERS[query.view];
  const place = `(${order.join(', ')})`;
  // By the id alone where nothing else counts: an index answers that, however many reviews there are.
  const [after, ordered] =
    query.view === 'all'
      ? ['r.id < -($13::bigint)', 'r.id DESC']
      : [`${place} > ($10, $11, $12, $13::bigint)`, order.join(', ')];
  const key = query.after?.split(':') ?? [null, null, null, null];
  return database.query<ListedReview>(
    `SELECT ${REVIEW_COLUMNS}, concat_ws(':', ${order.join(', ')}) AS "orderKey" FROM ${REVIEW_TABLES}
     WHERE ${VIEW_CONDITIONS[query.view]} AND ${FILTERS} ${query.filters.mine ? `AND ${MINE}` : ''}
       AND ($10::bigint IS NULL OR ($11::bigint IS NOT NULL AND $12::bigint IS NOT NULL AND ${after}))
     ORDER BY ${ordered} LIMIT $14`,
    [...bindings(query), ...key, query.limit],
  );
}

/** How many reviews are in each view, narrowed as a list is. */
export async function countReviews(database: Database, selection: ReviewSelection): Promise<ReviewCounts> {
  const tables =
    'review_requests r JOIN sessions s ON s.uuid = r.session_id JOIN users submitter ON submitter.id = r.submitted_by';
  const count = (condition: string, mine: boolean): string =>
    `(SELECT count(*)::int FROM ${tables} ${mine ? TURN_TABLES : ''}
      WHERE ${condition} AND ${FILTERS} ${mine ? `AND ${MINE}` : ''})`;
  const { mine } = selection.filters;
  const rows = await database.query<ReviewCounts>(
    `SELECT ${count(VIEW_CONDITIONS.queue, mine)} AS queue, ${count(VIEW_CONDITIONS.submitted, mine)} AS submitted,
       ${count(VIEW_CONDITIONS.all, mine)} AS "all", ${count(VIEW_CONDITIONS.all, true)} AS mine`,
    bindings(selection),
  );
  const counts = rows[0];
  if (counts === undefined) throw new Error('the reviews could not be counted');
  return counts;
}

/** $1 to $9 of the conditions. */
function bindings({ viewer, filters }: ReviewSelection): unknown[] {
  return [
    viewer.id,
    viewer.reviewerLevel,
    filters.status,
    filters.priority,
    filters.overdue,
    containing(filters.author),
    containing(filters.session),
    filters.session,
    containing(filters.text),
  ];
}

function containing(words: string | null): string | null {
  return words === null ? null : `%${words.replaceAll(/[\\%_]/g, String.raw`\$&`)}%`;
}
