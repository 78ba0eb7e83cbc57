import { once } from 'node:events';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import pg from 'pg';
import { freePort } from '#cli/embedded/freePort.ts';
import { startPostgres, type EmbeddedPostgres } from '#cli/embedded/postgres.ts';
import { waitFor } from '#tests/support/waitFor.ts';

describe('the embedded PostgreSQL', () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'berth-postgres-'));
  chmodSync(folder, 0o755);
  const start = (choosePort?: () => Promise<number>): Promise<EmbeddedPostgres> =>
    startPostgres(
      {
        folder: path.join(folder, 'postgres'),
        logFile: path.join(folder, 'postgres.log'),
        pidFile: path.join(folder, 'postgres.pid'),
        durable: true,
      },
      choosePort,
    );
  let postgres: EmbeddedPostgres;

  beforeAll(async () => {
    postgres = await start();
  });
  afterAll(async () => {
    await postgres.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  async function ask(statement: string): Promise<unknown[]> {
    const client = new pg.Client({ connectionString: postgres.url('postgres') });
    // The server is killed under this connection in one test.
    client.on('error', () => undefined);
    await client.connect();
    const { rows } = await client.query({ text: statement, rowMode: 'array' });
    await client.end();
    return rows.flat();
  }

  it('limits what a query may put on the disk, and listens on this machine alone', async () => {
    expect(await ask('SHOW temp_file_limit')).toEqual(['2GB']);
    expect(await ask('SHOW listen_addresses')).toEqual(['127.0.0.1']);
    expect(await ask('SHOW unix_socket_directories')).toEqual(['']);
  });

  it('lets nobody in without the password', async () => {
    const client = new pg.Client({ connectionString: postgres.url('postgres').replace(/:[0-9a-f]+@/, ':wrong@') });
    await expect(client.connect()).rejects.toThrow(/password authentication failed/);
  });

  it('starts again after a kill -9 while a backend of it is still busy, with everything committed', async () => {
    await ask('CREATE TABLE kept AS SELECT 42 AS answer');
    const busy = new pg.Client({ connectionString: postgres.url('postgres') });
    busy.on('error', () => undefined);
    await busy.connect();
    // Busy for a time that no load prolongs: the next start waits for the backend, but not for ever.
    const running = busy
      .query(
        `DO $$ DECLARE ends timestamptz := clock_timestamp() + interval '6 seconds';
         BEGIN WHILE clock_timestamp() < ends LOOP END LOOP; END $$`,
      )
      .catch(() => undefined);
    // A backend that waits for a statement would end with its server.
    await waitFor(
      async () => (await ask(`SELECT 1 FROM pg_stat_activity WHERE state = 'active' AND query LIKE 'DO %'`)).length,
      { what: 'the backend to be busy' },
    );
    process.kill(postgres.child.pid ?? 0, 'SIGKILL');
    postgres = await start();
    await running;
    await busy.end().catch(() => undefined);
    expect(await ask('SELECT answer FROM kept')).toEqual([42]);
  });

  it('takes another port when somebody had the chosen one first', async () => {
    const somebody = createServer((caller) => caller.destroy()).listen(0, '127.0.0.1');
    await once(somebody, 'listening');
    const { port: taken } = somebody.address() as AddressInfo;
    await postgres.stop();
    let choices = 0;
    try {
      postgres = await start(async () => ((choices += 1) === 1 ? taken : freePort()));
    } finally {
      somebody.close();
    }
    expect(choices).toBe(2);
    expect(postgres.url('postgres')).not.toContain(`:${String(taken)}/`);
    expect(await ask('SHOW listen_addresses')).toEqual(['127.0.0.1']);
  });
});
