import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

const CONNECT_MS = 500;

/** An address behind the proxy. */
export interface Target {
  host: string;
  port: number;
}

/** A balancer on loopback as small as can be: it hands each connection to the next target that takes it. */
export interface TcpProxy {
  port: number;
  /** What new connections go to, in turn. Those that are open stay. */
  aim(targets: Target[]): void;
  close(): Promise<void>;
}

/** Listens on a port of 127.0.0.1; 0 takes a free one. */
export async function startTcpProxy(port = 0): Promise<TcpProxy> {
  let targets: Target[] = [];
  let turn = 0;
  const open = new Set<Socket>();
  const server = createServer((client) => {
    keep(client);
    void carry(client);
  });

  function keep(socket: Socket): void {
    open.add(socket);
    socket.once('close', () => open.delete(socket));
    // Told by `close` too; without a listener the process would end.
    socket.on('error', () => undefined);
  }

  async function carry(client: Socket): Promise<void> {
    turn += 1;
    for (let index = 0; index < targets.length; index += 1) {
      const target = targets[(turn + index) % targets.length];
      const pod = target && (await reach(target));
      if (!pod) continue;
      keep(pod);
      client.pipe(pod).pipe(client);
      client.once('close', () => pod.destroy());
      pod.once('close', () => client.destroy());
      return;
    }
    client.destroy();
  }

  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    aim: (next) => (targets = next),
    async close() {
      for (const socket of open) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

/** Null when it does not take the connection in time. */
async function reach({ host, port }: Target): Promise<Socket | null> {
  const socket = connect({ host, port, noDelay: true });
  try {
    await once(socket, 'connect', { signal: AbortSignal.timeout(CONNECT_MS) });
    return socket;
  } catch {
    socket.destroy();
    return null;
  }
}
