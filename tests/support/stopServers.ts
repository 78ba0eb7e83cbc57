import type { TestServers } from '#tests/support/servers.ts';

declare global {
  var berthTestServers: TestServers | undefined;
}

/** Jest's global teardown. */
export default async function stopServers(): Promise<void> {
  await globalThis.berthTestServers?.stop();
}
