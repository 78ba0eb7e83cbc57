import { insertFolder } from '#platform/db/repositories/items.ts';
import { lockSession } from '#platform/db/repositories/sessions.ts';
import { lockUser } from '#platform/db/repositories/users.ts';
import { createTestDatabase, type TestDatabase } from '#tests/support/database.ts';
import { build } from '#tests/support/factories.ts';

let test: TestDatabase;
beforeAll(async () => {
  test = await createTestDatabase();
});
afterAll(() => test.drop());

describe('the lock on a person', () => {
  it('lets a save of theirs pass that holds the session which is to be opened', async () => {
    const { database } = test;
    const { id: sessionId, uuid, userId } = await build.session(database);
    const sessionHeld = Promise.withResolvers<undefined>();
    const userHeld = Promise.withResolvers<undefined>();
    const saving = database.transaction(async (tx) => {
      await lockSession(database, uuid, tx);
      sessionHeld.resolve(undefined);
      await userHeld.promise;
      return insertFolder(database, { sessionId, parentId: null, name: 'src', userId }, tx);
    });
    const opening = database.transaction(async (tx) => {
      await sessionHeld.promise;
      await lockUser(database, userId, tx);
      userHeld.resolve(undefined);
      return lockSession(database, uuid, tx);
    });
    expect((await saving).name).toBe('src');
    expect((await opening)?.id).toBe(sessionId);
  });
});
