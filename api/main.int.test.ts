import { connect } from 'node:net';
import { io } from 'socket.io-client';
import { allowedOrigin } from '#api/http/origin.ts';
import { cookieName } from '#api/auth/cookies.ts';
import { startSignIn } from '#api/auth/signIn.ts';
import { runProgram } from '#tests/support/childProcess.ts';
import { createTestDatabase } from '#tests/support/database.ts';
import { build } from '#tests/support/factories.ts';
import { waitFor } from '#tests/support/waitFor.ts';

interface Exchange {
  received(): string;
  write(text: string): void;
  closed: Promise<void>;
}

function exchange(port: number): Promise<Exchange> {
  return new Promise((resolve, reject) => {
    let text = '';
    const socket = connect(port, '127.0.0.1');
    socket.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
    const closed = new Promise<void>((done) => socket.on('close', () => done()));
    socket.on('error', reject);
    socket.on('connect', () => resolve({ received: () => text, write: (more) => void socket.write(more), closed }));
  });
}

describe('the process of the api', () => {
  it('ends in order on SIGTERM: the answer under way is given, sockets are cut, and it exits with 0', async () => {
    const test = await createTestDatabase({ BERTH_LOG_LEVEL: 'info' });
    const environment = Object.fromEntries(Object.entries(test.config).map(([name, value]) => [name, String(value)]));
    const program = runProgram(process.execPath, {
      args: ['api/main.ts'],
      environment: { PATH: process.env['PATH'], ...environment },
    });
    try {
      const port = Number(
        await waitFor(() => /"port":(\d+)/.exec(program.output())?.[1], { deadlineMs: 60_000, what: 'the port' }),
      );
      const user = await build.user(test.database);
      const origin = allowedOrigin(test.config);
      const id = await startSignIn(
        { database: test.database },
        { userId: user.id, origin: { address: '', userAgent: '' } },
      );
      const cookie = `${cookieName(test.config)}=${id}`;
      const socket = io(`http://127.0.0.1:${port}/events`, {
        transports: ['websocket'],
        reconnection: false,
        extraHeaders: { cookie, origin },
      });
      await waitFor(() => socket.connected, { what: 'the socket to connect' });

      const body = JSON.stringify({ name: 'made while the process ends' });
      const request = await exchange(port);
      request.write(
        `POST /api/v1/sessions HTTP/1.1\r\nHost: localhost\r\nCookie: ${cookie}\r\nOrigin: ${origin}\r\n` +
          `Content-Type: application/json\r\nContent-Length: ${body.length}\r\nExpect: 100-continue\r\n\r\n`,
      );
      await waitFor(() => request.received().includes('100 Continue'), { what: 'the request to be under way' });
      program.child.kill('SIGTERM');
      await waitFor(() => !socket.connected, { what: 'the socket to be cut' });
      await expect(exchange(port)).rejects.toThrow('ECONNREFUSED');
      request.write(body);
      await waitFor(() => request.received().includes('HTTP/1.1 201 Created'), { what: 'the answer' });
      expect(await program.ended()).toBe(0);

      const lines = program
        .output()
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line) as { level: number });
      expect(lines.filter((line) => line.level >= 50)).toEqual([]);
      expect(program.output()).not.toContain(test.config.BERTH_SECRET);
    } finally {
      await program.end('SIGKILL');
      await test.drop();
    }
  });

  it('does not start with a bad setting, and names it', async () => {
    const program = runProgram(process.execPath, {
      args: ['api/main.ts'],
      environment: { PATH: process.env['PATH'], BERTH_PORT: 'many', DATABASE_URL: 'postgres://localhost/x' },
    });
    expect(await program.ended()).not.toBe(0);
    expect(program.output()).toContain('BERTH_PORT: got "many"');
    expect(program.output()).toContain('BERTH_SECRET: got nothing');
  });
});
