import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { connect, createServer, type AddressInfo } from 'node:net';
import { readHeartbeat, writeHeartbeat } from '#platform/db/repositories/installation.ts';
import { findUserById } from '#platform/db/repositories/users.ts';
import { readWarmPool } from '#platform/db/repositories/warmPool.ts';
import { runProgram } from '#tests/support/childProcess.ts';
import { build } from '#tests/support/factories.ts';
import { createTestDatabase, type TestDatabase } from '#tests/support/database.ts';

async function berth(
  args: string[],
  environment: Record<string, string>,
): Promise<{ code: number | null; output: string }> {
  const program = runProgram(process.execPath, {
    args: ['cli/main.ts', ...args],
    environment: { ...process.env, DATABASE_URL: '', ...environment },
  });
  const code = await program.ended();
  return { code, output: program.output() };
}

// Whoever looks for a server that is not there waits long: the others run meanwhile.
describe('the berth command', () => {
  let test: TestDatabase;
  let environment: Record<string, string>;

  beforeAll(async () => {
    test = await createTestDatabase();
    environment = {
      DATABASE_URL: test.config.DATABASE_URL,
      BERTH_SECRET: test.config.BERTH_SECRET,
      TEMPORAL_ADDRESS: test.config.TEMPORAL_ADDRESS,
    };
  });
  afterAll(() => test.drop());

  it.concurrent('looks at the servers whose addresses are given, and fails when one does not answer', async () => {
    const [well, ill] = await Promise.all([
      berth(['doctor'], environment),
      berth(['doctor'], { ...environment, TEMPORAL_ADDRESS: '127.0.0.1:1' }),
    ]);
    expect(well.output).toMatch(/ok {4}PostgreSQL: answers, version \d+/);
    expect(well.output).toMatch(/ok {4}Temporal: .* answers/);
    expect(ill.code).toBe(1);
    expect(ill.output).toMatch(/FAIL {2}Temporal: 127\.0\.0\.1:1 does not answer/);
  });

  it.concurrent('says what it can do when it is asked for something else', async () => {
    const { code, output } = await berth(['dance'], {});
    expect(code).toBe(2);
    expect(output).toContain('berth <command>');
  });

  it.concurrent('migrates, and says when there is nothing to do', async () => {
    expect(await berth(['migrate'], environment)).toMatchObject({ code: 0, output: 'The database is up to date.\n' });
  });

  it.concurrent('stops at a bad setting and names it, what it got and what it wants', async () => {
    const { code, output } = await berth(['migrate'], { ...environment, BERTH_PORT: 'harbour', BERTH_SECRET: 'short' });
    expect(code).toBe(1);
    expect(output).toMatch(/BERTH_PORT: got "harbour"; .*number/);
    expect(output).toMatch(/BERTH_SECRET: got a value that is not shown; .*32/);
    expect(output).not.toContain('short;');
  });

  it.concurrent('accepts a restored database, so that maintenance trusts it again', async () => {
    await writeHeartbeat(test.database, randomUUID());
    const before = await readHeartbeat(test.database);
    expect((await berth(['admin', 'accept-database'], environment)).code).toBe(0);
    expect((await readHeartbeat(test.database))?.token).not.toBe(before?.token);
  });

  it.concurrent('makes an account a bot’s and a person’s again, and writes it into the audit', async () => {
    const { id } = await build.user(test.database, { username: 'Linter', reviewerLevel: 3 });
    const read = () => findUserById(test.database, id);
    const made = await berth(['admin', 'make-bot', 'linter'], environment);
    expect(made).toMatchObject({ code: 0, output: expect.stringContaining('linter is a bot') });
    expect(await read()).toMatchObject({ isBot: true, reviewerLevel: 0 });
    expect((await berth(['admin', 'make-person', 'linter'], environment)).code).toBe(0);
    expect(await read()).toMatchObject({ isBot: false, reviewerLevel: 0 });
    const unknown = await berth(['admin', 'make-bot', 'nobody'], environment);
    expect(unknown).toMatchObject({ code: 1, output: expect.stringContaining('There is no account nobody') });
    expect((await berth(['admin', 'make-bot'], environment)).code).toBe(2);
    const audit = await test.database.query<{ action: string }>(
      `SELECT action FROM audit_log WHERE action LIKE 'make-%' ORDER BY id`,
    );
    expect(audit.map(({ action }) => action)).toEqual(['make-bot', 'make-person']);
  });

  it.concurrent(
    'erases an account, but not the last one that can grant levels, and writes it into the audit',
    async () => {
      const grantor = await build.user(test.database, { username: 'Grantor', isOperator: true });
      const leaver = await build.user(test.database, { username: 'Leaver', reviewerLevel: 4 });
      expect(await berth(['admin', 'erase-user', 'leaver'], environment)).toMatchObject({
        code: 0,
        output: expect.stringContaining('leaver is erased, with 0 sessions'),
      });
      expect(await findUserById(test.database, leaver.id)).toMatchObject({ username: `erased ${leaver.id}` });
      const last = await berth(['admin', 'erase-user', 'grantor'], environment);
      expect(last).toMatchObject({ code: 1, output: expect.stringContaining('nobody could grant levels') });
      expect(await findUserById(test.database, grantor.id)).toMatchObject({ username: 'Grantor', disabledAt: null });
      const unknown = await berth(['admin', 'erase-user', 'leaver'], environment);
      expect(unknown).toMatchObject({ code: 1, output: expect.stringContaining('There is no account leaver') });
      const audit = await test.database.query<{ target: string }>(
        `SELECT target FROM audit_log WHERE action = 'erase-user'`,
      );
      expect(audit).toEqual([{ target: `user:${leaver.id}` }]);
    },
  );

  it.concurrent('pauses the warm pool in the database, shows it, and resumes it', async () => {
    const pausedBy = async () => (await readWarmPool(test.database)).pausedBy;
    expect((await berth(['admin', 'pause-pool'], environment)).output).toMatch(/Paused since .* by the command line/);
    expect(await pausedBy()).toBe('the command line');
    expect(await berth(['admin', 'pool'], environment)).toMatchObject({
      code: 0,
      output: expect.stringMatching(/0 of 0 ready, .*\nPaused since/s) as unknown,
    });
    expect((await berth(['admin', 'resume-pool'], environment)).output).not.toContain('Paused');
    expect(await pausedBy()).toBeNull();
  });

  it('has more patience with a Temporal that is far away than a health check has', async () => {
    const [host, port] = test.config.TEMPORAL_ADDRESS.split(':');
    const way = createServer((client) => {
      const server = connect(Number(port), host);
      client.pipe(server);
      server.on('data', (chunk) => setTimeout(() => client.write(chunk), 1_500));
      client.on('error', () => server.destroy()).on('close', () => server.destroy());
      server.on('error', () => client.destroy());
    }).listen(0, '127.0.0.1');
    await once(way, 'listening');
    const { port: far } = way.address() as AddressInfo;
    try {
      const { output } = await berth(['doctor'], { ...environment, TEMPORAL_ADDRESS: `127.0.0.1:${far}` });
      expect(output).toContain(`ok    Temporal: 127.0.0.1:${far} answers`);
    } finally {
      way.close();
    }
  });
});
