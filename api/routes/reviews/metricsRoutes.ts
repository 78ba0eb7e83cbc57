import { defineRoute, type Route } from '#api/http/route.ts';
import { requireMaySeeMetrics } from '#api/policies/metricsPolicy.ts';
import { presentMetrics } from '#api/presenters/reviewMetricsPresenter.ts';
import { readReviewMetrics } from '#platform/db/repositories/reviewMetrics.ts';
import { ReviewMetrics, ReviewMetricsQuery } from '#shared/contracts/reviewMetrics.ts';
import { AppError } from '#shared/domain/errors.ts';

const DAY_MS = 24 * 60 * 60 * 1000;
const DEFAULT_DAYS = 30;
const MAX_DAYS = 366;

/** How reviewing goes. */
export const metricsRoutes: Route[] = [
  defineRoute({
    method: 'get',
    path: '/reviews/metrics',
    tag: 'reviews',
    summary: 'Read how long reviews take and how thorough they are (reviewer level 3 or operator).',
    auth: 'required',
    scope: 'reviews',
    limit: 'expensive',
    query: ReviewMetricsQuery,
    responses: { 200: ReviewMetrics },
    async handler({ deps, caller, query }) {
      requireMaySeeMetrics(caller);
      const { from, to } = readTime(query);
      const rows = await readReviewMetrics(deps.database, { from, to });
      return {
        status: 200,
        body: { from: from.toISOString(), to: to.toISOString(), rows: rows.map(presentMetrics) },
      };
    },
  }),
];

function readTime(query: ReviewMetricsQuery): { from: Date; to: Date } {
  const to = query.to === undefined ? new Date() : new Date(query.to);
  const from = query.from === undefined ? new Date(to.getTime() - DEFAULT_DAYS * DAY_MS) : new Date(query.from);
  const days = (to.getTime() - from.getTime()) / DAY_MS;
  if (days > 0 && days <= MAX_DAYS) return { from, to };
  const message = days > 0 ? `is more than ${MAX_DAYS} days before to` : 'is not before to';
  throw new AppError('INVALID_INPUT', { detail: `from ${message}.`, errors: [{ path: 'query.from', message }] });
}
