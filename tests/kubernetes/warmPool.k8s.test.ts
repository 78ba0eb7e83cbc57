import { jest } from '@jest/globals';
import { agentSecretName, podName, volumeName } from '#shared/domain/podNames.ts';
import type { SessionRecord } from '#platform/db/repositories/sessions.ts';
import { findVolume } from '#platform/db/repositories/volumes.ts';
import { listWarmSlots, type WarmSlotRecord } from '#platform/db/repositories/warmSlots.ts';
import { createTestNamespace, type TestNamespace } from '#tests/support/cluster.ts';
import { createSessionStack, fileOnVolume, type SessionStack } from '#tests/support/sessionStack.ts';
import { waitFor } from '#tests/support/waitFor.ts';
import { createAndOpen, runPool } from '#tests/support/warmPool.ts';

// Real pods on a busy machine: the waits inside have deadlines of their own.
jest.setTimeout(300_000);

let namespace: TestNamespace;
let stack: SessionStack;
beforeAll(async () => {
  namespace = await createTestNamespace();
  stack = await createSessionStack(namespace.settings);
});
afterAll(async () => {
  await stack?.stop();
  await namespace?.drop();
});

const ready = (): Promise<WarmSlotRecord[]> => listWarmSlots(stack.database, 'ready');

async function uidOf(kind: 'pod' | 'persistentvolumeclaim', name: string): Promise<string> {
  return (await namespace.get<{ metadata: { uid: string } }>(kind, name)).metadata.uid;
}

async function namesOfObjects(): Promise<string[]> {
  const kinds = 'pods,persistentvolumeclaims,secrets';
  const { items } = await namespace.get<{ items: { metadata: { name: string } }[] }>(kinds);
  return items.map(({ metadata }) => metadata.name).sort();
}

async function close(session: SessionRecord): Promise<void> {
  await stack.close(session);
  await stack.reaches(session, 'closed');
}

/** Kubernetes collects a key after the claim that owns it. */
async function objectsBecome(names: string[]): Promise<void> {
  await waitFor(async () => JSON.stringify(await namesOfObjects()) === JSON.stringify(names.sort()), {
    deadlineMs: 90_000,
    what: `no other objects than ${names.join(', ')}`,
  });
}

const namesOf = (uuid: string): string[] => [podName(uuid), volumeName(uuid), agentSecretName(uuid, 1)];

describe('a pool of two on a cluster', () => {
  it('hands a running pod and its claim to a session, which leaves nothing when it is closed', async () => {
    expect(await runPool(stack, 2)).toMatchObject({ ready: 2, made: 2, problem: null });
    const slots = await ready();
    await objectsBecome(slots.flatMap(({ uuid }) => namesOf(uuid)));

    const started = performance.now();
    const session = await createAndOpen(stack, { language: 'c' });
    await stack.reaches(session, 'running');
    console.log(`create and open from the warm pool to running: ${(performance.now() - started).toFixed(0)} ms`);

    const slot = slots.find(({ uuid }) => uuid === session.uuid)!;
    expect(slot).toBeDefined();
    expect(await uidOf('pod', podName(session.uuid))).toBe(slot.podUid);
    expect(await uidOf('persistentvolumeclaim', volumeName(session.uuid))).toBe(slot.claimUid);
    expect(await findVolume(stack.database, session.id)).toMatchObject({ id: slot.volumeId, state: 'live' });
    expect(await fileOnVolume(stack, session, 'main.c')).toContain('Hello from Berth');

    await close(session);
    const left = slots.find(({ uuid }) => uuid !== session.uuid)!;
    await objectsBecome(namesOf(left.uuid));
  });

  it('makes a pod again under the same names when the waiting one was deleted by hand', async () => {
    await runPool(stack, 1);
    const [slot] = await ready();
    await namespace.kubectl('delete', 'pod', podName(slot!.uuid), '--wait=true');
    const session = await createAndOpen(stack);
    expect(session.uuid).toBe(slot!.uuid);
    await stack.reaches(session, 'running');
    expect(await uidOf('pod', podName(session.uuid))).not.toBe(slot!.podUid);
    expect(await uidOf('persistentvolumeclaim', volumeName(session.uuid))).toBe(slot!.claimUid);
    await close(session);
    await objectsBecome([]);
  });

  it('replaces every slot when pods are made of something else, and removes all when it is off', async () => {
    await runPool(stack, 1);
    const [old] = await ready();
    await stack.database.query(`UPDATE warm_slots SET spec_hash = 'an older image'`);
    expect(await runPool(stack, 1)).toMatchObject({ ready: 1, made: 1, removed: 1 });
    const [young] = await ready();
    expect(young!.uuid).not.toBe(old!.uuid);
    await objectsBecome(namesOf(young!.uuid));
    expect(await runPool(stack, 0)).toMatchObject({ ready: 0, removed: 1 });
    await objectsBecome([]);
  });
});
