import type { ApiDeps } from '#api/deps.ts';
import { appendAudit } from '#platform/db/repositories/auditLog.ts';
import { deleteWebSession } from '#platform/db/repositories/webSessions.ts';

/** Ends a sign-in; its sockets are cut by every replica's next look at the rights. */
export async function logout(
  deps: ApiDeps,
  { key, actorId, address, requestId }: { key: string; actorId: number; address: string; requestId: string },
): Promise<void> {
  await deps.database.transaction(async (tx) => {
    await deleteWebSession(deps.database, key, tx);
    await appendAudit(
      deps.database,
      { actorId, action: 'logout', target: null, outcome: 'done', address, requestId },
      tx,
    );
  });
}
