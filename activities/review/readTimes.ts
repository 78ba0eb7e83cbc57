import type { Config } from '#platform/config/config.ts';
import { clockSettings } from '#platform/config/reviewClocks.ts';
import type { Database, Tx } from '#platform/db/database.ts';
import { findClockRecord, type ClockRecord } from '#platform/db/repositories/reviewClocks.ts';
import { findReview, type ReviewRecord as ReviewRow } from '#platform/db/repositories/reviews.ts';
import { setClocks, type ReviewClock } from '#shared/domain/reviewClocks.ts';
import { toWorkflowRecord } from '#activities/review/readReview.ts';
import type { ReviewRecord } from '#workflows/review/review.ports.ts';

/** What reads the clocks of a review. */
export interface ClockDeps {
  database: Database;
  config: Config;
}

/** The review with its clocks as the workflow sees it, or null when its row is gone. */
export async function readWithTimes(deps: ClockDeps, reviewId: number, tx: Tx = null): Promise<ReviewRecord | null> {
  const row = await findReview(deps.database, reviewId, tx);
  if (row === null) return null;
  const times = await readTimes(deps, row, tx);
  if (times === null) return null;
  const { record, clocks } = times;
  return {
    ...toWorkflowRecord(row),
    times: {
      changeSeq: row.changeSeq,
      turnSince: record.turnSince.toISOString(),
      remindedAt: record.remindedAt?.toISOString() ?? null,
      escalatedAt: record.escalatedAt?.toISOString() ?? null,
      clocks,
    },
  };
}

/** What rang and what is set; null when the review is gone. */
export async function readTimes(
  { database, config }: ClockDeps,
  row: ReviewRow,
  tx: Tx,
): Promise<{ record: ClockRecord; clocks: ReviewClock[] } | null> {
  const record = await findClockRecord(database, row, tx);
  if (record === null) return null;
  const rang = { reminded: record.remindedAt !== null, escalated: record.escalatedAt !== null };
  const clocks = setClocks({ ...row, ...rang, leaseWarned: record.leaseWarned }, clockSettings(config));
  return { record, clocks };
}
