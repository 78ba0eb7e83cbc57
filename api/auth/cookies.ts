import { parseCookie, stringifySetCookie } from 'cookie';
import type { Config } from '#platform/config/config.ts';

/** How long a sign-in lasts. */
export const SIGN_IN_MS = 30 * 24 * 60 * 60 * 1_000;

/** The name of the sign-in cookie; with the `__Host-` prefix a browser takes it on https from this very host alone. */
export function cookieName(config: Pick<Config, 'BERTH_PUBLIC_URL'>): string {
  return isHttps(config) ? '__Host-berth' : 'berth';
}

/** The sign-in id in a Cookie header, null without one. */
export function readCookie(config: Pick<Config, 'BERTH_PUBLIC_URL'>, header: string | undefined): string | null {
  if (!header) return null;
  return parseCookie(header)[cookieName(config)] ?? null;
}

/** The Set-Cookie header of a sign-in; an id of null ends it in the browser. */
export function signInCookie(config: Pick<Config, 'BERTH_PUBLIC_URL'>, id: string | null): string {
  return stringifySetCookie({
    name: cookieName(config),
    value: id ?? '',
    httpOnly: true,
    sameSite: 'lax',
    path: '/',
    secure: isHttps(config),
    maxAge: id === null ? 0 : SIGN_IN_MS / 1_000,
  });
}

function isHttps(config: Pick<Config, 'BERTH_PUBLIC_URL'>): boolean {
  return new URL(config.BERTH_PUBLIC_URL).protocol === 'https:';
}
