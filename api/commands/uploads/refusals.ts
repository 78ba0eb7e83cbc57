import type { Placement } from '#shared/domain/arrivals.ts';
import { AppError } from '#shared/domain/errors.ts';

/** The error for a file that was not taken in, with what stands in its way. */
export function refusalOf(refused: Extract<Placement, { outcome: 'refused' }>): AppError {
  const { code, reason, path, present } = refused;
  const data = present === null ? { path } : { path, itemId: present.id, currentVersion: present.version, present };
  return new AppError(code, { detail: reason, data });
}
