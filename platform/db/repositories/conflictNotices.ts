import type { Database, Tx } from '#platform/db/database.ts';
import { insertNotification } from '#platform/db/repositories/notifications.ts';

/** What a sync kept beside each other: the path, and the copy with the other side's content. */
export interface ConflictBatch {
  sessionId: number;
  /** The sync that did it: of one sync people are told once. */
  syncEpoch: number;
  conflicts: readonly { path: string; copy: string }[];
}

/** Tells the session's owner of all conflict copies of one sync at once. */
export async function notifyConflicts(
  database: Database,
  { sessionId, syncEpoch, conflicts }: ConflictBatch,
  tx: Tx,
): Promise<void> {
  const [first] = conflicts;
  if (first === undefined) return;
  const owners = await database.query<{ id: number }>(
    'SELECT user_id AS id FROM sessions WHERE id = $1',
    [sessionId],
    tx,
  );
  const others = conflicts.length - 1;
  const summary =
    others === 0
      ? `${first.path} was changed on both sides; the other version is kept as ${first.copy}.`
      : `${first.path} and ${others} more were changed on both sides; the other versions are kept beside them.`;
  await insertNotification(
    database,
    {
      userIds: owners.map(({ id }) => id),
      kind: 'conflict',
      subject: { sessionId },
      summary,
      theirTurn: true,
      batchKey: `conflict/${sessionId}/${syncEpoch}`,
    },
    tx,
  );
}
