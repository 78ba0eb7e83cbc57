import { OVERRIDE_LEVEL } from '#shared/domain/review.ts';
import { AppError } from '#shared/domain/errors.ts';
import type { Caller } from '#api/http/route.ts';

/** True when the caller may see all accounts and grant reviewer levels. */
export function mayGrantLevels(caller: Pick<Caller, 'reviewerLevel' | 'isOperator'>): boolean {
  return caller.isOperator || caller.reviewerLevel >= OVERRIDE_LEVEL;
}

/** Throws FORBIDDEN unless the caller may see all accounts and grant reviewer levels. */
export function requireGrantor(caller: Pick<Caller, 'reviewerLevel' | 'isOperator'>): void {
  if (mayGrantLevels(caller)) return;
  throw new AppError('FORBIDDEN', { detail: `This needs reviewer level ${OVERRIDE_LEVEL} or an operator.` });
}

/** Throws FORBIDDEN unless the caller may set that person's level: a grantor, and never for themselves. */
export function requireMaySetLevelOf(
  caller: Pick<Caller, 'id' | 'reviewerLevel' | 'isOperator'>,
  userId: number,
): void {
  requireGrantor(caller);
  if (caller.id === userId) throw new AppError('FORBIDDEN', { detail: 'Nobody sets their own level here.' });
}
