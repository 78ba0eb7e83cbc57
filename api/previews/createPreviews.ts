import { ServerResponse, type IncomingMessage, type Server } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { agentOf } from '#api/commands/terminals.ts';
import type { ApiDeps } from '#api/deps.ts';
import { networkOf } from '#api/http/networks.ts';
import type { RateLimits } from '#api/http/rateLimits.ts';
import { createPreviewAccess } from '#api/previews/previewAccess.ts';
import { readPreviewCookie } from '#api/previews/previewCookies.ts';
import { enterPreview, isEntry } from '#api/previews/previewEntry.ts';
import { isSameSession, previewOrigin, readPreviewHost } from '#api/previews/previewHost.ts';
import { sendPreviewProblem } from '#api/previews/previewPage.ts';
import { passRequest, passUpgrade } from '#api/previews/previewProxy.ts';
import { addressOfConnection } from '#api/sockets/handshake.ts';
import { AppError, isAppError } from '#shared/domain/errors.ts';
import type { PreviewPlace } from '#platform/db/repositories/previews.ts';

/** With the two seconds for which access is known, what was revoked is cut off within five. */
const LOOK_EVERY_MS = 2_000;

/** The hosts of previews. */
export interface Previews {
  /** Takes what comes to `port`: what is for the host of a preview is answered here, the rest goes to `ours`, and nothing to both. */
  putBefore(ours: Server, port: Server): void;
  /** Cuts every open connection and takes no more. */
  close(): Promise<void>;
}

/** A request that somebody is seeing: cut when they may not any more. */
interface Visit {
  place: PreviewPlace;
  cookie: string | null;
  cut(): void;
}

interface Arrival {
  request: IncomingMessage;
  response: ServerResponse;
  place: PreviewPlace;
  /** What an upgrade goes on with. */
  upgrade: { socket: Duplex; head: Buffer } | null;
}

