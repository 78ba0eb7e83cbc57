import type { RuleRefusal } from '#shared/domain/reviewRules.ts';
import type { TransitionRefusal } from '#workflows/review/review.ports.ts';

/** A rule's refusal as the workflow hears it: a result, never thrown, for there is nothing to try again. */
export function toRefusal(refusal: RuleRefusal): TransitionRefusal {
  return { refused: refusal.code, detail: refusal.detail, data: refusal.data };
}

/** The review's row is gone, erased with its session. */
export function notFound(): TransitionRefusal {
  return { refused: 'NOT_FOUND', detail: 'The review does not exist any more.', data: {} };
}
