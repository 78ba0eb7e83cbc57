import { Client, Connection } from '@temporalio/client';
import type { Config } from '#platform/config/config.ts';

/** The connection of a process to Temporal. Opening it never fails: the server may come later. */
export interface Temporal {
  readonly client: Client;
  readonly connection: Connection;
  /** Runs client calls with a deadline; after it they reject, whatever the server does. */
  within<T>(milliseconds: number, call: () => Promise<T>): Promise<T>;
  /** True when the server answers within two seconds. */
  healthy(): Promise<boolean>;
  close(): Promise<void>;
}

/** Makes the client. Connects lazily, at the first call. */
export function createTemporal(config: Pick<Config, 'TEMPORAL_ADDRESS' | 'TEMPORAL_NAMESPACE'>): Temporal {
  const connection = Connection.lazy({ address: config.TEMPORAL_ADDRESS });
  const client = new Client({ connection, namespace: config.TEMPORAL_NAMESPACE });
  return {
    client,
    connection,
    within: (milliseconds, call) => client.withDeadline(Date.now() + milliseconds, call),
    async healthy() {
      try {
        await connection.withDeadline(Date.now() + 2_000, () => connection.workflowService.getSystemInfo({}));
        return true;
      } catch {
        return false;
      }
    },
    close: () => connection.close(),
  };
}
