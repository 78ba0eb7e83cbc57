import { randomBytes } from 'node:crypto';
import { createTemporal, type Temporal } from '#platform/temporal/client.ts';

/** A client of the run's Temporal server, and task queues that no other test file uses. */
export interface TestTemporal {
  address: string;
  taskQueuePrefix: string;
  temporal: Temporal;
  close(): Promise<void>;
}

/** Connects to the run's Temporal server. */
export function testTemporal(): TestTemporal {
  const address = process.env['BERTH_TEST_TEMPORAL_ADDRESS'];
  if (address === undefined)
    throw new Error("There is no Temporal server: run the test in jest's integration project.");
  const temporal = createTemporal({ TEMPORAL_ADDRESS: address, TEMPORAL_NAMESPACE: 'default' });
  return {
    address,
    taskQueuePrefix: `test-${randomBytes(6).toString('hex')}`,
    temporal,
    close: () => temporal.close(),
  };
}
