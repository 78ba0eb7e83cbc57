import { Context } from '@temporalio/activity';
import { readWarmPool, recordPoolRun, setWarmPool } from '#platform/db/repositories/warmPool.ts';
import {
  forgetClaimedSlots,
  listWarmSlots,
  removeRetiredSlot,
  retireDeadSlot,
  retireUnfinishedSlots,
  retireWarmSlots,
  type WarmSlotRecord,
} from '#platform/db/repositories/warmSlots.ts';
import type { PoolActivities, PoolSurvey } from '#workflows/maintenance/pool.ports.ts';
import { makeSlot, removeSlotObjects, type PoolDeps } from '#activities/pool/slots.ts';
import { whileBeating } from '#activities/whileBeating.ts';

/** Slots that are looked at or removed at once. */
const AT_ONCE = 8;
const HEARTBEAT_MS = 3_000;

/** Activities that keep pods ready for new sessions. They work with any runtime. */
export function createPoolActivities(deps: PoolDeps): PoolActivities {
  const { config, database, runtime, log } = deps;

  /**
   * Retires ready slots whose pod is known to be dead, or to be on a lost node: it would keep a person waiting, and nothing
   * is on its volume. One that cannot be read stays: unknown never destroys anything.
   */
  async function retireDead(): Promise<number> {
    let dead = 0;
    await eachAtOnce(await listWarmSlots(database, 'ready'), async ({ uuid, podUid }) => {
      const { status, cause, hopeless, podUid: present } = await runtime.status(uuid);
      const replaced = present !== null && present !== podUid;
      if (status !== 'gone' && cause !== 'node-lost' && hopeless !== true && !replaced) return;
      if (await retireDeadSlot(database, uuid)) dead += 1;
    });
    return dead;
  }

  return {
    async surveyPool({ unfinished }) {
      const wanted = { size: config.BERTH_WARM_POOL_SIZE, specification: runtime.specification };
      await setWarmPool(database, wanted);
      const retired: Record<string, number> = {};
      const count = (why: string, by: number): void => void (retired[why] = (retired[why] ?? 0) + by);
      if (unfinished) count('unfinished', await retireUnfinishedSlots(database));
      for (const slot of await retireWarmSlots(database, wanted)) count(slot.retiredBecause ?? '', 1);
      count('dead', await retireDead());
      await forgetClaimedSlots(database);
      const { pausedAt, making, ready, retiring } = await readWarmPool(database);
      const missing = pausedAt === null ? Math.max(0, wanted.size - ready - making) : 0;
      const seen = Object.fromEntries(Object.entries(retired).filter(([, slots]) => slots > 0));
      if (Object.keys(seen).length > 0) log.info({ retired: seen }, 'warm slots were retired');
      return {
        paused: pausedAt !== null,
        size: wanted.size,
        ready,
        missing,
        retiring,
        retired: seen,
      } satisfies PoolSurvey;
    },

    makeSlot: ({ uuid }) => whileBeating(HEARTBEAT_MS, () => makeSlot(deps, uuid)),

    removeRetired: () =>
      whileBeating(HEARTBEAT_MS, async () => {
        let removed = 0;
        const slots = await listWarmSlots(database, 'retiring');
        const objects = slots.length === 0 ? { volumes: [] } : await runtime.list();
        await eachAtOnce(slots, async ({ uuid }) => {
          Context.current().cancellationSignal.throwIfAborted();
          await removeSlotObjects(deps, uuid, objects);
          await removeRetiredSlot(database, uuid);
          removed += 1;
        });
        return { removed };
      }),

    recordPoolRun: ({ problem }) => recordPoolRun(database, problem),
  };
}

/** Works through the slots, some at once. The first failure is thrown after those that had begun have ended. */
async function eachAtOnce(slots: WarmSlotRecord[], work: (slot: WarmSlotRecord) => Promise<void>): Promise<void> {
  const waiting = [...slots];
  const failures: unknown[] = [];
  const workers = Array.from({ length: Math.min(AT_ONCE, waiting.length) }, async () => {
    for (let slot = waiting.shift(); slot !== undefined; slot = waiting.shift()) {
      // One that cannot be removed must not hold up the others.
      await work(slot).catch((error: unknown) => failures.push(error));
    }
  });
  await Promise.all(workers);
  if (failures.length > 0) throw failures[0];
}
