import { randomUUID } from 'node:crypto';
import { insertRecording, listRecordings, readRecording } from '#platform/db/repositories/recordings.ts';
import { createSessionStack, fileOnVolume, runEnd, type SessionStack } from '#tests/support/sessionStack.ts';
import { waitFor } from '#tests/support/waitFor.ts';

let stack: SessionStack;
beforeAll(async () => {
  stack = await createSessionStack();
});
afterAll(() => stack.stop());

describe('a session on the real parts', () => {
  it('opens with its files, brings what a terminal makes to the database, and leaves nothing behind at its close', async () => {
    const session = await stack.newSession();
    await stack.open(session);
    await stack.reaches(session, 'running');
    expect(await stack.volumeState(session)).toBe('live');
    await stack.type(session, 'python3 main.py > out.txt; mkdir -p a/b; echo hi > a/b/c.txt');
    await waitFor(async () => (await stack.fileInDatabase(session, 'a/b/c.txt')) === 'hi\n');
    await waitFor(async () => (await stack.fileInDatabase(session, 'out.txt')) !== null);
    await stack.type(session, 'echo last > last.txt');
    await waitFor(async () => (await fileOnVolume(stack, session, 'last.txt')) === 'last\n');
    await stack.close(session);
    const closed = await stack.reaches(session, 'closed');
    expect(closed.phaseReason).toBe('user');
    expect(await stack.fileInDatabase(session, 'last.txt')).toBe('last\n');
    expect(await stack.runtime.list()).toEqual({ pods: [], volumes: [] });
    expect(await stack.volumeState(session)).toBeNull();
    await stack.open(session);
    await stack.reaches(session, 'running', 2);
    await stack.type(session, 'cat a/b/c.txt > again.txt');
    await waitFor(async () => (await stack.fileInDatabase(session, 'again.txt')) === 'hi\n');
    await stack.close(session);
    await stack.reaches(session, 'closed');
    expect(await runEnd(stack, session)).toBe('COMPLETED');
  });

  it('brings what was recorded up to its close into the database', async () => {
    const session = await stack.newSession();
    await stack.open(session);
    await stack.reaches(session, 'running');
    const { recordings, ...agent } = await stack.agent(session);
    const { id: terminalId } = await agent.openTerminal({ name: 'build', size: { cols: 80, rows: 24 } });
    const id = randomUUID();
    const row = { id, sessionId: session.id, startedBy: session.userId, terminalId, terminalName: 'build' };
    await insertRecording(stack.database, { ...row, withInput: false }, null);
    await recordings.start({ id, terminal: terminalId, maxBytes: 100_000, maxSeconds: 600, withInput: false });
    await stack.close(session);
    await stack.reaches(session, 'closed');
    const [ended] = await listRecordings(stack.database, session.id);
    expect(ended).toMatchObject({ id, endReason: 'session-closed' });
    expect((await readRecording(stack.database, { sessionId: session.id, id }))?.toString()).toContain(
      'session was closed',
    );
  });
});
