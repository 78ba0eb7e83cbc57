import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { rootCertificates } from 'node:tls';
import { fileURLToPath } from 'node:url';
import pino from 'pino';
import { giveTo } from '#cli/embedded/postgresFolder.ts';
import { startPostgres, type EmbeddedPostgres } from '#cli/embedded/postgres.ts';
import { createDatabase } from '#platform/db/database.ts';
import { createEventListener } from '#platform/events/createEventListener.ts';
import { runProgram } from '#tests/support/childProcess.ts';
import { waitFor } from '#tests/support/waitFor.ts';

/** For the name localhost, signed by itself; it ends in a hundred years. */
const CERTIFICATE = fileURLToPath(new URL('../../tests/support/tls/server.crt', import.meta.url));
const KEY = fileURLToPath(new URL('../../tests/support/tls/server.key', import.meta.url));

describe('a PostgreSQL that lets nobody in without TLS', () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'berth-tls-'));
  chmodSync(folder, 0o755);
  const otherRoot = path.join(folder, 'other.crt');
  let postgres: EmbeddedPostgres;

  beforeAll(async () => {
    postgres = await startPostgres({
      folder: path.join(folder, 'postgres'),
      logFile: path.join(folder, 'postgres.log'),
      pidFile: path.join(folder, 'postgres.pid'),
      durable: false,
    });
    await postgres.ensureDatabase('berth');
    await demandTls(postgres);
    writeFileSync(otherRoot, rootCertificates[0] ?? '');
  });
  afterAll(async () => {
    await postgres.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  function url(parameters: string, host = '127.0.0.1'): string {
    return `${postgres.url('berth').replace('127.0.0.1', host)}${parameters}`;
  }

  /** The names of the pool's and the listener's connections, and whether each is encrypted. */
  async function connectionsOf(address: string): Promise<Record<string, boolean>> {
    const database = createDatabase({ DATABASE_URL: address, DATABASE_POOL_MAX: 2 });
    const events = createEventListener({
      config: { DATABASE_URL: address },
      database,
      log: pino({ level: 'silent' }),
    });
    try {
      return await waitFor(
        async () => {
          const rows = await database.query<{ name: string; ssl: boolean }>(
            `SELECT application_name AS name, bool_and(ssl) AS ssl FROM pg_stat_ssl JOIN pg_stat_activity USING (pid)
             WHERE application_name LIKE 'berth%' GROUP BY 1`,
          );
          return rows.length === 2 && Object.fromEntries(rows.map(({ name, ssl }) => [name, ssl]));
        },
        { what: 'the pool and the listener to be connected' },
      );
    } finally {
      await events.close();
      await database.close();
    }
  }

  async function refusal(address: string): Promise<string> {
    const database = createDatabase({ DATABASE_URL: address, DATABASE_POOL_MAX: 2 });
    try {
      await database.query('SELECT 1');
      return '';
    } catch (error) {
      return error instanceof Error ? error.message : String(error);
    } finally {
      await database.close();
    }
  }

  it.each([
    ['require, without a look at the certificate', () => url('?sslmode=require')],
    ['require with its root', () => url(`?sslmode=require&sslrootcert=${CERTIFICATE}`)],
    ['verify-ca with its root, by another name', () => url(`?sslmode=verify-ca&sslrootcert=${CERTIFICATE}`)],
    ['verify-full with its root', () => url(`?sslmode=verify-full&sslrootcert=${CERTIFICATE}`, 'localhost')],
  ])('is spoken to by the pool and the listener alike, encrypted, under %s', async (_mode, address) => {
    expect(await connectionsOf(address())).toEqual({ berth: true, 'berth-listen': true });
  });

  it.each([
    ['verify-full without its root', () => url('?sslmode=verify-full', 'localhost'), /self-signed.*sslrootcert/s],
    [
      'verify-full with its root, by another name',
      () => url(`?sslmode=verify-full&sslrootcert=${CERTIFICATE}`),
      /127\.0\.0\.1 is not in the cert's list/,
    ],
    [
      'verify-ca with another root',
      () => url(`?sslmode=verify-ca&sslrootcert=${otherRoot}`),
      /self-signed.*sslrootcert/s,
    ],
    ['require with another root', () => url(`?sslmode=require&sslrootcert=${otherRoot}`), /self-signed.*sslrootcert/s],
    ['disable', () => url('?sslmode=disable'), /no encryption/],
    ['no mode at all', () => url(''), /no encryption/],
  ])('is not spoken to under %s, and the message says why', async (_mode, address, said) => {
    expect(await refusal(address())).toMatch(said);
  });

  it('is trusted, and migrated, by a command whose NODE_EXTRA_CA_CERTS names its root', async () => {
    const migrate = async (environment: Record<string, string>) => {
      const program = runProgram(process.execPath, {
        args: ['cli/main.ts', 'migrate'],
        environment: {
          ...process.env,
          BERTH_SECRET: 'x'.repeat(32),
          DATABASE_URL: url('?sslmode=verify-full', 'localhost'),
          ...environment,
        },
      });
      return { code: await program.ended(), output: program.output() };
    };
    const refused = await migrate({});
    expect(refused).toMatchObject({ code: 1, output: expect.stringMatching(/self-signed.*sslrootcert/s) as unknown });
    expect(await migrate({ NODE_EXTRA_CA_CERTS: CERTIFICATE })).toMatchObject({ code: 0 });
  });
});

async function demandTls({ folder, url }: EmbeddedPostgres): Promise<void> {
  for (const [name, source] of [
    ['server.crt', CERTIFICATE],
    ['server.key', KEY],
  ] as const) {
    const file = path.join(folder.data, name);
    writeFileSync(file, readFileSync(source), { mode: 0o600 });
    giveTo(folder, file);
  }
  const database = createDatabase({ DATABASE_URL: url('postgres'), DATABASE_POOL_MAX: 2 });
  await database.query('ALTER SYSTEM SET ssl = on');
  writeFileSync(path.join(folder.data, 'pg_hba.conf'), 'hostssl all all 127.0.0.1/32 scram-sha-256\n');
  await database.query('SELECT pg_reload_conf()');
  await database.close();
  await waitFor(
    async () => {
      const plain = createDatabase({ DATABASE_URL: url('postgres'), DATABASE_POOL_MAX: 2 });
      const said = await plain.query('SELECT 1').then(
        () => '',
        (error: unknown) => String(error),
      );
      await plain.close();
      return said.includes('no encryption');
    },
    { what: 'PostgreSQL to refuse what is not encrypted' },
  );
}
