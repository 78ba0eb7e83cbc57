import type { Database } from '#platform/db/database.ts';

/** What the reaper left in the database at its last completed run. */
export interface MaintenanceHeartbeat {
  installationId: string;
  token: string;
  at: Date;
}

/** The id that the first migration minted; every object of the runtime carries it. */
export async function findInstallationId(database: Database): Promise<string> {
  const rows = await database.query<{ id: string }>(`SELECT id FROM installation`);
  if (rows[0] === undefined) throw new Error('The table installation is empty: run the migrations.');
  return rows[0].id;
}

/** The reaper's last heartbeat, null in a database that it never served. */
export async function readHeartbeat(database: Database): Promise<MaintenanceHeartbeat | null> {
  const rows = await database.query<MaintenanceHeartbeat>(
    `SELECT installation_id AS "installationId", token, at FROM maintenance_heartbeat`,
  );
  return rows[0] ?? null;
}

/** Writes the token of a reaper's run. */
export async function writeHeartbeat(database: Database, token: string): Promise<void> {
  await database.query(
    `INSERT INTO maintenance_heartbeat (installation_id, token, at) SELECT id, $1, now() FROM installation
     ON CONFLICT (singleton) DO UPDATE SET installation_id = excluded.installation_id, token = excluded.token, at = now()`,
    [token],
  );
}

/** The token that an operator's acceptance leaves: the reaper takes the database for its own whatever its last run said. */
export const ACCEPTED_TOKEN = '00000000-0000-0000-0000-000000000000';

/** Accepts the database as it is, after it was restored or Temporal's was lost; the reaper's alarm ends with its next run. */
export async function acceptDatabase(database: Database): Promise<void> {
  await writeHeartbeat(database, ACCEPTED_TOKEN);
}
