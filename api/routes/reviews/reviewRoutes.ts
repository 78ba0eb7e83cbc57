import { assignmentRoutes } from '#api/routes/reviews/assignmentRoutes.ts';
import { commentRoutes } from '#api/routes/reviews/commentRoutes.ts';
import { decisionRoutes } from '#api/routes/reviews/decisionRoutes.ts';
import { readingRoutes } from '#api/routes/reviews/readingRoutes.ts';
import { runningCopyRoutes } from '#api/routes/reviews/runningCopyRoutes.ts';
import type { Route } from '#api/http/route.ts';

/** Everything about reviews: submitting and reading, deciding, commenting, running. */
export const reviewRoutes: Route[] = [
  ...readingRoutes,
  ...decisionRoutes,
  ...assignmentRoutes,
  ...commentRoutes,
  ...runningCopyRoutes,
];
