import { AppError } from '#shared/domain/errors.ts';
import { insertVolume, setClaimUid, setVolumeState } from '#platform/db/repositories/volumes.ts';
import type { Runtime } from '#platform/runtime/Runtime.ts';
import { createPodActivities } from '#activities/session/podActivities.ts';
import { createVolumeActivities } from '#activities/session/volumeActivities.ts';
import { build } from '#tests/support/factories.ts';
import { createSessionStack, type SessionStack } from '#tests/support/sessionStack.ts';
import { createNodeSwitch } from '#tests/support/unreachableNode.ts';

const node = createNodeSwitch();
let stack: SessionStack;
beforeAll(async () => {
  stack = await createSessionStack({}, { wrapRuntime: (runtime) => node.around(holdingVolumes(runtime)) });
});
afterAll(() => stack.stop());

/** As a cluster does it: a volume does not go while a pod is on it. */
function holdingVolumes(runtime: Runtime): Runtime {
  return replacing(runtime, {
    async destroyVolume(uuid, claimUid) {
      const { podUid } = await runtime.status(uuid);
      if (podUid !== null) throw new AppError('INTERNAL', { detail: `Pod ${podUid} holds the volume.` });
      await runtime.destroyVolume(uuid, claimUid);
    },
  });
}

function replacing(runtime: Runtime, replaced: Partial<Runtime>): Runtime {
  return new Proxy(runtime, {
    get(target, name: keyof Runtime) {
      const member: unknown = replaced[name] ?? target[name];
      return typeof member === 'function' ? (member as () => unknown).bind(target) : member;
    },
  });
}

/** A session in its second generation, as its row says, with the pod of its first and a volume in that state. */
async function withOldPod(state: 'drained' | 'discarded') {
  const session = await build.session(stack.database, { phase: 'provisioning', generation: 2 });
  const { id: sessionId, uuid } = session;
  const { id: volumeId } = await insertVolume(stack.database, sessionId);
  const { claimUid } = await stack.runtime.ensureVolume(uuid, volumeId);
  await setClaimUid(stack.database, { id: volumeId, claimUid });
  await setVolumeState(stack.database, { id: volumeId, state });
  const spec = { uuid, volumeId, claimUid, language: 'python' };
  const { podUid } = await stack.runtime.ensurePod({ ...spec, generation: 1 });
  return { sessionId, uuid, claimUid, podUid, spec };
}

async function causeOf(sessionId: number): Promise<string | null> {
  const [row] = await stack.database.query<{ cause: string | null }>(
    `SELECT phase_cause AS cause FROM sessions WHERE id = $1`,
    [sessionId],
  );
  return row!.cause;
}

describe('an opening that finds a volume to remove and the pod that is on it', () => {
  it('removes the older pod first and goes on with a new volume', async () => {
    const { sessionId, uuid, claimUid } = await withOldPod('drained');
    const made = await createVolumeActivities(stack).ensureVolume({ sessionId, uuid, generation: 2 });
    expect(made).toMatchObject({ state: 'new' });
    expect(made.claimUid).not.toBe(claimUid);
    expect(await stack.runtime.status(uuid)).toMatchObject({ podUid: null });
  });

  it('waits for a lost node unless its owner gave the volume up', async () => {
    const drained = await withOldPod('drained');
    const discarded = await withOldPod('discarded');
    node.lose(drained.uuid);
    node.lose(discarded.uuid);
    const open = (of: typeof drained) =>
      createVolumeActivities(stack).ensureVolume({ sessionId: of.sessionId, uuid: of.uuid, generation: 2 });
    await expect(open(drained)).rejects.toThrow('its node is lost');
    expect(await open(discarded)).toMatchObject({ state: 'new' });
    node.giveBack(drained.uuid);
    expect(await open(drained)).toMatchObject({ state: 'new' });
  });
});

describe('the removal of a pod at the end of its generation', () => {
  it('leaves the pod of the next one alone, though that begins in the middle of it', async () => {
    const { sessionId, uuid, spec, podUid } = await withOldPod('drained');
    await stack.database.query(`UPDATE sessions SET generation = 1 WHERE id = $1`, [sessionId]);
    let next = podUid;
    const runtime = replacing(stack.runtime, {
      async destroyPod(...given) {
        next = (await stack.runtime.ensurePod({ ...spec, generation: 2 })).podUid;
        await stack.runtime.destroyPod(...given);
      },
    });
    await createPodActivities({ ...stack, runtime }).deletePod({ sessionId, uuid, generation: 1 });
    expect(next).not.toBe(podUid);
    expect(await stack.runtime.status(uuid)).toMatchObject({ podUid: next });
    await stack.runtime.destroyPod(uuid);
  });

  it('does not wait for a lost node when its owner gave the volume up, whichever generation is present', async () => {
    for (const generation of [1, 2]) {
      const { sessionId, uuid } = await withOldPod('discarded');
      node.lose(uuid);
      await createPodActivities(stack).deletePod({ sessionId, uuid, generation });
      expect(await stack.runtime.status(uuid)).toMatchObject({ podUid: null });
    }
  });

  it('tells people of a lost node that it waits for', async () => {
    for (const generation of [1, 2]) {
      const { sessionId, uuid } = await withOldPod('drained');
      node.lose(uuid);
      const { deletePod } = createPodActivities(stack);
      await expect(deletePod({ sessionId, uuid, generation })).rejects.toThrow('its node is lost');
      expect(await causeOf(sessionId)).toBe('node-lost');
      node.giveBack(uuid);
      await deletePod({ sessionId, uuid, generation });
    }
  });
});
