import { z } from 'zod';
import { Timestamp } from '#shared/contracts/user.ts';
import { REVIEW_PRIORITIES } from '#shared/domain/review.ts';

/** Query of the figures: reviews submitted from `from` (thirty days before `to`, unless told) up to `to` (now). */
export const ReviewMetricsQuery = z.strictObject({ from: Timestamp.optional(), to: Timestamp.optional() });
export type ReviewMetricsQuery = z.infer<typeof ReviewMetricsQuery>;

/** Half and three quarters of them took no longer, in seconds. */
const Percentiles = z.object({ p50: z.number(), p75: z.number() });

/** Figures of the reviews of one priority; `priority` null: of all. Shares are between 0 and 1, null of nothing. */
export const ReviewMetricsRow = z.object({
  priority: z.enum(REVIEW_PRIORITIES).nullable(),
  /** Submitted in the time, with a snapshot, not withdrawn. */
  reviews: z.int(),
  decided: z.int(),
  /** From submission to the first claim, or until it was given to somebody. */
  firstAction: Percentiles.nullable(),
  /** How long reviewers had the turn in those that are decided; the submitter's turns do not count. */
  inReview: Percentiles.nullable(),
  /** Of all, open ones included: those of which reviewers had the turn for longer. */
  over24Hours: z.number().nullable(),
  over3Days: z.number().nullable(),
  /** Rounds of an approved review, on average. */
  roundsPerApproval: z.number().nullable(),
  /** Verdicts of people who had opened no file. */
  unopenedVerdicts: z.number().nullable(),
  /** Reminders and escalations of reviews that nobody had claimed, and the share after which a claim came within a day. */
  nudges: z.int(),
  usefulNudges: z.number().nullable(),
});
export type ReviewMetricsRow = z.infer<typeof ReviewMetricsRow>;

/** The figures of a time: of all reviews first, then by priority, urgent first. */
export const ReviewMetrics = z.object({ from: Timestamp, to: Timestamp, rows: z.array(ReviewMetricsRow) });
export type ReviewMetrics = z.infer<typeof ReviewMetrics>;
