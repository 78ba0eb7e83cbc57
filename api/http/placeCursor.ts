import { AppError } from '#shared/domain/errors.ts';

/**
 * The place in a cursor of a list that is not ordered by ids, null without one. Throws INVALID_INPUT for what is no
 * cursor of this list.
 */
export function readPlaceCursor(cursor: string | undefined, isPlace: (text: string) => boolean): string | null {
  if (cursor === undefined) return null;
  const place = Buffer.from(cursor, 'base64url').toString();
  if (isPlace(place)) return place;
  throw new AppError('INVALID_INPUT', {
    detail: 'The cursor is not one of this list.',
    errors: [{ path: 'query.cursor', message: 'use nextCursor of the page before' }],
  });
}

/** Cuts rows that were read one beyond the limit into a page and says where the next one begins. */
export function pageOfPlaces<Row extends { orderKey: string }>(
  rows: Row[],
  limit: number,
): { rows: Row[]; nextCursor: string | null } {
  const page = rows.slice(0, limit);
  const last = page.at(-1);
  const more = rows.length > limit && last !== undefined;
  return { rows: page, nextCursor: more ? Buffer.from(last.orderKey).toString('base64url') : null };
}
