import type { ApiDeps } from '#api/deps.ts';
import type { ConnectedSocket } from '#api/sockets/connectedSocket.ts';
import { onMessage } from '#api/sockets/guard.ts';
import { createTerminalLink, type Tell, type TerminalLink } from '#api/terminal/terminalLink.ts';
import { Ack, Attach, Detach, Input, Resize, Visible, type Attached } from '#shared/contracts/terminal.ts';
import { AppError } from '#shared/domain/errors.ts';
import type { ApiMetrics } from '#platform/observability/metrics.ts';

/** Terminals that one socket may hold at once. */
const MAX_LINKS = 32;

interface Name {
  sessionUuid: string;
  terminalId: string;
}

/** Serves one socket of /terminal: attaches it to terminals of sessions that its person may use. */
export function serveTerminals(deps: ApiDeps, metrics: ApiMetrics, connected: ConnectedSocket): void {
  const { socket } = connected;
  const links = new Map<string, TerminalLink>();

  function drop(key: string, link: TerminalLink): void {
    if (links.get(key) !== link) return;
    links.delete(key);
    metrics.terminals.dec();
  }

  function end(key: string, how: 'left' | 'lost'): void {
    const link = links.get(key);
    if (!link) return;
    link.close(how);
    drop(key, link);
  }

  function createLink(key: string, request: Attach): TerminalLink {
    const { sessionUuid, terminalId } = request;
    const tell: Tell = (event, message) => {
      if ('data' in message && message.data instanceof Uint8Array) {
        metrics.terminalOutputBytes.inc(message.data.byteLength);
      }
      socket.emit(event, { sessionUuid, terminalId, ...message });
    };
    const link = createTerminalLink({
      deps,
      caller: () => connected.caller,
      request,
      tell,
      ended: () => drop(key, link),
    });
    links.set(key, link);
    metrics.terminals.inc();
    return link;
  }

  async function attach(request: Attach): Promise<Attached> {
    const key = keyOf(request);
    // A second attach of the same terminal is a browser that lost its place: the first one ends.
    end(key, 'left');
    if (links.size >= MAX_LINKS) {
      throw new AppError('TERMINAL_LIMIT', { detail: `One connection shows at most ${MAX_LINKS} terminals.` });
    }
    const link = createLink(key, request);
    try {
      const attached = await link.join();
      // After the acknowledgement was written, which happens in this turn's microtasks.
      setImmediate(() => link.begin());
      return attached;
    } catch (error) {
      link.close('left');
      drop(key, link);
      throw error;
    }
  }

  const { log } = deps;
  onMessage(socket, { event: 'attach', schema: Attach, log, handle: attach, inTurn: true });
  onMessage(socket, {
    event: 'input',
    schema: Input,
    log,
    handle: (message) => links.get(keyOf(message))?.input(message.seq, message.data),
  });
  onMessage(socket, {
    event: 'resize',
    schema: Resize,
    log,
    handle: (message) => links.get(keyOf(message))?.resize(message.size),
  });
  onMessage(socket, {
    event: 'ack',
    schema: Ack,
    log,
    handle: (message) => links.get(keyOf(message))?.ack(message.offset),
  });
  onMessage(socket, {
    event: 'visible',
    schema: Visible,
    log,
    handle: (message) => links.get(keyOf(message))?.visible(message.visible),
  });
  onMessage(socket, { event: 'detach', schema: Detach, log, handle: (message) => end(keyOf(message), 'left') });
  socket.on('disconnect', (reason) => {
    // Only a page that closes its socket itself has left; whoever vanishes may come back for the rest.
    const how = reason === 'client namespace disconnect' ? 'left' : 'lost';
    for (const key of [...links.keys()]) end(key, how);
  });
}

function keyOf({ sessionUuid, terminalId }: Name): string {
  return `${sessionUuid}/${terminalId}`;
}
