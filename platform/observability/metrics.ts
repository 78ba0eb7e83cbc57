import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { Database } from '#platform/db/database.ts';

/** What the api measures; names carry their unit, labels have few values. */
export interface ApiMetrics {
  registry: Registry;
  requestSeconds: Histogram<'method' | 'route' | 'status'>;
  sockets: Gauge<'namespace'>;
  terminals: Gauge;
  terminalOutputBytes: Counter;
  eventLagSeconds: Histogram;
  socketsCut: Counter<'reason'>;
}

/** Makes the metrics of one api process in a registry of their own. */
export function createApiMetrics(database: Database): ApiMetrics {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const registers = [registry];
  observePool(database, registers);
  return {
    registry,
    requestSeconds: new Histogram({
      name: 'berth_http_request_seconds',
      help: 'Seconds from a request to the end of its answer.',
      labelNames: ['method', 'route', 'status'],
      buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
      registers,
    }),
    sockets: new Gauge({ name: 'berth_sockets', help: 'Connected sockets.', labelNames: ['namespace'], registers }),
    terminals: new Gauge({ name: 'berth_terminal_attachments', help: 'Attached terminals.', registers }),
    terminalOutputBytes: new Counter({
      name: 'berth_terminal_output_bytes_total',
      help: 'Bytes of terminal output sent to browsers.',
      registers,
    }),
    eventLagSeconds: new Histogram({
      name: 'berth_event_lag_seconds',
      help: "Seconds from an event's transaction to its forwarding.",
      buckets: [0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 30],
      registers,
    }),
    socketsCut: new Counter({
      name: 'berth_sockets_cut_total',
      help: 'Sockets that were cut because their rights ended.',
      labelNames: ['reason'],
      registers,
    }),
  };
}

/** The parts of Sequelize's pool that it does not type. */
interface Pool {
  using: number;
  available: number;
  waiting: number;
}

function observePool(database: Database, registers: Registry[]): void {
  const { pool } = database.sequelize.connectionManager as unknown as { pool: Pool };
  const states = ['using', 'available', 'waiting'] as const;
  new Gauge({
    name: 'berth_database_pool',
    help: 'Database connections in use and available, and statements that wait for one.',
    labelNames: ['state'],
    registers,
    collect() {
      for (const state of states) this.set({ state }, pool[state]);
    },
  });
}
