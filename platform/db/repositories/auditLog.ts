import type { Database, Tx } from '#platform/db/database.ts';

/** One line of the audit: who did or tried what, to what, from where. `details` never holds a secret. */
export interface AuditEntry {
  actorId: number | null;
  action: string;
  target: string | null;
  outcome: 'done' | 'refused';
  address: string | null;
  requestId: string | null;
  details?: Record<string, unknown>;
}

/** Appends to the audit; the database refuses to change or remove what is there. */
export async function appendAudit(database: Database, entry: AuditEntry, tx: Tx = null): Promise<void> {
  await database.query(
    `INSERT INTO audit_log (actor_id, action, target, outcome, address, request_id, details)
     VALUES ($1, $2, $3, $4, $5, $6, $7::jsonb)`,
    [
      entry.actorId,
      entry.action,
      entry.target,
      entry.outcome,
      entry.address,
      entry.requestId,
      JSON.stringify(entry.details ?? {}),
    ],
    tx,
  );
}
