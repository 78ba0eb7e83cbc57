import { Client, Connection } from '@temporalio/client';
import type { Config } from '#platform/config/config.ts';

/** The connection of a process to Temporal. Opening it never fails: the server may come later. */
export interface Temporal {
  readonly client: Client;
  readonly connection: Connection;
  /** Runs client calls with a deadline; after it they reject, whatever the server does. */
  within<T>(milliseconds: number, call: () => Promise<T>): Promise<T>;
  /** True when the server answers within that time, 2 000 ms unless told otherwise; connecting counts. */
  healthy(milliseconds?: number): Promise<boolean>;
  close(): Promise<void>;
}

/** The deadline of `within` came before the server's answer: whether the call was accepted is not known. */
export class TemporalTimeoutError extends Error {
  constructor(milliseconds: number) {
    super(`Temporal did not answer within ${milliseconds} ms`);
    this.name = 'TemporalTimeoutError';
  }
}

/** Makes the client. Connects lazily, at the first call. */
export function createTemporal(config: Pick<Config, 'TEMPORAL_ADDRESS' | 'TEMPORAL_NAMESPACE'>): Temporal {
  const connection = Connection.lazy({ address: config.TEMPORAL_ADDRESS });
  const client = new Client({ connection, namespace: config.TEMPORAL_NAMESPACE });
  const pending = new Set<Promise<unknown>>();

  /** The client's own deadline covers each try, not the pauses between them nor the connecting: this one covers all. */
  async function inTime<T>(milliseconds: number, call: Promise<T>): Promise<T> {
    // When the deadline wins, the call's own rejection comes later and has been told already.
    const settled: Promise<unknown> = call.then(
      () => pending.delete(settled),
      () => pending.delete(settled),
    );
    pending.add(settled);
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_resolve, reject) => {
      timer = setTimeout(() => reject(new TemporalTimeoutError(milliseconds)), milliseconds);
    });
    try {
      return await Promise.race([call, late]);
    } finally {
      clearTimeout(timer);
    }
  }

  return {
    client,
    connection,
    within: (milliseconds, call) => inTime(milliseconds, client.withDeadline(Date.now() + milliseconds, call)),
    async healthy(milliseconds = 2_000) {
      try {
        const call = () => connection.workflowService.getSystemInfo({});
        await inTime(milliseconds, connection.withDeadline(Date.now() + milliseconds, call));
        return true;
      } catch {
        return false;
      }
    },
    async close() {
      // A call that tries again on a closed channel throws where nobody can catch it.
      await Promise.allSettled(pending);
      await connection.close();
    },
  };
}
