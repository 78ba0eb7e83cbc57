import { z } from 'zod';
import { Review } from '#shared/contracts/review.ts';
import { Person, Timestamp } from '#shared/contracts/user.ts';
import { REVIEW_PRIORITIES, REVIEW_STATUSES } from '#shared/domain/review.ts';

const Flag = z.stringbool({ truthy: ['true'], falsy: ['false'], case: 'sensitive' });
const Words = z.string().trim().min(1).max(200);

/** What a list of reviews is narrowed to. */
const FILTERS = {
  status: z.enum([...REVIEW_STATUSES, 'withdrawn']).optional(),
  priority: z.enum(REVIEW_PRIORITIES).optional(),
  /** Only where it is the caller's turn. */
  mine: Flag.optional(),
  /** Only where nobody has claimed it in time. */
  overdue: Flag.optional(),
  /** A part of the submitter's name. */
  author: Words.optional(),
  /** A session's uuid, or a part of its name. */
  session: Words.optional(),
  /** A part of title or description. */
  text: Words.optional(),
};

/** Query of the review list. `queue`: reviews that the caller could claim or holds; `submitted`: the caller's own. */
export const ReviewQuery = z.strictObject({
  view: z.enum(['queue', 'submitted', 'all']).default('queue'),
  ...FILTERS,
  cursor: z.string().max(200).optional(),
  limit: z.coerce.number().int().min(1).max(200).default(50),
});
export type ReviewQuery = z.infer<typeof ReviewQuery>;

/** Query of the counts: the same narrowing as of a list. */
export const ReviewCountQuery = z.strictObject(FILTERS);
export type ReviewCountQuery = z.infer<typeof ReviewCountQuery>;

/** How many reviews each view holds; `mine`: it is the caller's turn. */
export const ReviewCounts = z.object({ queue: z.int(), submitted: z.int(), all: z.int(), mine: z.int() });
export type ReviewCounts = z.infer<typeof ReviewCounts>;

/** Query of the next review: `after` is the one that the caller has just done with. */
export const NextReviewQuery = z.strictObject({
  after: z.coerce.number().int().positive().max(2_147_483_647).optional(),
});
export type NextReviewQuery = z.infer<typeof NextReviewQuery>;
/** What to do next; null when nothing waits for the caller. */
export const NextReview = z.object({ review: Review.nullable() });
export type NextReview = z.infer<typeof NextReview>;

/** Which file of a review somebody opened: the first and the last time, and how often. */
export const ReviewOpening = z.object({
  user: Person,
  path: z.string(),
  firstAt: Timestamp,
  lastAt: Timestamp,
  times: z.int(),
});
export type ReviewOpening = z.infer<typeof ReviewOpening>;
