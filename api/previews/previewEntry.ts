import type { IncomingMessage, ServerResponse } from 'node:http';
import type { ApiDeps } from '#api/deps.ts';
import { previewCookie } from '#api/previews/previewCookies.ts';
import { previewOrigin } from '#api/previews/previewHost.ts';
import { readClaim, signClaim, type PreviewGrant } from '#api/previews/previewTokens.ts';
import { AppError } from '#shared/domain/errors.ts';
import { takePreviewCode, usePreviewLink, type PreviewPlace } from '#platform/db/repositories/previews.ts';
import { digestOf } from '#platform/security/digests.ts';

/** The one address of a preview's host that is Berth's and not the program's. */
const ENTRY_PATH = '/.berth-preview/enter';
/** How long an owner stays in before the page must let them in again. */
const OWNER_MS = 12 * 60 * 60 * 1_000;

/** The address by which a person enters a preview, by a code or a link. Null while previews are off. */
export function entryAddress(
  config: ApiDeps['config'],
  place: PreviewPlace,
  given: { code: string; path: string } | { link: string },
): string | null {
  const origin = previewOrigin(config, place);
  return origin === null ? null : `${origin}${ENTRY_PATH}?${new URLSearchParams(given).toString()}`;
}

/** True when somebody wants to enter. */
export function isEntry(request: IncomingMessage): boolean {
  return request.url?.split('?')[0] === ENTRY_PATH;
}

/**
 * Takes the code or link in the address, and sends the visitor on, with a cookie of this host, to an address without it.
 * Throws NOT_FOUND when it is good for nothing here, whatever the reason.
 */
export async function enterPreview(
  deps: Pick<ApiDeps, 'config' | 'database'>,
  { request, response, place }: { request: IncomingMessage; response: ServerResponse; place: PreviewPlace },
): Promise<void> {
  const origin = previewOrigin(deps.config, place);
  if (request.method !== 'GET' || origin === null) throw new AppError('NOT_FOUND');
  const asked = new URL(request.url ?? '/', origin).searchParams;
  const { grant, until } = await grantOf(deps, place, asked);
  const value = signClaim(deps.config.BERTH_SECRET, 'cookie', { ...place, grant, until });
  response.writeHead(303, {
    Location: origin + pathWithin(asked.get('path') ?? '/', origin),
    'Set-Cookie': previewCookie(deps.config, { value, until }),
    'Cache-Control': 'no-store',
    'Referrer-Policy': 'no-referrer',
    'Content-Length': 0,
  });
  response.end();
}

async function grantOf(
  { config, database }: Pick<ApiDeps, 'config' | 'database'>,
  place: PreviewPlace,
  asked: URLSearchParams,
): Promise<{ grant: PreviewGrant; until: number }> {
  const [code, link] = [asked.get('code'), asked.get('link')];
  if (code !== null) {
    const grant = await takePreviewCode(database, digestOf(code), place);
    if (grant !== null) return { grant, until: Date.now() + OWNER_MS };
  }
  const claim = link === null ? null : readClaim(config.BERTH_SECRET, 'link', link);
  if (claim === null || claim.uuid !== place.uuid || claim.port !== place.port) throw new AppError('NOT_FOUND');
  const { grant, until } = claim;
  if (!('linkId' in grant) || !(await usePreviewLink(database, grant.linkId, place))) throw new AppError('NOT_FOUND');
  return { grant, until };
}

/** The path and query that stay on this origin, whatever they look like. */
function pathWithin(path: string, origin: string): string {
  const wanted = URL.parse(path, origin);
  return wanted?.origin === origin ? wanted.pathname + wanted.search : '/';
}
