import { jest } from '@jest/globals';
import { discardAndReopen, discardKept, retrySave } from '#api/commands/sessions/unsavedVolume.ts';
import type { SessionRecord } from '#platform/db/repositories/sessions.ts';
import { saveInEditor } from '#tests/support/saveInEditor.ts';
import { createSessionStack, fileOnVolume, sessionRun, type SessionStack } from '#tests/support/sessionStack.ts';
import { createNodeSwitch } from '#tests/support/unreachableNode.ts';
import { waitFor } from '#tests/support/waitFor.ts';

jest.setTimeout(400_000);

const node = createNodeSwitch();
const PATIENCE = { deadlineMs: 90_000 };
let stack: SessionStack;
beforeAll(async () => {
  // Short, for a close on a lost node waits so long for a pod; yet a busy machine needs seconds to start one.
  stack = await createSessionStack({ NODE_LOST_SECONDS: '2', POD_START_SECONDS: '15' }, { wrapRuntime: node.around });
});
afterAll(() => stack.stop());

const actorOf = (session: SessionRecord) => ({
  actorId: session.userId,
  username: 'alice',
  address: '127.0.0.1',
  requestId: 'test',
});

async function opened(): Promise<SessionRecord> {
  const session = await stack.newSession();
  await stack.open(session);
  return stack.reaches(session, 'running');
}

/** A session whose terminal made a file that is saved, and whose node has stopped answering since. */
async function lostAfterSave(): Promise<SessionRecord> {
  const session = await opened();
  await stack.type(session, 'echo saved > saved.txt');
  await waitFor(async () => (await stack.fileInDatabase(session, 'saved.txt')) === 'saved\n', PATIENCE);
  node.lose(session.uuid);
  await waitFor(async () => (await stack.read(session)).phaseCause === 'node-lost', {
    ...PATIENCE,
    what: 'the cause node-lost',
  });
  return stack.read(session);
}

/** A close of what cannot be reached tries for long before it keeps the volume. */
async function comesTo(session: SessionRecord, phase: SessionRecord['phase'], generation = 1): Promise<SessionRecord> {
  await waitFor(
    async () => {
      const found = await stack.read(session);
      return found.phase === phase && found.generation === generation;
    },
    { deadlineMs: 150_000, what: `phase ${phase} of generation ${generation}` },
  );
  return stack.read(session);
}

/** Closed while the volume could not be reached; the node forgot the pod, and the volume is kept. */
async function kept(): Promise<SessionRecord> {
  const session = await lostAfterSave();
  await stack.close(session);
  await comesTo(session, 'closing');
  node.giveBack(session.uuid);
  const closed = await comesTo(session, 'closed');
  expect(closed).toMatchObject({ phaseReason: 'save-failed', phaseCause: 'node-lost' });
  expect(await stack.volumeState(session)).toBe('kept');
  return closed;
}

async function attentionOf(session: SessionRecord): Promise<unknown> {
  const { searchAttributes } = await sessionRun(stack, session).describe();
  return searchAttributes['NeedsAttention']?.[0];
}

