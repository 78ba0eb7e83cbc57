import type { IncomingHttpHeaders, IncomingMessage, OutgoingHttpHeaders } from 'node:http';
import { TOKEN_PREFIX } from '#api/auth/authenticate.ts';
import { ownHostCookie, withoutOurCookies } from '#api/previews/previewCookies.ts';

/** Of one connection alone (RFC 9110, 7.6.1), with those that Connection names. */
const HOP_BY_HOP = [
  'connection',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'expect',
  'http2-settings',
];
/** What a visitor may not say about themselves: we say it. */
const SAID_BY_US = ['host', 'forwarded', 'x-forwarded-for', 'x-forwarded-host', 'x-forwarded-proto', 'x-real-ip'];
/** What would reach beyond the preview's own host: cookies of the whole site, or another server for its name. */
const BEYOND_ITS_HOST = ['clear-site-data', 'alt-svc', 'strict-transport-security', 'public-key-pins'];

/** Where a request goes and comes from. */
export interface PreviewRoute {
  /** The port in the session. */
  port: number;
  /** The preview's origin, as browsers know it. */
  origin: string;
  /** The visitor's network address. */
  address: string;
}

function hopByHop(connection: string | undefined): Set<string> {
  const named = (connection ?? '').split(',').map((name) => name.trim().toLowerCase());
  return new Set([...HOP_BY_HOP, ...named]);
}

/**
 * The headers that a program gets: it is told that it is asked as localhost, so that its own checks of host and origin hold,
 * and nothing that signs anybody in at Berth.
 */
export function toProgram(request: IncomingMessage, route: PreviewRoute): OutgoingHttpHeaders {
  const { headers } = request;
  const left = new Set([...hopByHop(headers.connection), ...SAID_BY_US]);
  const local = `http://localhost:${route.port}`;
  const sent: OutgoingHttpHeaders = { host: `localhost:${route.port}` };
  for (const [name, value] of Object.entries(headers)) if (!left.has(name) && value !== undefined) sent[name] = value;
  if (headers.cookie !== undefined) {
    const cookie = withoutOurCookies(headers.cookie);
    if (cookie === null) delete sent['cookie'];
    else sent['cookie'] = cookie;
  }
  if (isOurToken(headers)) delete sent['authorization'];
  if (headers.origin === route.origin) sent['origin'] = local;
  if (headers.referer?.startsWith(`${route.origin}/`))
    sent['referer'] = local + headers.referer.slice(route.origin.length);
  sent['x-forwarded-for'] = route.address;
  sent['x-forwarded-host'] = new URL(route.origin).host;
  sent['x-forwarded-proto'] = new URL(route.origin).protocol.slice(0, -1);
  // Node would leave the body of a GET without a length unframed.
  if (headers['transfer-encoding'] !== undefined) sent['transfer-encoding'] = 'chunked';
  return sent;
}

function isOurToken({ authorization }: IncomingHttpHeaders): boolean {
  return authorization !== undefined && /^bearer\s+(\S*)/i.exec(authorization)?.[1]?.startsWith(TOKEN_PREFIX) === true;
}

/** The headers that a visitor gets of a program's answer: nothing that reaches beyond the preview's own host. */
export function toVisitor(answer: IncomingMessage, route: PreviewRoute): Record<string, string[]> {
  const left = new Set([...hopByHop(answer.headers.connection), ...BEYOND_ITS_HOST]);
  const host = new URL(route.origin).hostname;
  const sent: Record<string, string[]> = {};
  for (const [name, values = []] of Object.entries(answer.headersDistinct)) {
    if (left.has(name)) continue;
    if (name === 'set-cookie') sent[name] = values.flatMap((value) => ownHostCookie(value, host) ?? []);
    else if (name === 'location') sent[name] = values.slice(0, 1).map((value) => toOrigin(value, route));
    else sent[name] = values;
  }
  return sent;
}

/** A redirect to the name by which the program knows itself leads to the preview. */
function toOrigin(location: string, { port, origin }: PreviewRoute): string {
  return location.replace(/^http:\/\/(?:localhost|127\.0\.0\.1|\[::1\]):(\d+)(?=[/?#]|$)/i, (whole, named: string) =>
    Number(named) === port ? origin : whole,
  );
}
