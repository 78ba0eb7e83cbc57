import { randomBytes } from 'node:crypto';
import type { RequestHandler, Response } from 'express';
import helmet from 'helmet';
import type { Config } from '#platform/config/config.ts';

/** The nonce of this answer's page: style elements that carry it are allowed (editor and terminal make some at run time). */
export function nonceOf(response: Response): string {
  return response.locals['nonce'] as string;
}

/** Headers on every answer: a strict content policy, no framing, no sniffing; https is made to last where it is used. */
export function createSecurityHeaders(config: Pick<Config, 'BERTH_PUBLIC_URL'>): RequestHandler[] {
  const address = new URL(config.BERTH_PUBLIC_URL);
  const https = address.protocol === 'https:';
  const socket = `${https ? 'wss' : 'ws'}://${address.host}`;
  const makeNonce: RequestHandler = (_request, response, next) => {
    response.locals['nonce'] = randomBytes(16).toString('base64');
    next();
  };
  const headers = helmet({
    contentSecurityPolicy: {
      useDefaults: false,
      directives: {
        defaultSrc: ["'none'"],
        scriptSrc: ["'self'"],
        styleSrc: ["'self'", (_request, response) => `'nonce-${nonceOf(response as Response)}'`],
        imgSrc: ["'self'", 'data:', 'blob:'],
        fontSrc: ["'self'", 'data:'],
        connectSrc: ["'self'", socket],
        workerSrc: ["'self'"],
        manifestSrc: ["'self'"],
        baseUri: ["'none'"],
        formAction: ["'self'"],
        frameAncestors: ["'none'"],
        objectSrc: ["'none'"],
        ...(https ? { upgradeInsecureRequests: [] } : {}),
      },
    },
    strictTransportSecurity: https ? { maxAge: 31_536_000, includeSubDomains: false } : false,
    referrerPolicy: { policy: 'no-referrer' },
    xFrameOptions: { action: 'deny' },
  });
  return [makeNonce, headers];
}
