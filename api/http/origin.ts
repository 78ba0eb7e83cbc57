import type { Config } from '#platform/config/config.ts';
import { AppError } from '#shared/domain/errors.ts';

/** The one origin whose pages may change anything with a cookie. */
export function allowedOrigin(config: Pick<Config, 'BERTH_PUBLIC_URL'>): string {
  return new URL(config.BERTH_PUBLIC_URL).origin;
}

/** Throws ORIGIN_REFUSED unless the header is exactly the public address's origin; a missing one is refused too. */
export function requireOrigin(config: Pick<Config, 'BERTH_PUBLIC_URL'>, origin: string | undefined): void {
  const allowed = allowedOrigin(config);
  if (origin === allowed) return;
  throw new AppError('ORIGIN_REFUSED', {
    detail: `The request came from ${origin ? 'another origin' : 'no origin'}; this Berth is at ${allowed}.`,
  });
}
