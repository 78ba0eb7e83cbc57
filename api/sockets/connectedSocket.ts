import type { Socket } from 'socket.io';
import type { Logger } from 'pino';
import type { Caller } from '#api/http/route.ts';
import type { RightsWatch } from '#api/sockets/rightsWatch.ts';
import type { TokenScope } from '#shared/contracts/user.ts';
import type { ApiMetrics } from '#platform/observability/metrics.ts';

/** A socket with its person, whose rights are kept up to date. */
export interface ConnectedSocket {
  readonly socket: Socket;
  /** As the database last told it. */
  readonly caller: Caller;
  /** Called after level or scopes changed, to check again what the socket follows. */
  onRightsChange(check: () => Promise<void>): void;
}

/** What a socket is watched with. */
export interface ConnectionOptions {
  caller: Caller;
  scope: TokenScope;
  watch: RightsWatch;
  metrics: ApiMetrics;
  log: Logger;
}

/** Follows the rights behind a socket from now to its end; cuts it when they end. */
export function connectSocket(socket: Socket, options: ConnectionOptions): ConnectedSocket {
  let { caller } = options;
  let check: () => Promise<void> = async () => undefined;

  function cut(reason: string): void {
    options.metrics.socketsCut.inc({ reason });
    socket.disconnect(true);
  }

  const stop = options.watch.add({
    credentialId: caller.credentialId,
    rightsEnded: () => cut('ended'),
    rightsAre({ reviewerLevel, isOperator, scopes }) {
      if (scopes !== null && !scopes.includes(options.scope)) return cut('scope');
      const same = caller.reviewerLevel === reviewerLevel && caller.isOperator === isOperator;
      if (same) return;
      caller = { ...caller, reviewerLevel, isOperator, scopes };
      check().catch((error: unknown) => {
        // What cannot be checked must not go on as if it were allowed; the page connects again.
        options.log.warn({ err: error }, 'the rights of a socket could not be checked');
        cut('unchecked');
      });
    },
  });
  socket.on('disconnect', stop);

  return {
    socket,
    get caller() {
      return caller;
    },
    onRightsChange: (next) => void (check = next),
  };
}
