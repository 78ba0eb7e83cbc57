import { parseCookie, stringifySetCookie } from 'cookie';
import type { Config } from '#platform/config/config.ts';

type CookieConfig = Pick<Config, 'BERTH_PUBLIC_URL'>;

/** Names that are ours, on whichever scheme: no program of a session gets or sets them. */
const OURS = /^(__host-|__secure-)?berth(-preview)?$/i;
/** As what a program knows itself: its cookies for that name are meant for its own host. */
const OWN_NAMES = new Set(['localhost', '127.0.0.1', '[::1]', '::1']);

const isHttps = (config: CookieConfig): boolean => config.BERTH_PUBLIC_URL.startsWith('https:');

/** The name of the cookie of one preview's host. */
export function previewCookieName(config: CookieConfig): string {
  return isHttps(config) ? '__Host-berth-preview' : 'berth-preview';
}

/** The preview's cookie in a Cookie header, null without one. */
export function readPreviewCookie(config: CookieConfig, header: string | undefined): string | null {
  return header === undefined ? null : (parseCookie(header)[previewCookieName(config)] ?? null);
}

/** The Set-Cookie header by which a browser stays in, on that host alone. */
export function previewCookie(config: CookieConfig, { value, until }: { value: string; until: number }): string {
  return stringifySetCookie({
    name: previewCookieName(config),
    value,
    httpOnly: true,
    sameSite: 'lax',
    path: '/',
    secure: isHttps(config),
    maxAge: Math.max(0, Math.floor((until - Date.now()) / 1_000)),
  });
}

/** A Cookie header without what is ours; null when nothing is left. */
export function withoutOurCookies(header: string): string | null {
  const left = header.split(';').filter((pair) => !OURS.test(nameIn(pair)));
  return left.length === 0 ? null : left.join(';').trim();
}

/**
 * A program's Set-Cookie as it may reach a browser: for its own host alone. One for the name by which the program knows
 * itself loses its Domain; one of ours, or for any other domain, is null.
 */
export function ownHostCookie(header: string, host: string): string | null {
  const [pair = '', ...attributes] = header.split(';');
  if (OURS.test(nameIn(pair))) return null;
  const isDomain = (attribute: string): boolean => nameIn(attribute).toLowerCase() === 'domain';
  const domains = attributes.filter(isDomain).map((attribute) => attribute.split('=').slice(1).join('=').trim());
  const isOwn = (domain: string): boolean => {
    const name = domain.toLowerCase().replace(/^\./, '');
    return name === '' || name === host || OWN_NAMES.has(name);
  };
  if (!domains.every(isOwn)) return null;
  return [pair, ...attributes.filter((attribute) => !isDomain(attribute))].join(';');
}

/** A browser takes a pair without a name for its value: `berth` alone could become `berth=`. */
function nameIn(pair: string): string {
  const [first = '', ...rest] = pair.split('=');
  const name = first.trim();
  return name === '' ? (rest.join('=').split('=')[0] ?? '').trim() : name;
}
