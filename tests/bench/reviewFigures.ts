import { measureClaims } from '#tests/bench/claims.ts';
import { onStack, withServers } from '#tests/bench/ground.ts';
import { measureManyReviews } from '#tests/bench/manyReviews.ts';
import { runBench } from '#tests/bench/performanceTable.ts';
import { comparePorting } from '#tests/bench/porting.ts';
import { measureReviewPage } from '#tests/bench/reviewPage.ts';

/*
 * `npm run figures:reviews [-- once] [claims|porting|many|page …]`: what people wait for in reviews: fifty who claim the same one,
 * hundreds of comments that are carried to the next round, lists and figures of thousands of reviews, the page of a review
 * that is far too large.
 */

await withServers(() =>
  runBench('reviews', {
    claims: onStack(measureClaims),
    porting: comparePorting,
    many: measureManyReviews,
    page: onStack(measureReviewPage),
  }),
);
process.exit();
