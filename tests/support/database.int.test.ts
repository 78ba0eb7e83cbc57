import { build } from '#tests/support/factories.ts';
import { createTestDatabase } from '#tests/support/database.ts';
import { testTemporal } from '#tests/support/temporal.ts';
import { pendingMigrations } from '#platform/db/migrate.ts';

describe('the servers of a test run', () => {
  it('give each file a migrated database of its own', async () => {
    const first = await createTestDatabase();
    const second = await createTestDatabase();
    try {
      expect(await pendingMigrations(first.database)).toEqual([]);
      const { id } = await build.user(first.database);
      const session = await build.session(first.database, { userId: id });
      const folder = await build.folder(first.database, { sessionId: session.id, name: 'src' });
      const file = await build.file(first.database, { sessionId: session.id, name: 'a.py', parentId: folder.id });
      expect(file.fullPath).toBe('src/a.py');
      await build.review(first.database, { sessionUuid: session.uuid, submittedBy: id });
      const [here] = await first.database.query<{ count: string }>('SELECT count(*) FROM users');
      const [there] = await second.database.query<{ count: string }>('SELECT count(*) FROM users');
      expect([here?.count, there?.count]).toEqual(['1', '0']);
    } finally {
      await first.drop();
      await second.drop();
    }
  });

  it('sort and compare text the same way on every machine', async () => {
    const { database, drop } = await createTestDatabase();
    const [row] = await database.query<{ provider: string; lower: string }>(
      `SELECT datlocprovider::text AS provider, lower('ÄÉ') AS lower FROM pg_database WHERE datname = current_database()`,
    );
    await drop();
    expect(row).toEqual({ provider: 'b', lower: 'äé' });
  });

  it('know the search attributes of Berth', async () => {
    const { temporal, close } = testTemporal();
    const { customAttributes } = await temporal.connection.operatorService.listSearchAttributes({
      namespace: 'default',
    });
    await close();
    expect(Object.keys(customAttributes)).toEqual(
      expect.arrayContaining(['OwnerId', 'SessionPhase', 'DueAt', 'NeedsAttention']),
    );
  });
});
