import type { ErrorCode } from '#shared/domain/errors.ts';
import type { TransitionRefusal } from '#workflows/review/review.ports.ts';

/** A refusal as a result: the code of the catalogue, the sentence of this case, and what a page may show with it. */
export function refuse(code: ErrorCode, detail: string, data: Record<string, unknown> = {}): TransitionRefusal {
  return { refused: code, detail, data };
}
