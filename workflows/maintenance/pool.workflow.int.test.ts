import { randomUUID } from 'node:crypto';
import { ApplicationFailure } from '@temporalio/common';
import { NativeConnection, Worker } from '@temporalio/worker';
import { pino } from 'pino';
import { taskQueues } from '#shared/domain/queues.ts';
import { registerSearchAttributes } from '#platform/temporal/registerSearchAttributes.ts';
import { bundleWorkflows } from '#workers/bundle.ts';
import { installWorkerLog } from '#workers/workerLog.ts';
import { TEST_BUNDLES } from '#tests/support/sessionSteps.ts';
import { testTemporal, type TestTemporal } from '#tests/support/temporal.ts';
import type { PoolActivities, PoolResult } from '#workflows/maintenance/pool.ports.ts';

/* The order and the pace of a run alone, on the real server: its steps are plain objects that count. */

let server: TestTemporal;
let connection: NativeConnection;
let codePath: string;
beforeAll(async () => {
  installWorkerLog(pino({ level: 'silent' }));
  server = testTemporal();
  await registerSearchAttributes(server.temporal, 'default');
  connection = await NativeConnection.connect({ address: server.address });
  codePath = await bundleWorkflows(TEST_BUNDLES);
});
afterAll(async () => {
  await connection.close();
  await server.close();
});

/** A pool whose slots are numbers, and what was done to it. */
class CountedPool implements PoolActivities {
  ready = 0;
  retiring = 0;
  atOnce = 0;
  most = 0;
  tried = 0;
  problem: string | null = null;
  readonly size: number;
  readonly make: (tried: number) => void;

  constructor(size: number, make: (tried: number) => void = () => undefined) {
    this.size = size;
    this.make = make;
  }

  surveyPool = async () => {
    const missing = Math.max(0, this.size - this.ready);
    return { paused: false, size: this.size, ready: this.ready, missing, retiring: this.retiring, retired: {} };
  };

  makeSlot = async () => {
    this.atOnce += 1;
    this.most = Math.max(this.most, this.atOnce);
    // The others of the same round begin before this one has ended.
    await new Promise((resolve) => setImmediate(resolve));
    this.atOnce -= 1;
    this.tried += 1;
    this.make(this.tried);
    this.ready += 1;
    return { ready: true };
  };

  removeRetired = async () => {
    const removed = this.retiring;
    this.retiring = 0;
    return { removed };
  };

  recordPoolRun = async ({ problem }: { problem: string | null }) => {
    this.problem = problem;
  };
}

async function run(counted: CountedPool): Promise<PoolResult> {
  const queues = taskQueues(`test-${randomUUID()}`);
  const { surveyPool, makeSlot, removeRetired, recordPoolRun } = counted;
  const workers = [
    await Worker.create({
      connection,
      namespace: 'default',
      taskQueue: queues.orchestration,
      workflowBundle: { codePath },
    }),
    await Worker.create({
      connection,
      namespace: 'default',
      taskQueue: queues.runtime,
      activities: { surveyPool, makeSlot, removeRetired, recordPoolRun },
    }),
  ];
  const running = Promise.all(workers.map((worker) => worker.run()));
  try {
    return (await server.temporal.client.workflow.execute('pool', {
      taskQueue: queues.orchestration,
      workflowId: `pool-${randomUUID()}`,
    })) as PoolResult;
  } finally {
    for (const worker of workers) worker.shutdown();
    await running;
  }
}

describe('a run of the pool', () => {
  it('makes at most twenty slots, never more than four at once', async () => {
    const counted = new CountedPool(100);
    expect(await run(counted)).toMatchObject({ size: 100, ready: 20, made: 20, problem: null });
    expect(counted.most).toBeLessThanOrEqual(4);
  });

  it('does nothing to a pool that is full, and removes what was retired', async () => {
    const counted = new CountedPool(3);
    counted.ready = 3;
    counted.retiring = 2;
    expect(await run(counted)).toMatchObject({ ready: 3, made: 0, removed: 2 });
    expect(counted.tried).toBe(0);
  });

  it('is filled though what was retired cannot be removed, and says so', async () => {
    const counted = new CountedPool(3);
    counted.retiring = 1;
    counted.removeRetired = () =>
      Promise.reject(ApplicationFailure.nonRetryable('its node does not answer', 'AGENT_UNREACHABLE'));
    const { ready, problem } = await run(counted);
    expect(ready).toBe(3);
    expect(problem).toContain('its node does not answer');
  });

  it('stops at a slot that cannot be made, removes what was retired all the same, and says why', async () => {
    const counted = new CountedPool(100, (tried) => {
      if (tried > 6) throw ApplicationFailure.nonRetryable('the quota is used up', 'POD_REFUSED');
    });
    counted.retiring = 1;
    expect(await run(counted)).toMatchObject({ made: 6, removed: 1, problem: 'the quota is used up' });
    expect(counted.tried).toBe(8);
    expect(counted.problem).toBe('the quota is used up');
  });
});
