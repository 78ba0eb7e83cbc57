import { listItems } from '#platform/db/repositories/items.ts';
import type { Editor } from '#tests/support/editor.ts';
import type { AgentGround, GroundSession } from '#tests/support/openedSession.ts';

/** What a reconcile tells that had nothing to do. */
export const QUIET = { changed: 0, conflicts: 0, notSaved: 0, more: false };

/** What tests of renames do with their sessions. */
export interface RenameSteps {
  /** A session whose database and volume hold these files. */
  opened(files: Record<string, string>): Promise<GroundSession>;
  /** The ids of all items by path. */
  idsOf(session: GroundSession): Promise<Record<string, number>>;
  /** One cycle that comes to an end, after which both sides hold the same and nothing is left to do. */
  settles(session: GroundSession): Promise<void>;
  /** From now on the editor's changes are found by a reconcile only. */
  stopHandingOn(session: GroundSession): Promise<void>;
}

/** Steps on the sessions of a ground. */
export function createRenameSteps(ground: AgentGround, editor: Editor): RenameSteps {
  const { database } = ground.test;
  return {
    async opened(files) {
      const session = await ground.open();
      for (const [path, content] of Object.entries(files)) session.workspace.write(path, content);
      await session.reconcile();
      return session;
    },
    async idsOf({ ref }) {
      return Object.fromEntries((await listItems(database, ref.sessionId)).map(({ path, id }) => [path, id]));
    },
    async settles(session) {
      expect(await session.reconcile()).toMatchObject({ conflicts: 0, notSaved: 0, more: false });
      expect(await session.reconcile()).toEqual(QUIET);
      expect(await editor.isClean(session)).toBe(true);
      const onVolume = [...session.workspace.contents()].map(([path, bytes]) => [path, bytes.toString()]);
      const inDatabase = Object.entries(await editor.files(session)).filter(([, content]) => content !== null);
      expect(Object.fromEntries(inDatabase)).toEqual(Object.fromEntries(onVolume));
    },
    async stopHandingOn({ ref }) {
      await database.query(`UPDATE sessions SET phase = 'loading' WHERE id = $1`, [ref.sessionId]);
    },
  };
}
