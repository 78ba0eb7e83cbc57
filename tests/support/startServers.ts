import { startTestServers, type TestServers } from '#tests/support/servers.ts';

declare global {
  var berthTestServers: TestServers | undefined;
}

/** Jest's global setup: one PostgreSQL and one Temporal server for the whole run; test files find them by environment. */
export default async function startServers(): Promise<void> {
  const servers = await startTestServers();
  globalThis.berthTestServers = servers;
  process.env['BERTH_TEST_POSTGRES_URL'] = servers.postgresUrl;
  process.env['BERTH_TEST_TEMPORAL_ADDRESS'] = servers.temporalAddress;
}