// A close on a lost node waits for long before it gives up: all of them wait at once.
describe('a session on a node that does not answer', () => {
  it.concurrent('stays running, needs attention, takes saves, and has them when the node is back', async () => {
    const session = await lostAfterSave();
    expect(session).toMatchObject({ phase: 'running', phaseReason: 'node-lost', generation: 1 });
    await waitFor(async () => (await attentionOf(session)) === true, { ...PATIENCE, what: 'NeedsAttention' });
    await saveInEditor(stack, session, { path: 'saved.txt', content: 'newer\n' });
    expect(await stack.fileInDatabase(session, 'saved.txt')).toBe('newer\n');
    node.giveBack(session.uuid);
    await waitFor(async () => (await stack.read(session)).phaseCause === null, { ...PATIENCE, what: 'no cause' });
    expect(await stack.read(session)).toMatchObject({ phase: 'running', phaseReason: null, generation: 1 });
    await waitFor(async () => (await fileOnVolume(stack, session, 'saved.txt')) === 'newer\n', PATIENCE);
    await waitFor(async () => (await attentionOf(session)) === false, { ...PATIENCE, what: 'no NeedsAttention' });
    await stack.close(session);
    await stack.reaches(session, 'closed');
  });

  it.concurrent('is opened anew from the newest save when its owner discards what is on the volume', async () => {
    const session = await lostAfterSave();
    const before = await stack.runtime.list();
    const oldVolume = before.volumes.find(({ uuid }) => uuid === session.uuid);
    const { newestSave } = await discardAndReopen(stack, session, actorOf(session));
    expect(newestSave?.path).toBe('saved.txt');
    const reopened = await comesTo(session, 'running', 2);
    expect(reopened).toMatchObject({ phaseReason: null, phaseCause: null });
    expect(await fileOnVolume(stack, session, 'saved.txt')).toBe('saved\n');
    const { volumes, pods } = await stack.runtime.list();
    expect(volumes.filter(({ uuid }) => uuid === session.uuid).map(({ uid }) => uid)).not.toContain(oldVolume?.uid);
    expect(pods.filter(({ uuid }) => uuid === session.uuid)).toHaveLength(1);
    const [told] = await stack.database.query<{ outcome: string; details: { newestSave: { path: string } } }>(
      `SELECT outcome, details FROM audit_log WHERE action = 'session-discard-and-reopen' AND target = $1`,
      [`session:${session.uuid}`],
    );
    expect(told).toMatchObject({ outcome: 'done', details: { newestSave: { path: 'saved.txt' } } });
    await stack.close(session);
    await stack.reaches(session, 'closed');
  });

  it.concurrent('can be discarded while its close waits for the node', async () => {
    const session = await lostAfterSave();
    await stack.close(session);
    await comesTo(session, 'closing');
    expect((await stack.read(session)).phaseCause).toBe('node-lost');
    await discardAndReopen(stack, session, actorOf(session));
    await comesTo(session, 'running', 2);
    expect(await fileOnVolume(stack, session, 'saved.txt')).toBe('saved\n');
    await stack.close(session);
    await stack.reaches(session, 'closed');
  });

  it.concurrent('can be discarded also after somebody opened it while its close waited', async () => {
    const session = await lostAfterSave();
    await stack.close(session);
    await comesTo(session, 'closing');
    await stack.open(session);
    expect(await stack.read(session)).toMatchObject({ phase: 'requested', generation: 2, phaseCause: 'node-lost' });
    await discardAndReopen(stack, session, actorOf(session));
    const reopened = await comesTo(session, 'running', 3);
    expect(reopened.phaseCause).toBeNull();
    expect(await fileOnVolume(stack, session, 'saved.txt')).toBe('saved\n');
    await stack.close(session);
    await stack.reaches(session, 'closed');
  });

  it.concurrent('is saved by another try, and without its volume after it, when its close kept that', async () => {
    const session = await kept();
    await retrySave(stack, session, actorOf(session));
    await comesTo(session, 'closed', 2);
    expect(await stack.volumeState(session)).toBeNull();
    expect(await stack.fileInDatabase(session, 'saved.txt')).toBe('saved\n');
    expect((await stack.read(session)).phaseCause).toBeNull();
    await expect(retrySave(stack, session, actorOf(session))).rejects.toMatchObject({ code: 'NOTHING_TO_SAVE' });
  });

  it.concurrent('stays closed, without the volume that its close kept, when its owner discards that', async () => {
    const session = await kept();
    await discardKept(stack, session, actorOf(session));
    const closed = await comesTo(session, 'closed', 2);
    expect(closed).toMatchObject({ phaseReason: 'discarded', phaseCause: null });
    expect(await stack.volumeState(session)).toBeNull();
    expect((await stack.runtime.list()).volumes.filter(({ uuid }) => uuid === session.uuid)).toEqual([]);
    expect(await stack.fileInDatabase(session, 'saved.txt')).toBe('saved\n');
  });
});

describe('a session of which everything can be saved', () => {
  it('refuses to be discarded, open or closed', async () => {
    const session = await opened();
    for (const discard of [discardAndReopen, discardKept]) {
      await expect(discard(stack, session, actorOf(session))).rejects.toMatchObject({ code: 'NOTHING_TO_DISCARD' });
    }
    await stack.close(session);
    await stack.reaches(session, 'closed');
    await expect(discardAndReopen(stack, session, actorOf(session))).rejects.toMatchObject({
      code: 'NOTHING_TO_DISCARD',
    });
  });
});
