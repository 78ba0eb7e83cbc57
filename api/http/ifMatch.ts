import { AppError } from '#shared/domain/errors.ts';

/** The version in an If-Match header: `"3"`, `W/"3"` or `3`; null when the header is missing. Throws INVALID_INPUT for anything else. */
export function parseIfMatch(header: string | undefined): number | null {
  if (header === undefined) return null;
  const version = /^\s*(?:W\/)?"?(\d{1,9})"?\s*$/.exec(header)?.[1];
  if (version === undefined) {
    throw new AppError('INVALID_INPUT', {
      detail: 'If-Match must hold the one version that the change is based on.',
      errors: [{ path: 'headers.if-match', message: 'expected a version such as "3"' }],
    });
  }
  return Number(version);
}
