import type { ScheduleHandle } from '@temporalio/client';
import { ensureSchedules, scheduleIds } from '#platform/temporal/ensureSchedules.ts';
import { testTemporal, type TestTemporal } from '#tests/support/temporal.ts';
import { waitFor } from '#tests/support/waitFor.ts';

let server: TestTemporal;
beforeAll(() => {
  server = testTemporal();
});
afterAll(async () => {
  for (const id of Object.values(scheduleIds(configOf(0))))
    await server.temporal.client.schedule.getHandle(id).delete();
  await server.close();
});

const configOf = (size: number) => ({ TEMPORAL_TASK_QUEUE_PREFIX: server.taskQueuePrefix, BERTH_WARM_POOL_SIZE: size });
const ensure = (size: number): Promise<void> => ensureSchedules(server.temporal, configOf(size));
const pool = (): ScheduleHandle => server.temporal.client.schedule.getHandle(scheduleIds(configOf(0)).pool);

async function everySeconds(): Promise<(number | undefined)[]> {
  const { spec } = await pool().describe();
  return (spec.intervals ?? []).map(({ every }) => Number(every) / 1_000);
}

describe('the schedules', () => {
  it('look after a pool often while it is on, and seldom while it is off, whatever it was before', async () => {
    await ensure(0);
    expect(await everySeconds()).toEqual([3_600]);
    await ensure(4);
    await waitFor(async () => (await everySeconds())[0] === 30, { what: 'the pace of a pool that is on' });
    await ensure(0);
    await waitFor(async () => (await everySeconds())[0] === 3_600, { what: 'the pace of a pool that is off' });
  });

  it('leave one paused that an operator has paused', async () => {
    await ensure(0);
    await pool().pause('maintenance of the nodes');
    await waitFor(async () => (await pool().describe()).state.paused, { what: 'the pause' });
    await ensure(4);
    await waitFor(async () => (await everySeconds())[0] === 30, { what: 'the pace of a pool that is on' });
    const { state } = await pool().describe();
    expect(state).toMatchObject({ paused: true, note: 'maintenance of the nodes' });
  });
});
