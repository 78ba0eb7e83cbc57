import { randomBytes } from 'node:crypto';
import type { ServerResponse } from 'node:http';
import { toAppError } from '#api/http/problem.ts';
import { ERROR_CATALOGUE } from '#shared/domain/errorCatalogue.ts';
import type { Config } from '#platform/config/config.ts';

const STYLE = `:root{color-scheme:light dark;font:16px/1.5 system-ui,sans-serif}
body{display:grid;place-items:center;min-height:90vh;margin:0;background:light-dark(#f6f7f9,#14171c);color:light-dark(#1c2230,#e4e8ef)}
main{max-width:30rem;padding:2rem;border:1px solid light-dark(#d9dde5,#2d333d);border-radius:12px;background:light-dark(#fff,#1b1f26)}
h1{margin:0 0 .5rem;font-size:1.25rem}p{margin:.5rem 0}a{color:light-dark(#0b5cad,#7cb8ff)}small{opacity:.75}`;

/** Answers on a preview's host in Berth's own name: a page without a script that says why, and what to do. */
export function sendPreviewProblem(
  response: ServerResponse,
  error: unknown,
  config: Pick<Config, 'BERTH_PUBLIC_URL'>,
): void {
  const failure = toAppError(error);
  const { title, remedy } = ERROR_CATALOGUE[failure.code];
  const nonce = randomBytes(16).toString('base64');
  const detail = failure.code === 'NOT_FOUND' ? NOT_FOUND_DETAIL : `${failure.detail ?? ''} ${remedy}`.trim();
  const page = `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>${escape(title)} · Berth</title><style nonce="${nonce}">${STYLE}</style></head>
<body><main><h1>${escape(title)}</h1><p>${escape(detail)}</p>
<p><a href="${escape(config.BERTH_PUBLIC_URL)}">Go to Berth</a></p><small>${failure.code}</small></main></body></html>
`;
  response.writeHead(failure.status, {
    'Content-Type': 'text/html; charset=utf-8',
    'Content-Length': Buffer.byteLength(page),
    'Content-Security-Policy': `default-src 'none'; style-src 'nonce-${nonce}'; base-uri 'none'; frame-ancestors 'none'`,
    'Cache-Control': 'no-store',
    'Referrer-Policy': 'no-referrer',
    'X-Content-Type-Options': 'nosniff',
  });
  response.end(page);
}

const NOT_FOUND_DETAIL =
  'There is no preview at this address, or none that you may see. Open it from the Ports of your workspace, or ask for a new link.';

function escape(text: string): string {
  const signs: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };
  return text.replaceAll(/[&<>"']/g, (sign) => signs[sign] ?? '');
}
