import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { jest } from '@jest/globals';
import { freePort } from '#cli/embedded/freePort.ts';
import { startPostgres, type EmbeddedPostgres } from '#cli/embedded/postgres.ts';
import { reachableDataFolder } from '#cli/embedded/postgresFolder.ts';
import { createDatabase } from '#platform/db/database.ts';
import { migrate } from '#platform/db/migrate.ts';
import type { SessionRecord } from '#platform/db/repositories/sessions.ts';
import { TEMPLATE_DATABASE } from '#tests/support/servers.ts';
import { createSessionStack, fileOnVolume, type SessionStack } from '#tests/support/sessionStack.ts';
import { waitFor } from '#tests/support/waitFor.ts';

jest.setTimeout(180_000);

/** Longer than all tries of all steps of an open or a close take together. */
const AWAY_MS = 20_000;

let folder: string;
let postgres: EmbeddedPostgres;
let stack: SessionStack;

beforeAll(async () => {
  folder = mkdtempSync(path.join(tmpdir(), 'berth-away-'));
  chmodSync(folder, 0o755);
  const port = await freePort();
  postgres = await startServer(port);
  await postgres.ensureDatabase(TEMPLATE_DATABASE);
  const database = createDatabase({ DATABASE_URL: postgres.url(TEMPLATE_DATABASE), DATABASE_POOL_MAX: 4 });
  await migrate(database);
  await database.close();
  // The run's own server serves other tests too.
  process.env['BERTH_TEST_POSTGRES_URL'] = postgres.url('postgres');
  stack = await createSessionStack();
});
afterAll(async () => {
  await stack.stop();
  await postgres.stop();
  rmSync(folder, { recursive: true, force: true });
});

function startServer(port: number): Promise<EmbeddedPostgres> {
  return startPostgres(
    {
      folder: reachableDataFolder(path.join(folder, 'postgres')),
      logFile: path.join(folder, 'postgres.log'),
      pidFile: path.join(folder, 'postgres.pid'),
      durable: false,
    },
    async () => port,
  );
}

/** Stops PostgreSQL, and starts it again when it has been away for long. */
async function takeDatabaseAway(): Promise<void> {
  const port = Number(new URL(postgres.url('postgres')).port);
  await postgres.stop();
  const stoppedAt = Date.now();
  await waitFor(() => Date.now() - stoppedAt > AWAY_MS, { deadlineMs: 2 * AWAY_MS, what: 'the end of the outage' });
  postgres = await startServer(port);
}

async function closed(session: SessionRecord): Promise<void> {
  const last = await stack.reaches(session, 'closed');
  expect(last).toMatchObject({ phaseReason: 'user', phaseCause: null, generation: 1 });
  const { pods, volumes } = await stack.runtime.list();
  expect([...pods, ...volumes].filter(({ uuid }) => uuid === session.uuid)).toEqual([]);
}

describe('PostgreSQL away for longer than the tries of a step', () => {
  let closing: SessionRecord;
  let opening: SessionRecord;
  // One outage for both.
  beforeAll(async () => {
    [closing, opening] = await Promise.all([stack.newSession(), stack.newSession()]);
    await stack.open(closing);
    await stack.reaches(closing, 'running');
    // It outlives SIGHUP, so the close is still ending processes when the database goes.
    await stack.type(closing, `(trap '' HUP; echo newer > newer.txt; sleep 300) &`);
    await waitFor(() => fileOnVolume(stack, closing, 'newer.txt'), { what: 'newer.txt on the volume' });
    await stack.close(closing);
    await stack.reaches(closing, 'saving');
    let wasAway = false;
    const held = stack.database.transaction(async (tx) => {
      // No save passes its session's row, and a load needs the blobs: both go on, however fast or slow the machine is.
      await stack.database.query('SELECT 1 FROM sessions WHERE id = $1 FOR UPDATE', [closing.id], tx);
      await stack.database.query('LOCK TABLE blobs IN ACCESS EXCLUSIVE MODE', [], tx);
      await stack.open(opening);
      await stack.reaches(opening, 'loading');
      expect((await stack.read(closing)).phase).toBe('saving');
      await takeDatabaseAway();
      wasAway = true;
    });
    // Its connection has ended with the server.
    await expect(held).rejects.toThrow();
    // What failed before the outage is told as it is.
    if (!wasAway) await held;
  });

  it('makes no close fail: what is on the volume is saved once it is back', async () => {
    await closed(closing);
    expect(await stack.fileInDatabase(closing, 'newer.txt')).toBe('newer\n');
  });

  it('makes no open fail: the session runs once it is back', async () => {
    await stack.reaches(opening, 'running');
    expect(await fileOnVolume(stack, opening, 'main.py')).toContain('Hello');
    await stack.close(opening);
    await closed(opening);
  });
});
