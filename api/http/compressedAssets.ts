import { existsSync } from 'node:fs';
import type { RequestHandler } from 'express';

/** Names that the build gives its scripts and style sheets; no separators, so a name never leaves the folder. */
const ASSET = /^\/[\w-]+(?:\.[\w-]+)*\.(js|css)$/;

/**
 * Sends the compressed copy that the build put beside a script or style sheet, to browsers that take it. Anything else
 * is left to the next handler.
 */
export function sendCompressedAssets(folder: string): RequestHandler {
  return (request, response, next) => {
    const kind = ASSET.exec(request.path)?.[1];
    if (kind === undefined || (request.method !== 'GET' && request.method !== 'HEAD')) return next();
    response.vary('Accept-Encoding');
    const copy = `${request.path.slice(1)}.gz`;
    if (request.acceptsEncodings('gzip', 'identity') !== 'gzip' || !existsSync(`${folder}/${copy}`)) return next();
    response.type(kind).set('Content-Encoding', 'gzip');
    response.sendFile(copy, { root: folder, immutable: true, maxAge: '1y' }, (error) => {
      // Half of it may be on its way already, as when a browser goes: then there is nothing more to answer.
      if (error && !response.headersSent) next(error);
    });
  };
}