/** Makes them. Nothing of a preview ever passes the routes, the page or the sockets of Berth, and the other way round. */
export function createPreviews(deps: ApiDeps, limits: RateLimits): Previews {
  const { config, log } = deps;
  const access = createPreviewAccess(deps);
  const visits = new Set<Visit>();
  let looking: Promise<void> | null = null;
  let closed = false;

  async function visit({ request, response, place, upgrade }: Arrival): Promise<void> {
    refuseMalformed(request, upgrade !== null);
    if (isEntry(request)) {
      await limits.take('default', networkOf(addressOfConnection(request, config.BERTH_TRUST_PROXY_HOPS)));
      return enterPreview(deps, { request, response, place });
    }
    refuseForeign(request, place);
    const cookie = readPreviewCookie(config, request.headers.cookie);
    const session = await access.sessionFor(place, cookie);
    if (session === null) throw new AppError('NOT_FOUND');
    const agent = await agentOf(deps, session).catch(asUnavailable);
    const program = await agent.ports.dial(place.port);
    // Who breaks off, and when, is seen by what uses the connection.
    program.on('error', () => undefined);
    const open: Visit = {
      place,
      cookie,
      cut: () => (response.destroyed ? program : (upgrade?.socket ?? response)).destroy(),
    };
    if (closed || request.socket.destroyed) {
      program.destroy();
      return void response.destroy();
    }
    // It may have been broken off in the moment in which it was made.
    if (program.destroyed) throw new AppError('PREVIEW_FAILED');
    visits.add(open);
    try {
      const route = {
        port: place.port,
        origin: previewOrigin(config, place)!,
        address: addressOfConnection(request, config.BERTH_TRUST_PROXY_HOPS),
      };
      const bounds = { bodyBytes: config.PREVIEW_MAX_BODY_BYTES, answerMs: config.PREVIEW_ANSWER_SECONDS * 1_000 };
      const exchange = { request, response, program, route, limits: bounds };
      await (upgrade ? passUpgrade({ ...exchange, ...upgrade }) : passRequest(exchange));
    } finally {
      visits.delete(open);
      program.destroy();
    }
  }

  /** What one preview's page may ask of another's: nothing, unless both are of the same session. A visitor may be led there. */
  function refuseForeign({ headers, method }: IncomingMessage, place: PreviewPlace): void {
    const { origin } = headers;
    if (origin !== undefined && isSameSession(config, origin, place)) return;
    const site = headers['sec-fetch-site'];
    const isVisit = headers['sec-fetch-mode'] === 'navigate' && headers['sec-fetch-dest'] === 'document';
    const isFromElsewhere = site === 'same-site' || site === 'cross-site';
    const reads = method === 'GET' || method === 'HEAD';
    if (origin !== undefined || (isFromElsewhere && !(isVisit && reads))) throw new AppError('ORIGIN_REFUSED');
  }

  function answer(arrival: Arrival): void {
    visit(arrival).catch((error: unknown) => {
      const { response } = arrival;
      if (!isAppError(error)) log.error({ err: error }, 'a preview failed');
      if (response.headersSent || response.destroyed) return void response.destroy();
      if (!arrival.request.complete) response.setHeader('Connection', 'close');
      sendPreviewProblem(response, error, config);
    });
  }

  async function look(): Promise<void> {
    for (const open of visits) {
      if ((await access.sessionFor(open.place, open.cookie)) === null) open.cut();
    }
  }

  const timer = setInterval(() => {
    looking ??= look()
      .catch((error: unknown) => log.warn({ err: error }, 'the rights behind previews could not be looked at'))
      .finally(() => (looking = null));
  }, LOOK_EVERY_MS).unref();

  return {
    putBefore(ours, port) {
      port.on('request', (request: IncomingMessage, response: ServerResponse) => {
        const place = readPreviewHost(config, request.headers.host);
        if (place === null) ours.emit('request', request, response);
        else if (place === 'nothing') sendPreviewProblem(response, new AppError('NOT_FOUND'), config);
        else answer({ request, response, place, upgrade: null });
      });
      port.on('upgrade', (request: IncomingMessage, socket: Socket, head: Buffer) => {
        const place = readPreviewHost(config, request.headers.host);
        if (place === null) return void ours.emit('upgrade', request, socket, head);
        socket.on('error', () => socket.destroy());
        const response = responseOn(request, socket);
        if (place === 'nothing') sendPreviewProblem(response, new AppError('NOT_FOUND'), config);
        else answer({ request, response, place, upgrade: { socket, head } });
      });
    },
    async close() {
      closed = true;
      clearInterval(timer);
      for (const open of visits) open.cut();
      await looking;
    },
  };
}

/** An answer to an upgrade that does not come about, after which the connection ends. */
function responseOn(request: IncomingMessage, socket: Socket): ServerResponse {
  const response = new ServerResponse(request);
  response.shouldKeepAlive = false;
  response.assignSocket(socket);
  response.once('finish', () => socket.end());
  return response;
}

function refuseMalformed(request: IncomingMessage, isUpgrade: boolean): void {
  const hosts = request.rawHeaders.filter((name, index) => index % 2 === 0 && name.toLowerCase() === 'host');
  const detail =
    hosts.length !== 1
      ? 'A request names one host.'
      : !request.url?.startsWith('/')
        ? 'The address must be a path.'
        : isUpgrade && request.headers.upgrade?.toLowerCase() !== 'websocket'
          ? 'A preview can be upgraded to a WebSocket alone.'
          : null;
  if (detail !== null) throw new AppError('MALFORMED_BODY', { detail });
}

/** Whoever may see a preview may know that its session is closed; to a gateway that is a server which is not there. */
function asUnavailable(error: unknown): never {
  if (isAppError(error, 'SESSION_NOT_OPEN') || isAppError(error, 'SESSION_NOT_RUNNING')) {
    throw new AppError('PREVIEW_CLOSED', { cause: error });
  }
  throw error;
}
