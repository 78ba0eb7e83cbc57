import { Context } from '@temporalio/activity';
import { AppError, isAppError } from '#shared/domain/errors.ts';
import type { AgentPool } from '#platform/agent/AgentClient.ts';
import type { RuntimeObject } from '#platform/runtime/Runtime.ts';
import { beginWarmSlot, isSlotInUse, offerWarmSlot } from '#platform/db/repositories/warmSlots.ts';
import type { ActivityDeps } from '#activities/session/deps.ts';

/** What slots are made with. */
export type PoolDeps = Pick<ActivityDeps, 'config' | 'database' | 'runtime' | 'agentPool' | 'log'>;

/** How long, in milliseconds, the pod of a slot may take until its agent answers. */
const AGENT_DEADLINE_MS = 60_000;
const AGENT_POLL_MS = 200;
const ANSWER_MS = 1_000;

/**
 * Makes the slot's volume and pod and offers it once its agent answers. Safe to run again after a crash. When the slot was
 * retired meanwhile, what was made here is removed here: whoever retired it may have looked before it was there.
 */
export async function makeSlot(deps: PoolDeps, uuid: string): Promise<{ ready: boolean }> {
  const { config, database, runtime } = deps;
  const seconds = config.BERTH_WARM_POOL_SECONDS;
  const slot = await beginWarmSlot(database, { uuid, specification: runtime.specification, seconds });
  if (slot.state !== 'making') return { ready: slot.state !== 'retiring' };
  const { volumeId, generation } = slot;
  const { claimUid } = await runtime.ensureVolume(uuid, volumeId);
  const { podUid } = await runtime.ensurePod({ uuid, generation, volumeId, claimUid, language: '' });
  await awaitAnswer(deps, { uuid, generation });
  if (await offerWarmSlot(database, { uuid, claimUid, podUid, seconds })) return { ready: true };
  // Another try of this step may have offered the same pod: it is somebody's by now.
  if (await isSlotInUse(database, uuid)) return { ready: true };
  await runtime.destroyPod(uuid, podUid);
  await runtime.destroyVolume(uuid, claimUid);
  return { ready: false };
}

async function awaitAnswer(
  { runtime, agentPool }: PoolDeps,
  { uuid, generation }: { uuid: string; generation: number },
): Promise<void> {
  const deadline = Date.now() + AGENT_DEADLINE_MS;
  while (!(await answers(agentPool, { uuid, generation }))) {
    const { status, cause, hopeless } = await runtime.status(uuid);
    if (status === 'gone' || hopeless === true || Date.now() > deadline) {
      const why = cause === null ? status : `${status}: ${cause}`;
      throw new AppError('AGENT_UNREACHABLE', { detail: `The agent of slot ${uuid} does not answer (${why}).` });
    }
    await Context.current().sleep(AGENT_POLL_MS);
  }
}

/** Whether the agent answers a question within a second. A stream that is still there says little: its other end may hang. */
export async function answers(
  agentPool: AgentPool,
  { uuid, generation }: { uuid: string; generation: number },
): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<false>((resolve) => {
    timer = setTimeout(() => resolve(false), ANSWER_MS);
  });
  const asked = agentPool.get(uuid, generation, ANSWER_MS).then(async (client) => {
    await client.activity();
    return true;
  });
  // A refusal that comes after the second is nobody's business any more.
  const answered = asked.catch((error: unknown) => {
    if (isAppError(error)) return false;
    throw error;
  });
  try {
    return await Promise.race([answered, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** Removes pod and volume of a retired slot. Nobody else has that uuid: only ready slots become sessions. */
export async function removeSlotObjects(
  { runtime }: Pick<PoolDeps, 'runtime'>,
  uuid: string,
  objects: { volumes: RuntimeObject[] },
): Promise<void> {
  // A lost node is not waited for: nothing is on the volume.
  const force = (await runtime.status(uuid)).cause === 'node-lost';
  await runtime.destroyPod(uuid, undefined, { force });
  for (const volume of objects.volumes.filter((one) => one.uuid === uuid)) {
    await runtime.destroyVolume(uuid, volume.uid);
  }
}
