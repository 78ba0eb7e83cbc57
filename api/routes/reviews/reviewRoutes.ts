import { comparisonRoutes } from '#api/routes/reviews/comparisonRoutes.ts';
import { conversationRoutes } from '#api/routes/reviews/conversationRoutes.ts';
import { commentRoutes } from '#api/routes/reviews/commentRoutes.ts';
import { decisionRoutes } from '#api/routes/reviews/decisionRoutes.ts';
import { readingRoutes } from '#api/routes/reviews/readingRoutes.ts';
import type { Route } from '#api/http/route.ts';

/** Everything about reviews: submitting and reading, deciding, commenting. */
export const reviewRoutes: Route[] = [
  ...readingRoutes,
  ...decisionRoutes,
  ...commentRoutes,
  ...conversationRoutes,
  ...comparisonRoutes,
];
