import type { Caller } from '#api/http/route.ts';
import { AppError } from '#shared/domain/errors.ts';

/** Experienced reviewers see how reviewing goes, as operators do. */
const METRICS_LEVEL = 3;

/** Throws FORBIDDEN unless the caller may see the figures of all reviews. */
export function requireMaySeeMetrics(caller: Pick<Caller, 'reviewerLevel' | 'isOperator'>): void {
  if (caller.isOperator || caller.reviewerLevel >= METRICS_LEVEL) return;
  throw new AppError('FORBIDDEN', { detail: `This needs reviewer level ${METRICS_LEVEL} or an operator.` });
}
