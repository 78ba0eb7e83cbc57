import { jest } from '@jest/globals';
import type { ScheduleHandle } from '@temporalio/client';
import { listWarmSlots } from '#platform/db/repositories/warmSlots.ts';
import { createTemporal, type Temporal } from '#platform/temporal/client.ts';
import { scheduleIds } from '#platform/temporal/ensureSchedules.ts';
import { checkEverything } from '#tests/faults/checker.ts';
import { startStack, type Stack } from '#tests/support/stack.ts';
import { waitFor } from '#tests/support/waitFor.ts';
import { createAndOpen } from '#tests/support/warmPool.ts';

jest.setTimeout(240_000);

const SIZE = 3;

let stack: Stack;
let temporal: Temporal;
beforeAll(async () => {
  stack = await startStack({ BERTH_WARM_POOL_SIZE: String(SIZE) });
  temporal = createTemporal(stack.config);
});
afterAll(async () => {
  await temporal?.close();
  await stack?.stop();
});

const schedule = (): ScheduleHandle => temporal.client.schedule.getHandle(scheduleIds(stack.config).pool);

/** Resolves once as many slots as wanted are ready and nothing else is under way. */
async function settled(): Promise<string[]> {
  await waitFor(
    async () => {
      const [ready, making, retiring] = await Promise.all(
        (['ready', 'making', 'retiring'] as const).map((state) => listWarmSlots(stack.database, state)),
      );
      return ready!.length === SIZE && making!.length === 0 && retiring!.length === 0;
    },
    { deadlineMs: 150_000, what: `a pool of ${SIZE} with nothing under way` },
  );
  return (await listWarmSlots(stack.database, 'ready')).map(({ uuid }) => uuid);
}

/** Resolves once the checker finds nothing: a run of the schedule may be at work in the very moment that it looks. */
async function nothingIsLeft(): Promise<void> {
  let found: string[] = [];
  await waitFor(async () => (found = await checkEverything(stack.config, [])).length === 0, {
    deadlineMs: 90_000,
    what: 'nothing to be lost or left over',
  }).catch((error: unknown) => {
    throw new Error(found.join('\n'), { cause: error });
  });
}

/** Makes the slots that are ready ones of an older image, for which the next run makes others. */
async function outdate(): Promise<void> {
  const outdated = await stack.database.query(
    `UPDATE warm_slots SET spec_hash = 'an older image' WHERE state = 'ready' AND spec_hash <> 'an older image'
     RETURNING uuid`,
  );
  if (outdated.length > 0) await schedule().trigger();
}

/** Resolves while slots are made. A busy machine may look away for as long as that takes: then others are made for them. */
async function isMaking(): Promise<void> {
  await waitFor(
    async () => {
      if ((await listWarmSlots(stack.database, 'making')).length > 0) return true;
      await outdate();
      return false;
    },
    { deadlineMs: 90_000, what: 'a slot to be made' },
  );
}

describe('the warm pool', () => {
  it('is full in the end, with nothing beside it, when the worker is killed while it makes slots', async () => {
    await isMaking();
    await stack.worker.kill();
    stack.worker.start();
    await settled();
    await nothingIsLeft();
  });

  it('leaves nothing of a run that was terminated and whose worker was killed', async () => {
    const before = await settled();
    await outdate();
    await isMaking();
    await stack.worker.kill();
    const { info } = await schedule().describe();
    for (const { workflow } of info.runningActions) {
      await temporal.client.workflow.getHandle(workflow.workflowId).terminate('the wrong button');
    }
    stack.worker.start();
    await schedule().trigger();
    const after = await settled();
    expect(after.filter((uuid) => before.includes(uuid))).toEqual([]);
    await nothingIsLeft();
  });

  it('gives its slots to sessions whose worker is killed while they open', async () => {
    const slots = await settled();
    const session = await createAndOpen(stack);
    expect(slots).toContain(session.uuid);
    await stack.worker.kill();
    stack.worker.start();
    await waitFor(
      async () => {
        const rows = await stack.database.query(`SELECT 1 FROM sessions WHERE id = $1 AND phase = 'running'`, [
          session.id,
        ]);
        return rows.length > 0;
      },
      { deadlineMs: 120_000, what: 'the session to run' },
    );
    await schedule().trigger();
    await settled();
    await nothingIsLeft();
  });
});
