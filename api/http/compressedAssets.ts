import { existsSync } from 'node:fs';
import type { RequestHandler } from 'express';

/** Names that the build gives its scripts and style sheets; no separators, so a name never leaves the folder. */
const ASSET = /^\/[\w-]+(?:\.[\w-]+)*\.(js|css)$/;

/** The copies that the build makes, the smallest first: browsers name gzip before brotli and take either. */
const COPIES = [
  { encoding: 'br', ending: 'br' },
  { encoding: 'gzip', ending: 'gz' },
];

/**
 * Sends the smallest compressed copy that the build put beside a script or style sheet and that the browser takes.
 * Anything else is left to the next handler.
 */
export function sendCompressedAssets(folder: string): RequestHandler {
  return (request, response, next) => {
    const kind = ASSET.exec(request.path)?.[1];
    if (kind === undefined || (request.method !== 'GET' && request.method !== 'HEAD')) return next();
    response.vary('Accept-Encoding');
    const name = request.path.slice(1);
    const copy = COPIES.find(
      ({ encoding, ending }) =>
        request.acceptsEncodings(encoding) !== false && existsSync(`${folder}/${name}.${ending}`),
    );
    if (copy === undefined) return next();
    response.type(kind).set('Content-Encoding', copy.encoding);
    response.sendFile(`${name}.${copy.ending}`, { root: folder, immutable: true, maxAge: '1y' }, (error) => {
      // Half of it may be on its way already, as when a browser goes: then there is nothing more to answer.
      if (error && !response.headersSent) next(error);
    });
  };
}
