import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { connectSocket } from '#platform/runtime/connectSocket.ts';

const host = '127.0.0.1';

/** Prints its port and then takes no more connections than the two that fit into its queue. */
const BUSY = `
  const server = require('node:net').createServer().listen({ port: 0, host: '${host}', backlog: 1 }, () => {
    require('node:fs').writeSync(1, String(server.address().port));
    process.kill(process.pid, 'SIGSTOP');
  });`;

describe('a socket with a time-out for connecting', () => {
  it('has none once it is connected', async () => {
    const server = createServer((caller) => caller.end('well met')).listen(0, host);
    await once(server, 'listening');
    const socket = await connectSocket({ port: (server.address() as AddressInfo).port, host });
    expect(socket.timeout).toBe(0);
    expect(socket.listenerCount('timeout')).toBe(0);
    expect(String((await once(socket, 'data'))[0])).toBe('well met');
    socket.destroy();
    server.close();
  });

  it('rejects with the error of the system where nobody listens', async () => {
    const server = createServer().listen(0, host);
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    server.close();
    await once(server, 'close');
    await expect(connectSocket({ port, host })).rejects.toMatchObject({ code: 'ECONNREFUSED' });
  });

  it('gives up on a pod that does not answer', async () => {
    const busy = spawn(process.execPath, ['-e', BUSY], { stdio: ['ignore', 'pipe', 'inherit'] });
    const queued: Socket[] = [];
    try {
      const port = Number(String((await once(busy.stdout, 'data'))[0]));
      for (let count = 0; count < 2; count += 1) queued.push(await connectSocket({ port, host }));
      await expect(connectSocket({ port, host })).rejects.toThrow('does not answer in time');
    } finally {
      busy.kill('SIGKILL');
      for (const socket of queued) socket.on('error', () => undefined).destroy();
    }
  });
});
