import { createTestDatabase, type TestDatabase } from '#tests/support/database.ts';
import { createEditor } from '#tests/support/editor.ts';
import { createAgentGround, type AgentGround } from '#tests/support/openedSession.ts';

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

describe('an agent that says that a later reconcile has been there', () => {
  const AHEAD = 1_000;

  it('is not believed when the row knows of none: nothing was saved, and that is told', async () => {
    const session = await ground.open({ plant: (made) => createEditor(ground).oneFile(made) });
    const client = await ground.agentPool.get(session.ref.uuid, session.ref.generation);
    await client.manifest({ syncEpoch: AHEAD, keep: [] });
    session.workspace.write('new.txt', 'made in a terminal');
    await expect(session.reconcile()).rejects.toMatchObject({ code: 'AGENT_UNREACHABLE' });
  });

  it('is right when the row knows of it: this one gives way', async () => {
    const session = await ground.open({ plant: (made) => createEditor(ground).oneFile(made) });
    const client = await ground.agentPool.get(session.ref.uuid, session.ref.generation);
    const manifest = client.manifest.bind(client);
    client.manifest = async (options) => {
      await test.database.query(`UPDATE sessions SET sync_epoch = $2 WHERE id = $1`, [session.ref.sessionId, AHEAD]);
      await manifest({ syncEpoch: AHEAD, keep: [] });
      return manifest(options);
    };
    expect(await session.reconcile()).toEqual({ changed: 0, conflicts: 0, notSaved: 0, more: false });
  });
});
