import { AppError } from '#shared/domain/errors.ts';
import type { Caller } from '#api/http/route.ts';

/** Throws FORBIDDEN unless the caller runs this installation. */
export function requireOperator(caller: Pick<Caller, 'isOperator'>): void {
  if (!caller.isOperator) throw new AppError('FORBIDDEN', { detail: 'This is for operators.' });
}
