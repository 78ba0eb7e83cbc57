import { assignmentRoutes } from '#api/routes/reviews/assignmentRoutes.ts';
import { comparisonRoutes } from '#api/routes/reviews/comparisonRoutes.ts';
import { conversationRoutes } from '#api/routes/reviews/conversationRoutes.ts';
import { commentRoutes } from '#api/routes/reviews/commentRoutes.ts';
import { decisionRoutes } from '#api/routes/reviews/decisionRoutes.ts';
import { metricsRoutes } from '#api/routes/reviews/metricsRoutes.ts';
import { queueRoutes } from '#api/routes/reviews/queueRoutes.ts';
import { readingRoutes } from '#api/routes/reviews/readingRoutes.ts';
import { runningCopyRoutes } from '#api/routes/reviews/runningCopyRoutes.ts';
import { viewRoutes } from '#api/routes/reviews/viewRoutes.ts';
import type { Route } from '#api/http/route.ts';

/** Everything about reviews. The lists first: `/reviews/next` is not the review named `next`. */
export const reviewRoutes: Route[] = [
  ...queueRoutes,
  ...metricsRoutes,
  ...readingRoutes,
  ...viewRoutes,
  ...decisionRoutes,
  ...assignmentRoutes,
  ...commentRoutes,
  ...conversationRoutes,
  ...comparisonRoutes,
  ...runningCopyRoutes,
];
