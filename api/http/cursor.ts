import { AppError } from '#shared/domain/errors.ts';

/** A cursor that names the last row of a page by its id. */
export function idCursor(id: number): string {
  return Buffer.from(`id:${id}`).toString('base64url');
}

/** The id in a cursor, null without one. Throws INVALID_INPUT for what is no cursor of ours. */
export function readIdCursor(cursor: string | undefined): number | null {
  if (cursor === undefined) return null;
  const id = /^id:(\d{1,9})$/.exec(Buffer.from(cursor, 'base64url').toString())?.[1];
  if (id === undefined) {
    throw new AppError('INVALID_INPUT', {
      detail: 'The cursor is not one of this list.',
      errors: [{ path: 'query.cursor', message: 'use nextCursor of the page before' }],
    });
  }
  return Number(id);
}

/** Cuts rows that were read one beyond the limit into a page and says where the next one begins. */
export function pageOfRows<Row extends { id: number }>(
  rows: Row[],
  limit: number,
): { rows: Row[]; nextCursor: string | null } {
  const page = rows.slice(0, limit);
  return { rows: page, nextCursor: rows.length > limit ? idCursor(page.at(-1)!.id) : null };
}
