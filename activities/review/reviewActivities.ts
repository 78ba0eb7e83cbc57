import type { Logger } from 'pino';
import { claimLimits } from '#platform/config/claimLimits.ts';
import type { Config } from '#platform/config/config.ts';
import type { Database } from '#platform/db/database.ts';
import type { Temporal } from '#platform/temporal/client.ts';
import { addBotComment } from '#activities/review/addBotComment.ts';
import { appendReviewHistory } from '#activities/review/appendReviewHistory.ts';
import { freezeSnapshot } from '#activities/review/freezeSnapshot.ts';
import { readReview } from '#activities/review/readReview.ts';
import { syncBeforeSnapshot } from '#activities/review/syncBeforeSnapshot.ts';
import type { ReviewActivities } from '#workflows/review/review.ports.ts';

/** What the review's activities work with; made once per worker process. */
export interface ReviewActivityDeps {
  database: Database;
  temporal: Temporal;
  config: Config;
  log: Logger;
}

/** The activities of the review workflow. */
export function createReviewActivities(deps: ReviewActivityDeps): ReviewActivities {
  return {
    readReview: ({ reviewId }) => readReview(deps.database, reviewId),
    syncBeforeSnapshot: (input) => syncBeforeSnapshot(deps, input),
    freezeSnapshot: (input) => freezeSnapshot(deps.database, input),
    appendReviewHistory: (input) => appendReviewHistory(deps.database, input, claimLimits(deps.config)),
    addBotComment: (input) => addBotComment(deps.database, input),
  };
}
