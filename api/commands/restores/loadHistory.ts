import type { ApiDeps } from '#api/deps.ts';
import { measureVersions } from '#platform/db/repositories/fileVersions.ts';
import { readHistorySince } from '#platform/db/repositories/itemPeriods.ts';
import type { SessionRecord } from '#platform/db/repositories/sessions.ts';

/** How far back a session can be restored, the bytes of its versions, and how many they may be. */
export async function loadHistory(
  { database, config }: Pick<ApiDeps, 'database' | 'config'>,
  session: SessionRecord,
): Promise<{ since: Date; versionBytes: number; versionLimit: number }> {
  const since = (await readHistorySince(database, session.id)) ?? session.createdAt;
  return { since, versionBytes: await measureVersions(database, session.id), versionLimit: config.MAX_VERSION_BYTES };
}
