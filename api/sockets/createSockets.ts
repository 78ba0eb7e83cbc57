import type { Server as HttpServer } from 'node:http';
import { Server, type Socket } from 'socket.io';
import type { ApiDeps } from '#api/deps.ts';
import { networkOf } from '#api/http/networks.ts';
import type { RateLimits } from '#api/http/rateLimits.ts';
import type { Caller } from '#api/http/route.ts';
import { connectSocket, type ConnectedSocket } from '#api/sockets/connectedSocket.ts';
import { serveEvents } from '#api/sockets/eventsNamespace.ts';
import { toRefusal } from '#api/sockets/guard.ts';
import { addressOfConnection, authenticateSocket, mayConnect } from '#api/sockets/handshake.ts';
import { tellLists } from '#api/sockets/listNotices.ts';
import { tellNotifications } from '#api/sockets/notificationNotices.ts';
import { createRightsWatch } from '#api/sockets/rightsWatch.ts';
import { serveRuns } from '#api/sockets/runsOfSocket.ts';
import { serveTerminals } from '#api/sockets/terminalNamespace.ts';
import type { TokenScope } from '#shared/contracts/user.ts';
import { AppError } from '#shared/domain/errors.ts';
import type { ApiMetrics } from '#platform/observability/metrics.ts';

/** Sockets of one person in one process and namespace. */
export const MAX_SOCKETS_PER_PERSON = 64;
/** The largest message is 64 KiB of typed or pasted input with its envelope. */
const MAX_MESSAGE_BYTES = 128 * 1_024;

/** The sockets of an api. */
export interface Sockets {
  /** Cuts every socket and takes no more. */
  close(): Promise<void>;
}

/** What sockets stand on. */
export interface SocketOptions {
  deps: ApiDeps;
  limits: RateLimits;
  metrics: ApiMetrics;
  server: HttpServer;
}

interface NamespaceOptions {
  name: '/events' | '/terminal';
  scope: TokenScope;
  serve: (deps: ApiDeps, metrics: ApiMetrics, connected: ConnectedSocket) => void;
}

/** Puts /events and /terminal on the server, behind the same authentication as HTTP. */
export function createSockets({ deps, limits, metrics, server }: SocketOptions): Sockets {
  const io = new Server(server, {
    // The polling transport is where the holes were, and nobody needs it.
    transports: ['websocket'],
    perMessageDeflate: false,
    httpCompression: false,
    maxHttpBufferSize: MAX_MESSAGE_BYTES,
    serveClient: false,
    connectTimeout: 10_000,
    pingInterval: 10_000,
    pingTimeout: 20_000,
    allowRequest(request, decide) {
      if (!mayConnect(deps, request)) return decide('forbidden origin', false);
      const network = networkOf(addressOfConnection(request, deps.config.BERTH_TRUST_PROXY_HOPS));
      limits.take('default', network).then(
        () => decide(null, true),
        () => decide('too many requests', false),
      );
    },
  });
  const watch = createRightsWatch(deps.database, deps.log);

  function open({ name, scope, serve }: NamespaceOptions): void {
    const people = new Map<number, number>();
    const namespace = io.of(name);
    namespace.use((socket, next) => {
      admit(socket, people, scope).then(
        () => next(),
        (error: unknown) => next(refuseHandshake(error)),
      );
    });
    namespace.on('connection', (socket) => {
      const { caller } = socket.data as { caller: Caller };
      metrics.sockets.inc({ namespace: name });
      people.set(caller.id, (people.get(caller.id) ?? 0) + 1);
      socket.on('disconnect', () => {
        metrics.sockets.dec({ namespace: name });
        const left = (people.get(caller.id) ?? 1) - 1;
        if (left > 0) people.set(caller.id, left);
        else people.delete(caller.id);
      });
      serve(deps, metrics, connectSocket(socket, { caller, scope, watch, metrics, log: deps.log }));
    });
  }

  async function admit(socket: Socket, people: Map<number, number>, scope: TokenScope): Promise<void> {
    const caller = await authenticateSocket(deps, socket.handshake, scope);
    if ((people.get(caller.id) ?? 0) >= MAX_SOCKETS_PER_PERSON) throw new AppError('SOCKET_LIMIT');
    (socket.data as { caller: Caller }).caller = caller;
  }

  function refuseHandshake(error: unknown): Error {
    const { code, detail } = toRefusal(error, deps.log);
    return Object.assign(new Error(code), { data: { code, detail } });
  }

  open({ name: '/events', scope: 'read', serve: serveEvents });
  open({
    name: '/terminal',
    scope: 'sessions',
    serve(given, counted, connected) {
      serveTerminals(given, counted, connected);
      serveRuns(given, connected);
    },
  });
  const stopLists = tellLists(deps, io.of('/events'));
  const stopNotifications = tellNotifications(deps, io.of('/events'));

  return {
    async close() {
      stopLists();
      stopNotifications();
      watch.close();
      io.disconnectSockets(true);
      io.engine.close();
    },
  };
}
