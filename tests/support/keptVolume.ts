import type { SessionRecord } from '#platform/db/repositories/sessions.ts';
import type { SessionStack } from '#tests/support/sessionStack.ts';

/** A closed session whose last save failed, as its row and its claim say. */
export async function sessionWithKeptVolume(stack: SessionStack): Promise<SessionRecord> {
  const session = await stack.newSession();
  const [row] = await stack.database.query<{ id: number }>(
    `INSERT INTO volumes (session_id, state) VALUES ($1, 'kept') RETURNING id`,
    [session.id],
  );
  const { claimUid } = await stack.runtime.ensureVolume(session.uuid, row!.id);
  await stack.database.query(`UPDATE volumes SET claim_uid = $2 WHERE id = $1`, [row!.id, claimUid]);
  return session;
}
