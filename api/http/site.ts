import { readFileSync, statSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import express, { Router, type Request, type Response } from 'express';
import { sendCompressedAssets } from '#api/http/compressedAssets.ts';
import { nonceOf } from '#api/http/securityHeaders.ts';
import { AppError } from '#shared/domain/errors.ts';

const DIST = fileURLToPath(new URL('../../web/dist', import.meta.url));

/** Vite writes this where a nonce belongs (`html.cspNonce`). */
const NONCE_PLACEHOLDER = /__CSP_NONCE__/g;

/** The built page: hashed assets are cached for good, every other address that asks for a page gets index.html. */
export function createSite(): Router {
  const router = Router();
  const page = createPageReader();
  router.use('/assets', sendCompressedAssets(`${DIST}/assets`));
  router.use(
    '/assets',
    express.static(`${DIST}/assets`, { immutable: true, maxAge: '1y', fallthrough: false, index: false }),
  );
  router.use(express.static(DIST, { index: false, maxAge: '1h', redirect: false }));
  router.get('/{*path}', (request: Request, response: Response) => {
    if (!request.accepts('html')) throw new AppError('NOT_FOUND');
    response
      .set('Cache-Control', 'no-cache')
      .type('html')
      .send(page().replace(NONCE_PLACEHOLDER, nonceOf(response)));
  });
  return router;
}

/** index.html, read again when a build has replaced it. Throws NOT_FOUND when the page was never built. */
function createPageReader(): () => string {
  const path = `${DIST}/index.html`;
  let known = { modified: -1, html: '' };
  return () => {
    const modified = statSync(path, { throwIfNoEntry: false })?.mtimeMs;
    if (modified === undefined) {
      throw new AppError('NOT_FOUND', { detail: 'The page is not built; run `npm run build:web`.' });
    }
    if (modified !== known.modified) known = { modified, html: readFileSync(path, 'utf8') };
    return known.html;
  };
}
