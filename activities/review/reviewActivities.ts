import type { Logger } from 'pino';
import type { Config } from '#platform/config/config.ts';
import type { Database } from '#platform/db/database.ts';
import type { Temporal } from '#platform/temporal/client.ts';
import { addBotComment } from '#activities/review/addBotComment.ts';
import { appendReviewHistory } from '#activities/review/appendReviewHistory.ts';
import { freezeSnapshot } from '#activities/review/freezeSnapshot.ts';
import { readWithTimes } from '#activities/review/readTimes.ts';
import { ringClock } from '#activities/review/ringClock.ts';
import { syncBeforeSnapshot } from '#activities/review/syncBeforeSnapshot.ts';
import type { ReviewActivities, ReviewRecord, TransitionRefusal } from '#workflows/review/review.ports.ts';

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
    readReview: ({ reviewId }) => readWithTimes(deps, reviewId),
    syncBeforeSnapshot: (input) => syncBeforeSnapshot(deps, input),
    freezeSnapshot: async (input) => withTimes(deps, await freezeSnapshot(deps.database, input)),
    appendReviewHistory: async (input) => withTimes(deps, await appendReviewHistory(deps, input)),
    ringClock: (input) => ringClock(deps, input),
    addBotComment: (input) => addBotComment(deps.database, input),
  };
}

/** The row once more, as it is after the commit: with its clocks, and the number that its last event got. */
async function withTimes<T extends { refused: null; review: ReviewRecord }>(
  deps: ReviewActivityDeps,
  result: T | TransitionRefusal,
): Promise<T | TransitionRefusal> {
  if (result.refused !== null) return result;
  const review = await readWithTimes(deps, result.review.reviewId);
  return review === null ? result : { ...result, review };
}
