import { requestRun, startOf } from '#tests/support/runStage.ts';
import { createSessionStack, sessionRun, type SessionStack } from '#tests/support/sessionStack.ts';
import type { SessionRecord } from '#platform/db/repositories/sessions.ts';
import { waitFor } from '#tests/support/waitFor.ts';
import { extendSignal } from '#workflows/session/session.messages.ts';

const IDLE_SECONDS = 10;

let stack: SessionStack;
beforeAll(async () => {
  stack = await createSessionStack({ SESSION_IDLE_SECONDS: String(IDLE_SECONDS) });
});
afterAll(() => stack.stop());

async function opened(): Promise<SessionRecord> {
  const session = await stack.newSession();
  await stack.open(session);
  return stack.reaches(session, 'running');
}

/** What was told of a close that is due after a quiet time that began at `quietSince` (milliseconds since 1970). */
async function warnings(session: SessionRecord, quietSince: number): Promise<{ at: string; reason: string }[]> {
  const rows = await stack.database.query<{ payload: { at: string; reason: string } }>(
    `SELECT payload FROM events WHERE subject = 'session' AND subject_id = $1 AND kind = 'closingSoon' ORDER BY change_seq`,
    [session.id],
  );
  return rows.map((row) => row.payload).filter(({ at }) => Date.parse(at) >= quietSince + IDLE_SECONDS * 1_000);
}

// Both wait for the end of the idle time: they wait at once.
describe('an idle session', () => {
  it.concurrent('is announced to close, once, and then closes with everything saved', async () => {
    const session = await opened();
    // A slow machine may have told of a close before this, which moves it.
    const typedAt = Date.now();
    await stack.type(session, 'echo hi > hi.txt');
    const [warning] = await waitFor(
      async () => {
        const told = await warnings(session, typedAt);
        return told.length > 0 && told;
      },
      { deadlineMs: 30_000, what: 'the warning' },
    );
    expect(warning?.reason).toBe('idle');
    expect((await stack.read(session)).phase).toBe('running');
    const closed = await stack.reaches(session, 'closed');
    expect(closed.phaseReason).toBe('idle');
    expect(closed.updatedAt.getTime()).toBeGreaterThanOrEqual(Date.parse(warning!.at));
    expect(await warnings(session, typedAt)).toHaveLength(1);
    expect(await stack.fileInDatabase(session, 'hi.txt')).toBe('hi\n');
    const { volumes } = await stack.runtime.list();
    expect(volumes.filter(({ uuid }) => uuid === session.uuid)).toEqual([]);
  });

  it.concurrent('stays open while a command runs in a terminal, or as a run, and while it is held open', async () => {
    const busy = await opened();
    // At once: opening the other one may take longer than this one may be idle.
    await stack.type(busy, 'sleep 600');
    const working = await stack.newSession();
    // The run opens it.
    const run = await requestRun(stack, working, { command: 'sleep 600', timeLimitSeconds: 600 });
    await startOf(stack, run);
    const held = await opened();
    await sessionRun(stack, held).signal(extendSignal, { until: new Date(Date.now() + 600_000).toISOString() });
    const idle = await opened();
    await stack.reaches(idle, 'closed');
    expect((await stack.read(busy)).phase).toBe('running');
    expect((await stack.read(held)).phase).toBe('running');
    expect((await stack.read(working)).phase).toBe('running');
    for (const session of [busy, working, held]) {
      await stack.close(session);
      await stack.reaches(session, 'closed');
    }
  });
});

describe('a row that differs from its base', () => {
  it('reaches the volume within a second of its commit, whoever failed to hand it on', async () => {
    const session = await opened();
    await stack.database.transaction(async (tx) => {
      await stack.database.query('SELECT 1 FROM sessions WHERE id = $1 FOR UPDATE', [session.id], tx);
      await stack.database.query(
        `WITH blob AS (INSERT INTO blobs (sha256, bytes) VALUES (encode(sha256('new'::bytea), 'hex'), 'new'::bytea)
                       ON CONFLICT (sha256) DO UPDATE SET touched_at = now())
         UPDATE workspace_items SET content = 'new', sha256 = encode(sha256('new'::bytea), 'hex'), size = 3, version = version + 1
         WHERE session_id = $1 AND full_path = 'main.py'`,
        [session.id],
        tx,
      );
      await stack.database.query(
        `SELECT publish_session_event($1, 'items', '{"paths": ["main.py"], "truncated": false, "source": "editor"}')`,
        [session.id],
        tx,
      );
    });
    const client = await stack.agent(session);
    const readMain = async (): Promise<string> => {
      for await (const file of client.read(['main.py'])) return Buffer.from(file.bytes).toString();
      return '';
    };
    await waitFor(async () => (await readMain()) === 'new', { what: 'the row on the volume' });
    await stack.close(session);
    await stack.reaches(session, 'closed');
  });
});
