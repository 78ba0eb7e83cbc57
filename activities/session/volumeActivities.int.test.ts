import { createTestDatabase, type TestDatabase } from '#tests/support/database.ts';
import { createAgentGround, type AgentGround } from '#tests/support/openedSession.ts';
import { build } from '#tests/support/factories.ts';
import { insertVolume } from '#platform/db/repositories/volumes.ts';
import { createVolumeActivities } from '#activities/session/volumeActivities.ts';

let test: TestDatabase;
let ground: AgentGround;
beforeAll(async () => {
  test = await createTestDatabase();
  ground = await createAgentGround(test);
});
afterAll(async () => {
  await ground.close();
  await test.drop();
});

describe('the removal of a volume', () => {
  it('takes the claim too whose maker died before it noted what it had made', async () => {
    const { id: sessionId, uuid } = await build.session(test.database, { phase: 'closing', generation: 1 });
    const volume = await insertVolume(test.database, sessionId);
    await ground.runtime.ensureVolume(uuid, volume.id);
    const { deleteVolume } = createVolumeActivities({ ...ground.deps, runtime: ground.runtime });
    expect(await deleteVolume({ sessionId, uuid, generation: 1 })).toEqual({ deleted: true });
    expect((await ground.runtime.list()).volumes).toEqual([]);
  });
});
