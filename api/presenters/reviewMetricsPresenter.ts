import type { MetricsRecord } from '#platform/db/repositories/reviewMetrics.ts';
import type { ReviewMetricsRow } from '#shared/contracts/reviewMetrics.ts';

/** Counts as the shares that people compare. */
export function presentMetrics(record: MetricsRecord): ReviewMetricsRow {
  return {
    priority: record.priority,
    reviews: record.reviews,
    decided: record.decided,
    firstAction: percentiles(record.firstActionP50, record.firstActionP75),
    inReview: percentiles(record.inReviewP50, record.inReviewP75),
    over24Hours: share(record.over24Hours, record.reviews),
    over3Days: share(record.over3Days, record.reviews),
    roundsPerApproval: share(record.rounds, record.approved),
    unopenedVerdicts: share(record.unopenedVerdicts, record.decided),
    nudges: record.nudges,
    usefulNudges: share(record.usefulNudges, record.nudges),
  };
}

function percentiles(p50: number | null, p75: number | null): ReviewMetricsRow['firstAction'] {
  return p50 === null || p75 === null ? null : { p50, p75 };
}

function share(part: number, whole: number): number | null {
  return whole === 0 ? null : part / whole;
}
